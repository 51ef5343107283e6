"""The Hugging Face Hub as Hippo uses it: what a repository holds, one of its files, and one commit into it.

Every failure becomes a `HubError` of one line, which holds neither the token nor words that the other side chose. The
package huggingface_hub is imported when it is first needed and never by the server, whose start it would slow and whose
green threads its waiting would stop: there the process ``hub_fetch`` does this work. The token goes to the endpoint
that the settings name and to nobody else.
"""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hippo.clock import iso_time
from hippo.errors import HippoError, InvalidValue
from hippo.persistence.hub_cache import MAX_MODELS, SUFFIX, HubModel, Pin

PUBLIC_ENDPOINT = "https://huggingface.co"
#: Seconds until a connection is made, and that it may be silent.
CONNECT_SECONDS, SILENT_SECONDS = 10.0, 30.0

#: How the package is told to do what it is asked and no more: no transfer that bypasses Python and its proxies, no
#: report of who uses it, no token that it finds by itself, and nothing on the terminal.
_MANNERS = (
    "HF_HUB_DISABLE_XET",
    "HF_HUB_DISABLE_TELEMETRY",
    "HF_HUB_DISABLE_IMPLICIT_TOKEN",
    "HF_HUB_DISABLE_PROGRESS_BARS",
    "HF_HUB_DISABLE_UPDATE_CHECK",
)


class HubError(HippoError):
    """The Hub, or the way there, failed; or what it holds cannot be used."""

    code = "hub_failed"


class Unreachable(HubError):
    """Nothing else that is asked of the Hub now will succeed either."""


class NotThere(HubError):
    """What was asked for is not on the Hub, or is not shown to who asks."""


def huggingface() -> Any:
    """Return the package huggingface_hub, told how to behave."""
    os.environ.update(dict.fromkeys(_MANNERS, "1"))
    import huggingface_hub
    from huggingface_hub.utils.logging import set_verbosity

    set_verbosity(logging.CRITICAL)  # it would tell of each failure in words of its own
    return huggingface_hub


