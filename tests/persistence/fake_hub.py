"""A Hugging Face Hub of our own on 127.0.0.1, as much of it as huggingface_hub 2.4.0 asks for, with its faults.

It keeps repositories as lists of commits, and serves: what a repository holds, its files, the making of repositories,
and commits with files that are sent along or put beforehand (LFS). Contents kept with LFS come, as on the real Hub,
from another address, to which the reply leads. Every request is noted with the token that came with it.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar
from urllib.parse import unquote, urlsplit

TOKEN = "hf_thetokenofthetests"  # noqa: S105 - opens nothing


@dataclass
class Commit:
    """The files of a repository at one moment, by path."""

    id: str
    files: dict[str, bytes]


@dataclass
class Repository:
    """The commits of a repository, oldest first."""

    private: bool = False
    commits: list[Commit] = field(default_factory=list)

    def at(self, revision: str) -> Commit | None:
        """Return a commit by its id, or the newest for ``main``."""
        if revision == "main":
            return self.commits[-1] if self.commits else None
        return next((commit for commit in self.commits if commit.id == revision), None)


@dataclass
class Request:
    """A request as it came."""

    server: str
    method: str
    path: str
    token: str | None


class FakeHub:
    """The Hub and, at another port, the store of its large files.

    Attributes
    ----------
    faults : dict
        What goes wrong: ``status`` (of every reply; ``file_status``, ``ask_status``, ``put_status``, ``commit_status``
        of those to who asks for files, asks how to send them, puts large ones, commits), ``times`` (so often only),
        ``lfs`` (False: not used), ``gzip`` (for whom it suits), ``cut`` (bytes after which a file's connection is cut),
        ``longer`` and ``altered`` (of files' contents), ``size`` and ``checksum`` (that the Hub says of files),
        ``info`` (that it says of a repository), ``stall`` (an Event that files wait for halfway, or the
        one whose content is ``stalled``).
    requests : list of Request
    """

    def __init__(self) -> None:
        self.repositories: dict[str, Repository] = {}
        self.large: dict[str, bytes] = {}
        self.faults: dict[str, Any] = {}
        self.requests: list[Request] = []
        self.halfway = threading.Event()
        self._servers = [_serve(self, "hub"), _serve(self, "store")]
        self.endpoint, self.store = (f"http://127.0.0.1:{server.server_port}" for server in self._servers)

    def add(self, repo: str, files: dict[str, bytes], private: bool = False) -> str:
        """Put files into a repository as a new commit, made when missing; return the commit's id."""
        repository = self.repositories.setdefault(repo, Repository(private))
        before = repository.commits[-1].files if repository.commits else {}
        number = str((repo, len(repository.commits), sorted(files))).encode()
        repository.commits.append(Commit(hashlib.sha1(number, usedforsecurity=False).hexdigest(), before | files))
        return repository.commits[-1].id

    def count(self, part: str) -> int:
        """Return how many requests had `part` in their path."""
        return sum(part in request.path for request in self.requests)

    def stop(self) -> None:
        """Close both ports."""
        for server in self._servers:
            server.shutdown()
            server.server_close()
        self._servers = []


@contextmanager
def fake_hub() -> Iterator[FakeHub]:
    """Run a hub; it is gone at the end of the block."""
    hub = FakeHub()
    try:
        yield hub
    finally:
        stall = hub.faults.get("stall")
        if stall is not None:
            stall.set()
        hub.stop()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    hub: ClassVar[FakeHub]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: clients that go away in the middle are what the tests are about."""


def _serve(hub: FakeHub, name: str) -> _Server:
    handler = type("Handler", (_Handler,), {"hub": hub, "name": name})
    server = _Server(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    return server


def _is_large(path: str) -> bool:
    return path.endswith(".safetensors")


class _Handler(BaseHTTPRequestHandler):
    hub: FakeHub
    name: str
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        path = self._begin()
        if path is None:
            return
        if self.name == "store":
            self._file(self.hub.large[path.removeprefix("/lfs/")], {})
        elif path.startswith("/api/models/"):
            self._info(path.removeprefix("/api/models/"))
        elif "/resolve/" in path:
            self._resolve(*path.removeprefix("/").split("/resolve/"))
        else:
            self._json(404, {"error": "no such path"})

    def do_PUT(self) -> None:
        path = self._begin()
        if path is None:
            return
        content = self._body()
        oid = path.removeprefix("/lfs/")
        if self.name != "store" or hashlib.sha256(content).hexdigest() != oid:
            self._json(400, {"error": "wrong content"})
            return
        self.hub.large[oid] = content
        self._json(200, {})

    def do_POST(self) -> None:
        path = self._begin()
        if path is None:
            return
        body = self._body()
        if path == "/api/validate-yaml":
            ok = json.loads(body)["content"].startswith("---\n")
            self._json(200 if ok else 400, {"errors": [] if ok else [{"message": "no metadata"}], "warnings": []})
        elif self._token() != TOKEN:
            self._json(401, {"error": "Invalid username or password."})
        elif path == "/api/repos/create":
            self._create(json.loads(body))
        elif "/preupload/" in path:
            modes = [
                {"path": f["path"], "uploadMode": "lfs" if _is_large(f["path"]) else "regular", "shouldIgnore": False}
                for f in json.loads(body)["files"]
            ]
            self._json(200, {"files": modes})
        elif path.endswith("/info/lfs/objects/batch"):
            wanted = [
                {"oid": f["oid"], "size": f["size"], "actions": self._upload(f["oid"])}
                for f in json.loads(body)["objects"]
            ]
            self._json(200, {"transfer": "basic", "objects": wanted})
        elif "/commit/" in path:
            self._commit(path.removeprefix("/api/models/").split("/commit/")[0], body)
        else:
            self._json(404, {"error": "no such path"})

    def _begin(self) -> str | None:
        """Note the request; return its path, or None after having answered with the fault that is on."""
        path = unquote(urlsplit(self.path).path)
        self.hub.requests.append(Request(self.name, self.command, path, self._token()))
        faults = self.hub.faults
        status = faults.get("status")
        if "/resolve/" in path:
            status = faults.get("file_status", status)
        for part, fault in (("/preupload/", "ask_status"), ("/commit/", "commit_status")):
            status = faults.get(fault, status) if part in path else status
        if self.command == "PUT":
            status = faults.get("put_status", status)
        if status is not None and faults.get("times", 1) > 0:
            if "times" in faults:
                faults["times"] -= 1
            self._body()
            self._json(status, {"error": "as told"})
            return None
        return path

    def _token(self) -> str | None:
        said = self.headers.get("Authorization")
        return said.removeprefix("Bearer ") if said else None

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def _json(self, status: int, values: Any, headers: dict[str, str] | None = None) -> None:
        body = json.dumps(values).encode()
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _found(self, repo: str, revision: str) -> Commit | None:
        """Return the commit, or None after having said that it is not there, or not for this token."""
        token = self._token()
        if token not in (None, TOKEN):
            self._json(401, {"error": "Invalid credentials in Authorization header"})
            return None
        repository = self.hub.repositories.get(repo)
        if repository is None or (repository.private and token is None):
            code = {"X-Error-Code": "RepoNotFound"}
            self._json(404 if token else 401, {"error": "Repository not found"}, code)
            return None
        commit = repository.at(revision)
        if commit is None:
            self._json(404, {"error": "Invalid rev id"}, {"X-Error-Code": "RevisionNotFound"})
        return commit

    def _info(self, rest: str) -> None:
        repo, _, revision = rest.partition("/revision/")
        commit = self._found(repo, revision or "main")
        if commit is not None:
            siblings = [self._sibling(path, content) for path, content in commit.files.items()]
            said = {"id": repo, "sha": commit.id, "lastModified": "2026-01-31T12:00:00.000Z", "siblings": siblings}
            self._json(200, said | self.hub.faults.get("info", {}))

    def _sibling(self, path: str, content: bytes) -> dict[str, Any]:
        size = self.hub.faults.get("size", len(content))
        sha256 = self.hub.faults.get("checksum", hashlib.sha256(content).hexdigest())
        said: dict[str, Any] = {"rfilename": path, "size": size, "blobId": git_id(content)}
        large = _is_large(path) and self.hub.faults.get("lfs", True)
        return said | ({"lfs": {"size": size, "sha256": sha256, "pointerSize": 134}} if large else {})

    def _resolve(self, repo: str, rest: str) -> None:
        revision, _, path = rest.partition("/")
        commit = self._found(repo, revision)
        if commit is None:
            return
        if path not in commit.files:
            self._json(404, {"error": "Entry not found"}, {"X-Error-Code": "EntryNotFound"})
            return
        content = commit.files[path]
        if not _is_large(path):
            self._file(content, {"X-Repo-Commit": commit.id, "ETag": f'"{git_id(content)}"'})
            return
        oid = hashlib.sha256(content).hexdigest()
        self.hub.large[oid] = content
        headers = {
            "Location": f"{self.hub.store}/lfs/{oid}",
            "X-Repo-Commit": commit.id,
            "X-Linked-Size": str(len(content)),
            "X-Linked-ETag": f'"{oid}"',
        }
        self._json(302, {}, headers)

    def _file(self, content: bytes, headers: dict[str, str]) -> None:
        faults = self.hub.faults
        if faults.get("altered"):
            content = content[:-1] + bytes([content[-1] ^ 1])
        content += b"x" * faults.get("longer", 0)
        if faults.get("gzip") and "gzip" in self.headers.get("Accept-Encoding", ""):
            content = gzip.compress(content)
            headers = headers | {"Content-Encoding": "gzip"}
        self.send_response(200)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if "stall" in faults and faults.get("stalled", content) == content:
            self.wfile.write(content[: len(content) // 2])
            self.wfile.flush()
            self.hub.halfway.set()
            faults["stall"].wait()
            return
        cut = faults.get("cut")
        self.wfile.write(content[:cut])
        if cut is not None:
            self.close_connection = True

    def _create(self, wanted: dict[str, Any]) -> None:
        repo = f"{wanted['organization']}/{wanted['name']}"
        if repo in self.hub.repositories:
            url = f"{self.hub.endpoint}/{repo}"
            self._json(409, {"error": "You already created this model repo", "url": url})
            return
        private = wanted.get("visibility") == "private" or bool(wanted.get("private"))
        self.hub.repositories[repo] = Repository(private)
        self.hub.add(repo, {".gitattributes": b"*.safetensors filter=lfs\n"})
        self._json(200, {"url": f"{self.hub.endpoint}/{repo}", "name": repo, "id": "1"})

    def _upload(self, oid: str) -> dict[str, Any]:
        return {"upload": {"href": f"{self.hub.store}/lfs/{oid}", "header": {}}}

    def _commit(self, repo: str, body: bytes) -> None:
        files = {}
        for line in filter(None, body.split(b"\n")):
            part = json.loads(line)
            if part["key"] == "file":
                files[part["value"]["path"]] = base64.b64decode(part["value"]["content"])
            elif part["key"] == "lfsFile":
                files[part["value"]["path"]] = self.hub.large[part["value"]["oid"]]
        commit = self.hub.add(repo, files)
        url = f"{self.hub.endpoint}/{repo}/commit/{commit}"
        self._json(200, {"success": True, "commitOid": commit, "commitUrl": url, "hookOutput": ""})


def git_id(content: bytes) -> str:
    """Return the id that Git gives a file."""
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()
