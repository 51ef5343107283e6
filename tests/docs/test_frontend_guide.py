"""The front ends of the guide: plain JavaScript runs against a real server, React's and Angular's compile.

The page that reads pictures is run in a browser, with the tests of the page.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.docs import played_connection
from tests.docs.markdown import blocks, section, text_of
from tests.docs.npm import FOLDER, compiled, package
from tests.docs.test_examples import need, run
from tests.serving import Server, serving

pytestmark = pytest.mark.process

GUIDE = "docs/FRONTEND_GUIDE.md"
SOCKETS = "docs/WEBSOCKET_API_DOCUMENTATION.md"
PICTURE, STREAM = "Reading a picture", "Training as a stream"
JAVASCRIPT = {"allowJs": True, "checkJs": True}
ANGULAR = {"allowJs": True, "checkJs": True, "experimentalDecorators": True}
REACT = {"allowJs": True, "checkJs": True, "jsx": "react-jsx"}


def sources(document: str, heading: str, language: str) -> dict[str, str]:
    """Return the blocks of a section that begin with a comment that is a file's name, by that name."""
    found = {}
    for block in blocks(section(text_of(document), heading), language):
        name = re.match(r"// (\S+\.\w+)\n", block)
        if name is not None:
            found[name[1]] = block
    return found


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the packages and the guide's module."""
    (tmp_path / "node_modules").symlink_to(FOLDER)
    (tmp_path / "package.json").write_text('{"type": "module"}')
    write(tmp_path, sources(GUIDE, "A client in JavaScript", "js"))
    return tmp_path


def write(folder: Path, files: dict[str, str]) -> list[str]:
    """Write the files and return their names."""
    for name, text in files.items():
        (folder / name).write_text(text)
    return list(files)


def test_plain_javascript_does_what_it_says(folder: Path, server: Server) -> None:
    (text,) = sources(GUIDE, "In plain JavaScript", "js").values()
    (folder / "main.js").write_text(text.replace("http://127.0.0.1:8000", server.url))
    lines = run([need("node"), "main.js"], folder).splitlines()
    assert [re.sub(r"\d\d\.\d %", "N", line) for line in lines[:3]] == [f"epoch {epoch}: N" for epoch in (1, 2, 3)]
    wrong = re.fullmatch(r"a (\d) taken for a (\d): data:image/png;base64,[\w+/]+=*", lines[3])
    assert wrong is not None
    assert wrong[1] != wrong[2]
    assert len(lines) == 7
    for line in lines[4:]:
        assert re.fullmatch(r"a \d: \d with \d{2,3}\.\d %", line)


def test_plain_javascript_says_what_is_wrong_and_ends(folder: Path, server: Server) -> None:
    (folder / "wrong.js").write_text(
        'import { hippo } from "./hippo.js";\n'
        "const { call, watch } = hippo(process.argv[2]);\n"
        'await call("POST", "/api/networks", { layer_sizes: [1, 2] }).catch((error) => console.log(error.message));\n'
        'watch("nobody", (name, data) => console.log(name, data.error));\n'
    )
    lines = run([need("node"), "wrong.js", server.url], folder).splitlines()
    assert lines == [
        server.post("/api/networks", json={"layer_sizes": [1, 2]}).json()["error"],
        f"training_error {server.get('/api/training/nobody').json()['error']}",
    ]


def test_a_token_is_sent_and_its_lack_is_told(folder: Path, tmp_path: Path) -> None:
    (folder / "token.js").write_text(
        'import { hippo } from "./hippo.js";\n'
        "const [address, token] = process.argv.slice(2);\n"
        "const { call, watch } = hippo(address, token);\n"
        'const { network_id } = await call("POST", "/api/networks", {});\n'
        'const { job_id } = await call("POST", `/api/networks/${network_id}/train`, { epochs: 1 });\n'
        "watch(job_id, (name, data) => {\n"
        "  console.log(name);\n"
        '  const other = hippo(address, "wrong");\n'
        '  if (name === "training_complete") other.watch(job_id, (_, data) => console.log(data.error));\n'
        "});\n"
    )
    (tmp_path / "server").mkdir()
    with serving(tmp_path / "server", HOST="0.0.0.0", HIPPO_TOKEN="a-token-of-the-test") as server:  # noqa: S104, S106
        address = f"http://127.0.0.1:{server.port}"
        lines = run([need("node"), "token.js", address, "a-token-of-the-test"], folder).splitlines()
    assert lines[:2] == ["training_update", "training_complete"]
    assert "token" in lines[2]


