"""Weights out of a file of unknown origin: what is announced is checked first, then read piece by piece.

A format (`npz_format`, `safetensors_format`) finds the arrays in its file and describes each as an `Announced`. Here
the descriptions are held against a network's spec, before memory is taken; then the numbers go straight into the
network, about a megabyte at a time, as float32, and must be finite; and no image can make the network overflow.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Any, BinaryIO

import numpy as np

from hippo.errors import ImportRefused, InvalidValue
from hippo.network import NetworkSpec, NeuralNetwork
from hippo.nn import Array

BLOCK_BYTES = 2**20
#: Well within float32, which ends at 3.4e38.
LARGEST_SUM = 1e37
#: Facts of a file that are kept, and the type that each must have.
KEPT_FACTS: dict[str, type] = {
    "training_config": dict,
    "history": list,
    "epochs_trained": int,
    "test_set_use": str,
    "experiment": dict,
}


@dataclass(frozen=True)
class Announced:
    """An array as its header describes it; none of it is read yet.

    Attributes
    ----------
    name : str
        For messages.
    shape : tuple of int
    dtype : dtype
        Floating point, 2, 4 or 8 bytes, of either byte order, where it holds weights.
    fortran : bool
        Whether the first index runs fastest.
    open : callable
        Gives the bytes of the array, from the first one on.
    """

    name: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    fortran: bool
    open: Callable[[], AbstractContextManager[BinaryIO]]

    @property
    def size(self) -> int:
        """Bytes."""
        return math.prod(self.shape) * self.dtype.itemsize

    def shown(self) -> str:
        """Return the shape as messages show it."""
        return " x ".join(map(str, self.shape)) or "a single number"


@dataclass(frozen=True)
class Layer:
    """Where one layer's weights and bias are; `transposed` where the weights are (out, in) and not (in, out)."""

    weights: Announced
    bias: Announced
    transposed: bool


def make_spec(file: str, *values: Any, **options: Any) -> NetworkSpec:
    """Return `NetworkSpec.make` of these values; raises ImportRefused for any that are out of range."""
    try:
        return NetworkSpec.make(*values, **options)
    except InvalidValue as error:
        raise ImportRefused(f"{file} holds no network for this server: {error.message}") from None


def read_network(file: str, spec: NetworkSpec, layers: list[Layer]) -> NeuralNetwork:
    """Return the network of `spec` with the weights of `layers`, one for each after the input.

    Raises
    ------
    ImportRefused
        When an array has another shape or type than `spec` asks for, ends early, is not finite, or is so large that an
        image could be answered with an infinity.
    """
    sizes = spec.layer_sizes
    if len(layers) != len(sizes) - 1:
        raise ImportRefused(f"{file} holds weights of {len(layers)} layers; its sizes ask for {len(sizes) - 1}.")
    for layer, i, o in zip(layers, sizes, sizes[1:], strict=False):
        _check(file, layer.weights, [(o, i) if layer.transposed else (i, o)])
        _check(file, layer.bias, [(o,), (o, 1), (1, o)])
    # Not `from_parameters`, which would want a second copy of all weights. Pages of zeros cost nothing until written.
    network = NeuralNetwork(replace(spec, initializer="zeros"))
    network.spec = spec
    targets = iter(network.model.parameters.values())
    for layer in layers:
        weights, bias = next(targets), next(targets)
        _fill(file, weights, layer.weights, layer.transposed)
        _fill(file, bias[np.newaxis], replace(layer.bias, shape=(1, bias.size)), transposed=False)
    if not _is_bounded(network):
        raise ImportRefused(f"{file} holds weights so large that the network's answers would overflow.")
    return network


def finite_json(text: bytes | str, file: str) -> Any:
    """Return the value of a JSON text of unknown origin; raises ImportRefused where it is none, or not finite."""
    try:
        value = json.loads(text)
        json.dumps(value, allow_nan=False)  # refuses what Python reads: NaN, Infinity, and 1e999 as such
    except (ValueError, RecursionError):
        raise ImportRefused(f"{file} is damaged: its description cannot be read as JSON.") from None
    return value


def kept_facts(found: Mapping[str, Any]) -> dict[str, Any]:
    """Return what may be believed of a file's facts, as it harms nobody; the accuracy it claims becomes a claim."""
    kept = {name: found[name] for name, kind in KEPT_FACTS.items() if isinstance(found.get(name), kind)}
    if not 0 <= kept.get("epochs_trained", 0) <= 2**31 or isinstance(kept.get("epochs_trained"), bool):
        del kept["epochs_trained"]
    if not all(isinstance(record, dict) for record in kept.get("history", ())):
        del kept["history"]
    claims = (found.get(name) for name in ("claimed_accuracy", "accuracy", "final_accuracy"))
    kept["claimed_accuracy"] = next((claim for claim in claims if _is_number(claim)), None)
    return kept


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 10**9


def _is_bounded(network: NeuralNetwork) -> bool:
    """Say whether every sum stays finite in float32, for any image: |z| <= |x| |W| + |b|, layer by layer."""
    x = np.ones(network.sizes[0])
    parameters = list(network.model.parameters.values())
    for weights, bias in zip(parameters[::2], parameters[1::2], strict=True):
        z = np.abs(bias).astype(np.float64)
        rows = max(1, BLOCK_BYTES // weights[0].nbytes)
        for begin in range(0, len(weights), rows):
            z += x[begin : begin + rows] @ np.abs(weights[begin : begin + rows])
        if not z.max() < LARGEST_SUM:
            return False
        x = np.ones_like(z) if network.spec.activation in ("sigmoid", "tanh") else z
    return True


def _check(file: str, array: Announced, shapes: Iterable[tuple[int, ...]]) -> None:
    allowed = list(shapes)
    if array.shape not in allowed:
        wanted = " x ".join(map(str, allowed[0]))
        raise ImportRefused(f"{file}: {array.name} has the shape {array.shown()}, where its sizes ask for {wanted}.")
    if array.dtype.kind != "f" or array.dtype.itemsize not in (2, 4, 8):
        raise ImportRefused(f"{file}: {array.name} holds {array.dtype}, where weights are float16, float32 or float64.")


def _fill(file: str, target: Array, array: Announced, transposed: bool) -> None:
    """Read `array` into `target` (in, out), by rows of the file."""
    if array.fortran and min(array.shape) > 1:
        array, transposed = replace(array, shape=array.shape[::-1]), not transposed
    rows, columns = array.shape
    step = max(1, BLOCK_BYTES // (columns * array.dtype.itemsize))
    with array.open() as source:
        for begin in range(0, rows, step):
            end = min(begin + step, rows)
            data = _read_exactly(source, (end - begin) * columns * array.dtype.itemsize, file, array.name)
            with np.errstate(over="ignore", invalid="ignore"):  # what float32 cannot hold becomes an infinity
                block = np.frombuffer(data, array.dtype).reshape(-1, columns).astype(np.float32)
            if not np.isfinite(block).all():
                raise ImportRefused(f"{file}: {array.name} holds numbers that are not finite in float32.")
            if transposed:
                target[:, begin:end] = block.T
            else:
                target[begin:end] = block


def _read_exactly(source: BinaryIO, count: int, file: str, name: str) -> bytes:
    pieces = []
    while count > 0:
        piece = source.read(count)
        if not piece:
            raise ImportRefused(f"{file} is cut off: {name} ends before its header says.")
        pieces.append(piece)
        count -= len(piece)
    return b"".join(pieces)
