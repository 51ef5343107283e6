"""What of a Hugging Face repository is on this disk: which commit, which models it holds, and the files themselves.

::

    <cache>/<owner>--<name>/<revision>.json                    the pin: the commit, and size and checksum of each model
    <cache>/<owner>--<name>/<commit>/<model>.safetensors       there only once it is whole and checked

The pin is made once, when the revision is first looked up, and decides from then on: a server that starts without a
network, or after the repository has moved on, serves the same files. Nothing here speaks to the Hub; ``hub_client``
does, in a process of its own (``hub_fetch``).
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

from hippo.atomic_files import write_atomically
from hippo.errors import InvalidValue

#: As for a model that is sent to the server; how many models of a repository are looked at.
MAX_MODEL_BYTES, MAX_MODELS = 256 * 1024 * 1024, 100
SUFFIX = ".safetensors"

_REPO = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,95}/[A-Za-z0-9][A-Za-z0-9._-]{0,95}")
_REVISION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,99}")
_COMMIT = re.compile(r"[0-9a-f]{40}")
_CHECKSUM = re.compile(r"sha256:[0-9a-f]{64}|git:[0-9a-f]{40}")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}[A-Za-z0-9_-]|[A-Za-z0-9]")
#: Names that some systems take for devices, whatever follows the first dot.
_DEVICES = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?", re.IGNORECASE)


def check_model_name(name: str) -> str:
    """Return `name`; raises InvalidValue unless it is safe as the name of a file on every system."""
    if not _NAME.fullmatch(name) or _DEVICES.fullmatch(name):
        raise InvalidValue(
            f"{name[:60]!r} cannot be the name of a model; allowed: up to 64 letters of a to z, digits, dots, hyphens "
            "and underscores, a letter or digit first and no dot last, and no name of a device such as nul."
        )
    return name


def check_repo(repo: str, revision: str = "main") -> str:
    """Return `repo`; raises InvalidValue unless it is ``owner/name`` and the revision one that Git allows."""
    if not _REPO.fullmatch(repo) or ".." in repo or "--" in repo:
        raise InvalidValue(f"{repo[:120]!r} is no repository of the Hub; it is written as owner/name.")
    if not _REVISION.fullmatch(revision) or ".." in revision:
        raise InvalidValue(f"{revision[:120]!r} is no revision of a repository: a branch, a tag or a commit.")
    return repo


@dataclass(frozen=True)
class HubModel:
    """One file of a repository that may be a model.

    Attributes
    ----------
    name : str
        Name of the file without its suffix.
    size : int
        Bytes.
    checksum : str
        ``sha256:`` of the content, or ``git:`` and the SHA-1 that Git gives a file which is not kept with LFS.
    """

    name: str
    size: int
    checksum: str

    def __post_init__(self) -> None:
        check_model_name(self.name)
        if not isinstance(self.size, int) or not 0 < self.size <= MAX_MODEL_BYTES:
            raise InvalidValue(f"{self.name} has {self.size!r} bytes; 1 to {MAX_MODEL_BYTES:,} are allowed.")
        if not _CHECKSUM.fullmatch(self.checksum):
            raise InvalidValue(f"{self.name} has no checksum.")

    def hasher(self) -> Any:
        """Return a hash object to be fed the content."""
        if self.checksum.startswith("sha256:"):
            return hashlib.sha256()
        return hashlib.sha1(b"blob %d\0" % self.size, usedforsecurity=False)

    def fits(self, hasher: Any) -> bool:
        """Whether the content fed to `hasher` is that of this model."""
        return bool(hasher.hexdigest() == self.checksum.partition(":")[2])


@dataclass(frozen=True)
class Pin:
    """A revision as it was found when it was first looked up.

    Attributes
    ----------
    endpoint, repo, revision : str
        What was asked.
    commit : str
        The 40 hexadecimal digits of the commit.
    last_modified : str or None
        When the repository had last changed then (ISO 8601).
    models : tuple of HubModel
    refused : dict of str to str
        Names of models that turned out to be none, and why; they are not fetched again.
    """

    endpoint: str
    repo: str
    revision: str
    commit: str
    last_modified: str | None
    models: tuple[HubModel, ...]
    refused: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not _COMMIT.fullmatch(self.commit):
            raise InvalidValue("A commit has 40 hexadecimal digits.")
        if not isinstance(self.refused, dict) or not isinstance(self.last_modified, str | None):
            raise InvalidValue("This is no pin.")

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Pin:
        """Return the pin that `dataclasses.asdict` described; raises TypeError or ValueError when it is none."""
        return cls(**(values | {"models": tuple(HubModel(**model) for model in values.get("models", ()))}))


class HubCache:
    """The part of the cache that belongs to one repository at one revision.

    Parameters
    ----------
    folder : Path
        The folder of the whole cache; made when something is written.
    endpoint, repo, revision : str
        Of the Hub; a pin that was made at another endpoint does not count.

    Raises
    ------
    InvalidValue
        For a repository or revision that cannot be one.
    """

    def __init__(self, folder: Path, endpoint: str, repo: str, revision: str) -> None:
        check_repo(repo, revision)
        self.endpoint, self.repo, self.revision = endpoint, repo, revision
        self.folder = folder / repo.replace("/", "--")
        self._pin_path = self.folder / f"{quote(revision, safe='')}.json"

    def pin(self) -> Pin | None:
        """Return the pin, or None where there is none that can be used."""
        try:
            pin = Pin.from_dict(json.loads(self._pin_path.read_bytes()))
        except (OSError, ValueError, TypeError, AttributeError):
            return None
        asked = (self.endpoint, self.repo, self.revision)
        return pin if (pin.endpoint, pin.repo, pin.revision) == asked else None

    def write_pin(self, pin: Pin) -> None:
        """Keep the pin; raises OSError when the disk is full or fails."""
        write_atomically(self._pin_path, json.dumps(asdict(pin), indent=1).encode())

    def files(self, pin: Pin) -> Path:
        """Where the files of the pinned commit are."""
        return self.folder / pin.commit

    def path(self, pin: Pin, model: HubModel) -> Path:
        """Where the file of a model is, or will be."""
        return self.files(pin) / f"{model.name}{SUFFIX}"

    def present(self, pin: Pin) -> Iterator[tuple[HubModel, Path]]:
        """Return the models that are here, with their files."""
        for model in pin.models:
            path = self.path(pin, model)
            if path.is_file():
                yield model, path

    def is_whole(self, pin: Pin, model: HubModel) -> bool:
        """Whether the file of a model is here and has the right content, all of which is read for that."""
        path = self.path(pin, model)
        if not path.is_file() or path.stat().st_size != model.size:
            return False
        hasher = model.hasher()
        with path.open("rb") as file:
            while piece := file.read(1 << 20):
                hasher.update(piece)
        return model.fits(hasher)