def test_every_event_is_handed_over_once_and_in_order(folder: Path, tmp_path: Path) -> None:
    (folder / "node_modules").unlink()
    write(tmp_path, sources(GUIDE, "A client in JavaScript", "js"))
    played_connection.install(tmp_path)
    (tmp_path / "run.js").write_text(
        'import { hippo } from "./hippo.js";\nhippo("").watch("j", (name, data) => console.log(name, data.seq));\n'
    )
    assert run([need("node"), "run.js"], tmp_path).splitlines() == [
        *played_connection.HEARD,
        "disconnected",
        "training_complete 5",
    ]


def test_pictures_and_streams_compile(folder: Path) -> None:
    package("socket.io-client")
    files = write(folder, {**sources(GUIDE, PICTURE, "js"), **sources(GUIDE, STREAM, "js")})
    assert files == ["picture.js", "stream.js", "current.js"]
    options = {**JAVASCRIPT, "lib": ["es2022", "dom"], "moduleDetection": "force"}
    assert compiled(folder, *files, **options) == ""
    picture = {"answer.image_data": "answer.picture", "input.files?.[0]": "input.file", "body: picture": "body: 7"}
    assert not_compiled(folder, "picture.js", picture, **options) == set(picture.values())
    stream = {"last = id": "last = 7", "signal?.aborted": "signal.aborted", "JSON.parse(data)": "JSON.parse(id, 7)"}
    assert not_compiled(folder, "stream.js", stream, **options) == set(stream.values())
    current = {"{ epochs: 3 }": "{ epoch: 3 }", "(address, ": "("}
    assert not_compiled(folder, "current.js", current, **options) == set(current.values())


def write_streams(folder: Path, server: Server) -> None:
    """Write the stream's modules, which train on this server."""
    for name, text in sources(GUIDE, STREAM, "js").items():
        (folder / name).write_text(text.replace("http://127.0.0.1:8000", server.url))


def test_a_stream_is_followed_to_its_end(folder: Path, server: Server) -> None:
    write_streams(folder, server)
    lines = run([need("node"), "current.js"], folder).splitlines()
    assert [re.sub(r"\d\d\.\d %$", "N", line) for line in lines] == [f"epoch {epoch} of 3: N" for epoch in (1, 2, 3)]


#: Stands in for a bad line: the first stream breaks within its second event, the second ends before its first one, the
#: third request finds no server and the fourth one that is starting.
BAD_LINE = """
const real = fetch;
let asked = 0;
const pieces = (...texts) => new Response(new ReadableStream({
  pull: (controller) => (texts.length ? controller.enqueue(texts.shift()) : controller.error(new TypeError("broken"))),
}).pipeThrough(new TextEncoderStream()));
globalThis.fetch = async (url, options) => {
  asked += 1;
  console.log(`${options.method} ${options.body} after ${options.headers["Last-Event-ID"]}`);
  if (asked === 1) {
    const whole = await (await real(url, options)).text();
    const end = whole.indexOf("}") + 3;
    return pieces(whole.slice(0, 20), whole.slice(20, end), whole.slice(end, end + 60));
  }
  if (asked === 2) return pieces(": heartbeat\\n\\n");
  if (asked === 3) throw new TypeError("no server");
  if (asked === 4) return Response.json({ error: "starting" }, { status: 503 });
  return real(url, options);
};
"""


