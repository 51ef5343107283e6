"""Labelled digits: the set every part of Hippo takes, MNIST ready for use, and readers for the files others have.

Needs NumPy and nothing else. `python -m hippo.datasets.download` makes MNIST ready; it is not imported here, so that it
can be run.
"""

from hippo.datasets.dataset import Dataset, as_dataset
from hippo.datasets.formats import FileContents, read_file
from hippo.datasets.mnist_loader import MNIST, MNISTLoader

__all__ = ["MNIST", "Dataset", "FileContents", "MNISTLoader", "as_dataset", "read_file"]
