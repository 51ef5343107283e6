"""A small set of digits that a network can learn in a moment, for tests where MNIST itself is not the point."""

from __future__ import annotations

import numpy as np

from hippo.datasets import MNIST
from hippo.datasets.dataset import Dataset


def made_mnist(seed: int = 0, train: int = 600, test: int = 200) -> MNIST:
    """Return three sets of noisy pictures; each digit is a pattern of its own."""
    rng = np.random.default_rng(seed)
    patterns = rng.integers(0, 256, (10, 784))

    def made(count: int) -> Dataset:
        labels = rng.integers(0, 10, count).astype(np.uint8)
        noise = rng.integers(-60, 60, (count, 784))
        return Dataset(np.clip(patterns[labels] + noise, 0, 255).astype(np.uint8), labels)

    return MNIST(made(train), made(test), made(test))
