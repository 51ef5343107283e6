"""PyTorch, and Hippo's networks built from its parts: the same function twice, in float64.

Without PyTorch the tests that import this are skipped with a line that says so; with HIPPO_TEST_STRICT=1 they fail.
"""

from __future__ import annotations

import os
from importlib.util import find_spec

import numpy as np
import pytest

from hippo.nn import (
    Array,
    BatchNorm,
    Dropout,
    LeakyReLU,
    Linear,
    LogSoftmax,
    Module,
    ReLU,
    Sequential,
    Sigmoid,
    Softmax,
    Tanh,
)

if find_spec("torch") is None and os.environ.get("HIPPO_TEST_STRICT") != "1":
    pytest.skip(
        "PyTorch is missing, so nn is not compared with it: pip install torch (requirements-dev.txt).",
        allow_module_level=True,
    )

import torch

torch.set_num_threads(1)

#: How far two float64 results may lie apart.
TOLERANCE = 1e-10


class Masked(torch.nn.Module):
    """Dropout by the mask that ours has drawn: the two libraries have different generators."""

    def __init__(self, ours: Dropout) -> None:
        super().__init__()
        self.ours = ours

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return x · m."""
        return x if self.ours._m is None else x * tensor(self.ours._m)


def tensor(array: Array) -> torch.Tensor:
    """Return a copy."""
    return torch.from_numpy(np.array(array))


def twin(module: Module) -> torch.nn.Module:
    """Return PyTorch's module of this kind with the same numbers in it, in the same mode. It has weights (out, in)."""
    made = _made(module)
    for ours, theirs in _pairs(module, made):
        theirs.data.copy_(tensor(ours))
    return made.double().train(module.training)


def gradients(module: Module, made: torch.nn.Module) -> list[tuple[Array, Array]]:
    """Return our gradients of all parameters beside PyTorch's, after both have gone backward."""
    of = {id(parameter): module.gradients[name] for name, parameter in module.parameters.items()}
    return [(_turned(of[id(ours)]), _grad(theirs)) for ours, theirs in _parameters(module, made)]


def parameters(module: Module, made: torch.nn.Module) -> list[tuple[Array, Array]]:
    """Return our parameters beside PyTorch's."""
    return [(_turned(ours), theirs.detach().numpy()) for ours, theirs in _parameters(module, made)]


def buffers(module: Module, made: torch.nn.Module) -> list[tuple[Array, Array]]:
    """Return our running statistics beside PyTorch's."""
    known = {id(parameter) for parameter in module.parameters.values()}
    return [(a, b.detach().numpy()) for a, b in _raw_pairs(module, made) if id(a) not in known]


def farthest(pairs: list[tuple[Array, Array]]) -> float:
    """Return the largest difference of all; shapes must be the same."""
    assert all(a.shape == b.shape for a, b in pairs)
    return max((float(np.abs(a - b).max()) for a, b in pairs), default=0.0)


def _made(module: Module) -> torch.nn.Module:
    match module:
        case Sequential():
            return torch.nn.Sequential(*map(_made, module.modules))
        case Linear():
            return torch.nn.Linear(*module.parameters["weights"].shape)
        case BatchNorm():
            features = len(module.parameters["gamma"])
            return torch.nn.BatchNorm1d(features, eps=module.epsilon, momentum=module.momentum)
        case Dropout():
            return Masked(module)
        case LeakyReLU():
            return torch.nn.LeakyReLU(module.slope)
        case Softmax():
            return torch.nn.Softmax(dim=1)
        case LogSoftmax():
            return torch.nn.LogSoftmax(dim=1)
        case Sigmoid() | Tanh() | ReLU():
            same: torch.nn.Module = getattr(torch.nn, type(module).__name__)()
            return same
    raise NotImplementedError(type(module).__name__)


def _raw_pairs(module: Module, made: torch.nn.Module) -> list[tuple[Array, torch.Tensor]]:
    if isinstance(module, Sequential) and isinstance(made, torch.nn.Sequential):
        return [pair for inner in zip(module.modules, made, strict=True) for pair in _raw_pairs(*inner)]
    names = {"weights": "weight", "gamma": "weight", "beta": "bias", "mean": "running_mean", "variance": "running_var"}
    arrays = module.parameters | module.buffers
    return [(array, getattr(made, names.get(name, name))) for name, array in arrays.items()]


def _pairs(module: Module, made: torch.nn.Module) -> list[tuple[Array, torch.Tensor]]:
    made.double()
    return [(_turned(ours), theirs) for ours, theirs in _raw_pairs(module, made)]


def _parameters(module: Module, made: torch.nn.Module) -> list[tuple[Array, torch.Tensor]]:
    known = {id(parameter) for parameter in module.parameters.values()}
    return [(ours, theirs) for ours, theirs in _raw_pairs(module, made) if id(ours) in known]


def _turned(array: Array) -> Array:
    return array.T if array.ndim == 2 else array


def _grad(parameter: torch.Tensor) -> Array:
    assert parameter.grad is not None
    gradient: Array = parameter.grad.numpy()
    return gradient
