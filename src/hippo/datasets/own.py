"""Digits of your own: what `--data PATH` names, as training, validation and test sets.

PATH is one file in any format of `formats`, or a folder that holds one set: the four IDX files, be they MNIST's,
Fashion-MNIST's or yours, a file that holds everything, or two CSV files. Files are told apart by what they hold and
never by name; what could be meant in two ways is refused. That a set is MNIST is neither needed nor checked here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hippo.datasets.canonical import Bytes, display
from hippo.datasets.dataset import Dataset
from hippo.datasets.formats import FileContents, Format, detect, read_file
from hippo.datasets.mnist_loader import MNIST
from hippo.errors import DataError

_MOST_FILES = 8  # four IDX files, each plain and packed; more are not read, as each may take 320 MB
_NEEDED = "Hippo takes the four IDX files (training images and labels, test images and labels), or one file with all"


def load_own(path: Path) -> MNIST:
    """Read the set at `path` and divide it for training, validation and testing.

    What the files themselves hold apart for testing, or for validation, stays apart; the rest is divided as
    `FileContents.split` says. Of two pairs of IDX files, or two CSV files, the larger is for training.

    Parameters
    ----------
    path
        A file (IDX files only come in folders), or a folder; folders within it are not looked at.

    Returns
    -------
    MNIST
        Three sets of (N, 784) bytes with labels 0-9, none of them empty.

    Raises
    ------
    DataError
        If nothing usable is there, more than one set is there, images and labels do not belong together, all labels are
        the same, or there is too little to divide. The text names the file and says what to do.
    """
    name = _name(path)
    if path.is_dir():
        contents = _read_folder(path, name)
    else:
        if path.is_file() and not path.stat().st_size:
            raise DataError(f"{name} is empty. Fetch or write it again.")
        contents = read_file(path)
        if contents.images is None or contents.labels is None:
            held = "labels" if contents.images is None else "images"
            raise DataError(f"{name} is an IDX file and holds {held} only. Name the folder that holds all four.")
    return _divided(contents, name)


@dataclass(frozen=True)
class _Array:
    """The content of one IDX file, (N, 784) or (N,), and what to call the file in a message."""

    name: str
    array: Bytes


def _read_folder(folder: Path, name: str) -> FileContents:
    """Return what the one set in a folder holds."""
    try:
        paths = sorted(path for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))
    except OSError as error:
        raise DataError(f"{name} cannot be read: {error.strerror or 'input error'}. Check the folder.") from error
    found: dict[Format, list[Path]] = {}
    for path in paths:
        if (kind := detect(path)) is not None:
            found.setdefault(kind, []).append(path)
    if not found:
        raise DataError(f"{name} holds no file of digits. {_NEEDED}; data/README.md lists the formats.")
    kind, files = next(iter(found.items()))
    if len(found) > 1 or len(files) > _MOST_FILES:
        raise _ambiguous(name, [path for group in found.values() for path in group])
    if kind == "IDX":
        return _four_idx_files(files, name)
    if len(files) == 1:
        return read_file(files[0])
    if kind == "CSV" and len(files) == 2:
        return _two_csv_files(files, name)
    raise _ambiguous(name, files)


def _four_idx_files(files: Sequence[Path], folder: str) -> FileContents:
    images: list[_Array] = []
    labels: list[_Array] = []
    for path in files:
        contents = read_file(path)
        if contents.images is not None:
            _add(images, _Array(_name(path), contents.images))
        elif contents.labels is not None:
            _add(labels, _Array(_name(path), contents.labels))
    for kind, group in (("images", images), ("labels", labels)):
        if len(group) > 2:
            names = _listed([one.name for one in group])
            raise DataError(f"{folder} holds more than two files of {kind}: {names}. Leave those of one set there.")
    pairs = _pairs(images, labels, folder)
    if len(pairs) < 2:
        raise DataError(f"{folder} lacks a second pair of images and labels, for testing. {_NEEDED}.")
    return _training_first("IDX", pairs, [image.name for image in images])


def _add(group: list[_Array], new: _Array) -> None:
    """Add a file, unless it is another copy of one that is there, as after `gunzip --keep`."""
    if not any(np.array_equal(new.array, known.array) for known in group):
        group.append(new)


def _pairs(images: list[_Array], labels: list[_Array], folder: str) -> list[tuple[Bytes, Bytes]]:
    """Match images with labels by their number, which is all that a file of labels says about itself."""
    if not images or not labels:
        there, missing = ("labels", "images") if labels else ("images", "labels")
        raise DataError(f"{folder} holds {there} and no {missing}. {_NEEDED}.")
    if len({len(one.array) for one in images}) < len(images):
        raise DataError(
            f"{_listed([one.name for one in images])} both hold {len(images[0].array):,} images: the larger set is for "
            "training, so neither is. Leave the files of one set there, or give the sets different sizes."
        )
    pairs = []
    for image in images:
        fitting = [label for label in labels if len(label.array) == len(image.array)]
        if not fitting:
            counts = _listed([f"{label.name} has {len(label.array):,}" for label in labels])
            raise DataError(
                f"{image.name} holds {len(image.array):,} images, and no file of labels as many: {counts}. "
                "Put the labels that belong to it there."
            )
        if len(fitting) > 1:
            names = _listed([label.name for label in fitting])
            raise DataError(f"{names} both fit {image.name}. Leave those that belong to it there.")
        pairs.append((image.array, fitting[0].array))
    if spare := [one for one in labels if len(one.array) not in {len(image.array) for image in images}]:
        raise DataError(f"{spare[0].name} holds {len(spare[0].array):,} labels without images. {_NEEDED}.")
    return pairs


def _two_csv_files(files: Sequence[Path], folder: str) -> FileContents:
    pairs = []
    for path in files:
        contents = read_file(path)
        assert contents.images is not None and contents.labels is not None  # a row of a CSV has both
        pairs.append((contents.images, contents.labels))
    if len(pairs[0][0]) == len(pairs[1][0]):
        raise _ambiguous(folder, files)
    return _training_first("CSV", pairs, [_name(path) for path in files])


def _training_first(kind: Format, pairs: Sequence[tuple[Bytes, Bytes]], names: Sequence[str]) -> FileContents:
    for (images, _), name in zip(pairs, names, strict=True):
        if not len(images):
            raise DataError(f"{name} holds no images. Fetch it again.")
    training, test = sorted(pairs, key=lambda pair: -len(pair[0]))
    return FileContents(
        kind,
        np.concatenate([training[0], test[0]]),
        np.concatenate([training[1], test[1]]),
        (len(training[0]), len(test[0])),
    )


def _divided(contents: FileContents, name: str) -> MNIST:
    made = MNIST(*(Dataset(images, labels) for images, labels in contents.split()))
    if not all(len(part) for part in made):
        sizes = " + ".join(f"{size:,}" for size in contents.parts)
        raise DataError(
            f"{name} holds {sizes} examples, too few for a training, a validation and a test set: it takes at least 7, "
            "or 6 beside a test set."
        )
    if len(np.unique(made.training_data.labels)) == 1:
        raise DataError(
            f"{name}: every training example has the label {made.training_data.labels[0]}. Is the label in the right "
            "place? In a CSV it comes first."
        )
    return made


def _ambiguous(folder: str, files: Sequence[Path]) -> DataError:
    return DataError(
        f"{folder} holds more than one set: {_listed([path.name for path in files])}. "
        "Name the file that is meant, or leave one set there."
    )


def _listed(names: Sequence[str]) -> str:
    shown = list(names[:_MOST_FILES]) + ([f"{len(names) - _MOST_FILES} more"] if len(names) > _MOST_FILES else [])
    return " and ".join([*([", ".join(shown[:-1])] if len(shown) > 1 else []), shown[-1]])


def _name(path: Path) -> str:
    """Name a file or folder in a message; "." by the folder that it is."""
    return display(path.absolute()) or str(path)
