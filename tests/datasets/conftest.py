"""Real MNIST for the tests of the datasets, a refusal checker, and makers of files as others write them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import numpy as np
import pytest

from hippo.datasets.canonical import PACKAGE_DIR, PARTS, PROJECT, Bytes
from hippo.datasets.converted import write_converted
from hippo.datasets.formats import read_file
from hippo.errors import DataError

Refused = Callable[..., AbstractContextManager[None]]


@pytest.fixture(scope="session")
def mnist_arrays() -> dict[str, Bytes]:
    """The four arrays by name, as set-up installs them."""
    arrays = {}
    for part in PARTS:
        contents = read_file(PACKAGE_DIR / part.idx_name)
        array = contents.images if contents.labels is None else contents.labels
        assert array is not None
        arrays[part.name] = array
    return arrays


@pytest.fixture(scope="session")
def pristine(mnist_arrays: dict[str, Bytes], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with a converted copy; not to be changed."""
    data_dir = tmp_path_factory.mktemp("pristine")
    write_converted(data_dir / "mnist", mnist_arrays, "a test")
    return data_dir


@pytest.fixture
def data_dir(pristine: Path, tmp_path: Path) -> Path:
    """A data folder with a converted copy to tamper with: links, so tests replace files, never write into them."""
    folder = tmp_path / "data"
    (folder / "mnist").mkdir(parents=True)
    for path in (pristine / "mnist").iterdir():
        (folder / "mnist" / path.name).symlink_to(path)
    return folder


@pytest.fixture
def no_package(tmp_path: Path) -> Path:
    """Where the npm package would be if it were installed."""
    return tmp_path / "no-package"


@pytest.fixture
def refused(tmp_path: Path) -> Refused:
    """Check that the block raises a DataError whose text holds the given words, and no path of this machine."""

    @contextmanager
    def check(*words: str) -> Iterator[None]:
        with pytest.raises(DataError) as caught:
            yield
        text = caught.value.message
        for word in words:
            assert word in text
        assert str(tmp_path) not in text
        assert str(PROJECT) not in text
        assert text.endswith(".")

    return check


@pytest.fixture
def digits() -> tuple[Bytes, Bytes]:
    """Seventy small made examples: (70, 784) and (70,), every byte value among the pixels."""
    rng = np.random.default_rng(7)
    return rng.integers(0, 256, (70, 784), np.uint8), (np.arange(70) % 10).astype(np.uint8)
