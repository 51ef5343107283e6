"""What can be said and shown of a network's weights: their statistics layer by layer, and a picture of the first layer.

For people who ask what a network has learned. A large network takes seconds, so the assistant does this, not the
process that serves everybody.
"""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hippo.network import INPUTS, NeuralNetwork
from hippo.nn import Array

#: Neurons that a picture shows at most, and how many stand in a row.
MOST_SHOWN, ROW = 100, 10
#: Pixels of the picture for each weight, between tiles, and for each digit's cell below a tile.
_SCALE, _GAP, _CELL = 3, 8, 12
_SIDE = 28
_GROUND = np.array([24, 26, 32], np.float32)
#: The colours of the most negative weight, of 0 and of the most positive.
_NEGATIVE, _ZERO, _POSITIVE = (np.array(c, np.float32) for c in ([64, 132, 255], [8, 9, 12], [255, 140, 40]))


def statistics(network: NeuralNetwork) -> dict[str, list[dict[str, Any]]]:
    """Return ``weight_stats`` and ``bias_stats``: one dict for each layer, the first that has weights is 1.

    Each with ``layer``, ``mean``, ``min``, ``max``, ``std`` (of all its numbers, computed in float64) and ``shape``: a
    row for each neuron, so (out, in) for weights and (out, 1) for biases.
    """
    weights, biases = _layers(network)
    return {
        "weight_stats": [_described(place, array.T) for place, array in enumerate(weights, 1)],
        "bias_stats": [_described(place, array[:, None]) for place, array in enumerate(biases, 1)],
    }


def portrait(network: NeuralNetwork) -> bytes:
    """Draw what the neurons of the first layer look for; return a PNG, the same for the same weights.

    A tile of 28x28 for each neuron, the first `MOST_SHOWN`: orange where ink makes it active, blue where ink quiets it,
    each scaled to its own largest weight. Where the next layer is the last, ten cells below it say what its activity
    speaks for: the digits 0 to 9 from left to right, in the same colours.
    """
    from PIL import Image

    weights, _ = _layers(network)
    first, speaks = weights[0], weights[1] if len(weights) == 2 else None
    count = min(first.shape[1], MOST_SHOWN)
    columns = min(count, ROW)
    rows = -(-count // columns)
    tile = _SIDE * _SCALE
    height = tile + (_CELL if speaks is not None else 0)
    ground = np.empty((_GAP + rows * (height + _GAP), _GAP + columns * (tile + _GAP), 3), np.float32)
    ground[:] = _GROUND
    loudest = np.abs(speaks[:count]).max() if speaks is not None else 1.0
    for neuron in range(count):
        top = _GAP + neuron // columns * (height + _GAP)
        left = _GAP + neuron % columns * (tile + _GAP)
        field = first[:INPUTS, neuron].reshape(_SIDE, _SIDE)
        drawn = _coloured(_scaled(field, np.abs(field).max()))
        ground[top : top + tile, left : left + tile] = drawn.repeat(_SCALE, axis=0).repeat(_SCALE, axis=1)
        if speaks is not None:
            cells = _coloured(_scaled(speaks[neuron], loudest))
            shown = cells[np.arange(tile) * len(cells) // tile]
            ground[top + tile + 2 : top + height, left : left + tile] = shown
    buffer = io.BytesIO()
    Image.fromarray(np.rint(ground).astype(np.uint8)).save(buffer, format="PNG")
    return buffer.getvalue()


def _layers(network: NeuralNetwork) -> tuple[list[Array], list[Array]]:
    """Return the weights (in, out) and the biases (out,) of every layer, the first layer first."""
    parameters = network.model.parameters
    kinds = ("weights", "bias")
    weights, biases = ([parameters[name] for name in parameters if name.endswith(f".{kind}")] for kind in kinds)
    return weights, biases


def _described(layer: int, array: Array) -> dict[str, Any]:
    return {
        "layer": layer,
        "mean": float(array.mean(dtype=np.float64)),
        "min": float(array.min()),
        "max": float(array.max()),
        "std": float(array.std(dtype=np.float64)),
        "shape": list(array.shape),
    }


def _scaled(weights: Array, most: float) -> Array:
    """Return `weights` in -1 to 1, small ones made more visible; 0 stays 0."""
    scaled = weights / most if most > 0 else np.zeros_like(weights)
    return np.sign(scaled) * np.abs(scaled) ** 0.7


def _coloured(values: Array) -> NDArray[np.float32]:
    """Return the colour (..., 3) of each value in -1 to 1."""
    share = np.abs(values)[..., None]
    far = np.where(values[..., None] < 0, _NEGATIVE, _POSITIVE)
    coloured: NDArray[np.float32] = _ZERO * (1 - share) + far * share
    return coloured