def test_a_stream_that_is_lost_is_taken_up_behind_its_last_event(folder: Path, server: Server) -> None:
    write_streams(folder, server)
    server.post("/network/create", json={"sizes": [784, 10]})
    stream = (folder / "stream.js").read_text().replace("AGAIN_MS = 1000", "AGAIN_MS = 1")
    (folder / "stream.js").write_text(BAD_LINE + stream)
    (folder / "run.js").write_text(
        'import { trainCurrent } from "./stream.js";\n'
        "const settings = { epochs: 3, mini_batch_size: 1000 };\n"
        "await trainCurrent(process.argv[2], settings, (data) => console.log(data.epoch ?? data.status));\n"
    )
    first, *lines = run([need("node"), "run.js", server.url], folder).splitlines()
    job_id = server.get("/api/training?limit=1").json()["jobs"][0]["job_id"]
    assert first == 'POST {"epochs":3,"mini_batch_size":1000} after undefined'
    again = f"POST undefined after {job_id}:1"
    assert lines == ["1", *[again] * 4, "2", "3", "completed"]


def test_a_stream_that_is_refused_says_why(folder: Path, server: Server) -> None:
    write_streams(folder, server)
    server.post("/network/create", json={"sizes": [784, 10]})
    (folder / "run.js").write_text(
        'import { trainCurrent } from "./stream.js";\n'
        "const tell = (error) => console.log(error.message);\n"
        "await trainCurrent(process.argv[2], { epochs: 0 }, tell).catch(tell);\n"
        'await trainCurrent("http://127.0.0.1:1", { epochs: 1 }, tell).catch(tell);\n'
        "const signal = AbortSignal.abort();\n"
        "const abandoned = trainCurrent(process.argv[2], { epochs: 1 }, tell, { signal });\n"
        "await abandoned.catch((error) => console.log(error.name));\n"
    )
    lines = run([need("node"), "run.js", server.url], folder).splitlines()
    error = server.post("/network/train", json={"epochs": 0}).json()["error"]
    assert lines == [error, "The connection was lost before the first event.", "AbortError"]


def not_compiled(folder: Path, file: str, changes: dict[str, str], **options: object) -> set[str]:
    """Return those of the changes, each made in a copy of the file, that the compiler says no to."""
    text, copies = (folder / file).read_text(), {}
    for number, (right, wrong) in enumerate(changes.items()):
        assert right in text
        copies[f"wrong{number}.{file}"] = wrong
        (folder / f"wrong{number}.{file}").write_text(text.replace(right, wrong))
    said = compiled(folder, *copies, **options)
    return {wrong for name, wrong in copies.items() if f"{name}(" in said}


def test_react_compiles(folder: Path) -> None:
    package("@types/react")
    files = write(folder, sources(GUIDE, "In React", "tsx"))
    assert files == ["Training.tsx"]
    assert compiled(folder, *files, **REACT) == ""
    changes = {
        "watch(job.job_id, async": "watch(job.job_ids, async",
        "useState<Example>()": "useState<Example>(7)",
        "[job]);": "job);",
        "onClick={() => start()": "onClick={start()",
        "example.image_data": "example.picture",
        "call(": "call(7, ",
    }
    assert not_compiled(folder, files[0], changes, **REACT) == set(changes.values())


@pytest.mark.parametrize("document", [GUIDE, SOCKETS])
def test_angular_compiles(document: str, folder: Path) -> None:
    for name in ("@angular/core", "@angular/common", "rxjs", "socket.io-client"):
        package(name)
    files = write(folder, sources(document, "In Angular", "ts"))
    assert len(files) == 2
    assert compiled(folder, *files, **ANGULAR) == ""
    service = {"Injectable({ providedIn": "Injectable({ provideIn", "subscriber.complete()": "subscriber.completes()"}
    assert not_compiled(folder, files[0], service, **ANGULAR) == set(service.values())
    component = {"inject(": "inject(7, ", "selector:": "select:"}
    assert not_compiled(folder, files[1], component, **ANGULAR) == set(component.values())


def test_the_module_names_the_events_that_are_kept() -> None:
    (text,) = sources(GUIDE, "A client in JavaScript", "js").values()
    (names,) = re.findall(r"^const EVENTS = (\[.*\]);$", text, re.MULTILINE)
    assert json.loads(names) == ["training_update", "training_complete", "training_error"]


def test_the_import_map_leads_to_the_package() -> None:
    (page,) = blocks(section(text_of(GUIDE), "In plain JavaScript"), "html")
    (path,) = json.loads(page.partition(">")[2].partition("<")[0])["imports"].values()
    assert (FOLDER.parent / path).is_file()
