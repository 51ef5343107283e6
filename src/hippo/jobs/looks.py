"""What the assistant is asked to look at: pictures of digits, digits that look alike, and networks' weights.

The messages that answer, of the type ``done``; errors are raised. Who asks is in ``questions``.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from hippo.datasets import MNIST
from hippo.datasets.nearest import nearest, squared_lengths
from hippo.jobs.frames import Message
from hippo.network import NeuralNetwork
from hippo.pictures import prepare
from hippo.portraits import portrait, statistics


class Looks:
    """The assistant's eye.

    Parameters
    ----------
    data : callable
        Returns MNIST; raises DataError where it is missing.
    """

    def __init__(self, data: Callable[[], MNIST]) -> None:
        self._data = data
        self._lengths: NDArray[np.float32] | None = None

    def prepared(self, payload: bytes) -> Message:
        """Make an image as MNIST has them of a picture; raises PictureError."""
        made = prepare(payload)
        facts = {"inverted": made.inverted, "width": made.width, "height": made.height}
        return {"type": "done", **facts, "payload": made.pixels.tobytes()}

    def nearest(self, count: int, payload: bytes) -> Message:
        """Find the training images that are nearest to one of 784 bytes; raises DataError."""
        pixels = self._data().training_data.pixels
        if self._lengths is None:
            self._lengths = squared_lengths(pixels)
        places, distances = nearest(pixels, self._lengths, np.frombuffer(payload, np.uint8), count)
        return {"type": "done", "places": places.tolist(), "distances": distances.tolist()}

    def described(self, network: NeuralNetwork, drawn: bool) -> Message:
        """Return the statistics of a network's weights, or with `drawn` a picture of them, as ``payload``."""
        return {"type": "done", "payload": portrait(network)} if drawn else {"type": "done", **statistics(network)}