class Hub:
    """The Hub at one endpoint.

    Parameters
    ----------
    endpoint : str
        Such as ``https://huggingface.co``.
    token : str or None
        Sent with every request to that endpoint.
    """

    def __init__(self, endpoint: str, token: str | None) -> None:
        self._package = huggingface()
        self._endpoint, self._has_token = endpoint.rstrip("/"), token is not None
        self.api = self._package.HfApi(endpoint=self._endpoint, token=token or False, library_name="hippo")

    def resolve(self, repo: str, revision: str) -> tuple[Pin, list[str]]:
        """Look a revision up.

        Returns
        -------
        Pin
            The commit and the models in it.
        list of str
            What is wrong with files that are left out, a line for each.

        Raises
        ------
        HubError
            When there is no such repository or revision, the token is refused, or the Hub fails.
        """
        with self._explained(f"the repository {repo} at revision {revision}"):
            info = self.api.model_info(
                repo, revision=revision, files_metadata=True, timeout=CONNECT_SECONDS + SILENT_SECONDS
            )
            files = [file for file in info.siblings or () if file.rfilename.endswith(SUFFIX)]
            models, wrong = [], []
            for file in files[:MAX_MODELS]:
                checksum = f"sha256:{file.lfs.sha256}" if file.lfs else f"git:{file.blob_id}"
                size = file.lfs.size if file.lfs else file.size
                try:
                    models.append(HubModel(file.rfilename.removesuffix(SUFFIX), size, checksum))
                except InvalidValue as error:
                    wrong.append(f"A file of {repo} is left out: {error.message}")
            if len(files) > MAX_MODELS:
                wrong.append(f"{repo} holds {len(files):,} models; only the first {MAX_MODELS} are served.")
            changed = iso_time(info.last_modified.timestamp()) if info.last_modified else None
            return Pin(self._endpoint, repo, revision, info.sha, changed, tuple(models)), wrong

    def download(self, pin: Pin, model: HubModel, target: Path) -> None:
        """Write the file of a model to `target`, which must not exist, flushed to the disk and checked.

        Raises
        ------
        HubError
            When the connection fails, or the content has another size or checksum than the Hub said; `target` is then
            to be thrown away.
        OSError
            When the disk is full or fails.
        """
        from httpx2 import Timeout, TransportError

        utils = self._package.utils
        filename = f"{model.name}{SUFFIX}"
        url = self._package.hf_hub_url(pin.repo, filename, revision=pin.commit, endpoint=self._endpoint)
        # Compressed, a small reply could become a huge one.
        headers = utils.build_hf_headers(token=self.api.token, library_name="hippo") | {"Accept-Encoding": "identity"}
        hasher, received = model.hasher(), 0
        timeout = Timeout(SILENT_SECONDS, connect=CONNECT_SECONDS)
        with target.open("xb") as file, self._explained(filename):
            with utils.get_session().stream("GET", url, headers=headers, timeout=timeout) as response:
                utils.hf_raise_for_status(response)
                try:
                    for piece in response.iter_raw():
                        received += len(piece)
                        if received > model.size:
                            raise HubError(f"{filename} is longer than the {model.size:,} bytes that the Hub said.")
                        hasher.update(piece)
                        file.write(piece)
                except TransportError:
                    text = f"The connection was cut off after {received:,} of {model.size:,} bytes of {filename}."
                    raise Unreachable(text) from None
            if received < model.size:
                raise HubError(f"{filename} ended after {received:,} of {model.size:,} bytes.")
            if not model.fits(hasher):
                raise HubError(f"{filename} has another checksum than the Hub said.")
            file.flush()
            os.fsync(file.fileno())

    def commit(self, repo: str, files: dict[str, Path | bytes], message: str, private: bool) -> str:
        """Make the repository if it is missing, put `files` into it as one commit, and return its address.

        Raises
        ------
        HubError
            When the token is missing or refused, or the Hub fails.
        """
        operations = [self._package.CommitOperationAdd(name, content) for name, content in files.items()]
        with self._explained(f"the repository {repo}"):
            self.api.create_repo(repo, private=private or None, exist_ok=True)
            self.api.create_commit(repo, operations, commit_message=message)
        return f"{self._endpoint}/{repo}"

    def model_names(self, repo: str) -> list[str]:
        """Return the names of the models in a repository; none where there is no such repository yet."""
        try:
            return sorted(model.name for model in self.resolve(repo, "main")[0].models)
        except NotThere:
            return []

    @contextlib.contextmanager
    def _explained(self, what: str) -> Iterator[None]:
        """Turn whatever the package raises into a HubError about `what`."""
        try:
            yield
        except HubError:
            raise
        except Exception as error:  # noqa: BLE001 - the package raises what its parts raise, of many families
            raise self._explain(what, error) from None

    def _explain(self, what: str, error: BaseException) -> BaseException:
        from httpx2 import HTTPError, InvalidURL
        from huggingface_hub.errors import HfHubHTTPError, OfflineModeIsEnabled

        if isinstance(error, HfHubHTTPError):
            return self._refused(what, error)
        if isinstance(error, OfflineModeIsEnabled):
            return Unreachable("HF_HUB_OFFLINE is set: the Hub is not asked.")
        if isinstance(error, HTTPError | InvalidURL):
            # The text of the error may quote what the other side sent; its kind says enough.
            return Unreachable(f"The connection for {what} failed ({type(error).__name__}).")
        if isinstance(error, RuntimeError) and error.__cause__ is not None:  # of a thread that uploads
            return self._explain(what, error.__cause__)
        if isinstance(error, OSError) and error.errno is not None:
            return error  # of this machine
        return HubError(f"The Hub's answer for {what} cannot be understood ({type(error).__name__}).")

    def _refused(self, what: str, error: Any) -> HubError:
        status = error.response.status_code
        if status == 401 and self._has_token:
            return Unreachable(f"The Hub refused the token for {what} (401). See HUGGINGFACE_TOKEN.")
        if status == 403:
            return Unreachable(f"The Hub does not let this token use {what} (403).")
        if status in (401, 404):
            wanted = "" if self._has_token else ", or shows it only with a token, see HUGGINGFACE_TOKEN"
            return NotThere(f"The Hub has no such thing as {what}{wanted} ({status}).")
        return Unreachable(f"The Hub failed for {what} ({status}).")
