"""The same values as PyTorch, forward and backward: every module, every loss, a small network and a deep one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from hippo.nn import Array, CrossEntropyLoss, Linear, Loss, Module, Sequential, Tanh, clip_gradients, smooth_labels
from tests.nn.made import LOSSES, MODULES, batch, deep_case, targets
from tests.nn.pytorch import TOLERANCE, buffers, farthest, gradients, parameters, tensor, torch, twin

ROWS, CLASSES = 6, 4

#: PyTorch's loss of the same name. Ours of Nielsen is a half of a sum over the outputs; PyTorch has none like it.
THEIRS: dict[str, Callable[[Any, Any], Any]] = {
    "QuadraticLoss": lambda a, y: torch.nn.MSELoss(reduction="sum")(a, y) / (2 * len(a)),
    "MSELoss": torch.nn.MSELoss(),
    "CrossEntropyLoss": torch.nn.CrossEntropyLoss(),
    "CrossEntropyLoss, smoothed labels": torch.nn.CrossEntropyLoss(label_smoothing=0.1),
}


def both_ways(module: Module, made: Any, x: Array, gradient: Array) -> list[tuple[Array, Array]]:
    """Return all that the two compute, ours first: outputs, dL/dx, gradients, running statistics."""
    x_theirs = tensor(x).requires_grad_()
    y = module.forward(x)
    y_theirs = made(x_theirs)
    y_theirs.backward(tensor(gradient))
    dx = module.backward(gradient)
    return [
        (y, y_theirs.detach().numpy()),
        (dx, x_theirs.grad.numpy()),
        *gradients(module, made),
        *buffers(module, made),
    ]


@pytest.mark.parametrize("training", [True, False], ids=["train", "eval"])
@pytest.mark.parametrize("name", MODULES)
def test_every_module(name: str, training: bool) -> None:
    for seed in range(5):
        for size in (1.0, 30.0):
            x = batch(ROWS, seed=seed) * size
            outputs = MODULES[name](np.float64, seed).eval().forward(x).shape[1]
            module = MODULES[name](np.float64, seed).train(training)
            assert farthest(both_ways(module, twin(module), x, batch(ROWS, outputs, seed=seed + 100))) < TOLERANCE


def test_the_running_statistics_over_many_batches() -> None:
    module = MODULES["BatchNorm"](np.float64, 1)
    made = twin(module)
    for seed in range(50):
        assert farthest(both_ways(module, made, batch(seed % 7 + 2, seed=seed), batch(seed % 7 + 2))) < TOLERANCE
        made.zero_grad()
    assert farthest(both_ways(module.eval(), made.eval(), batch(3), batch(3))) < TOLERANCE


@pytest.mark.parametrize("size", [1.0, 1000.0])
@pytest.mark.parametrize("name", LOSSES)
def test_every_loss(name: str, size: float) -> None:
    for seed in range(5):
        loss, outputs = LOSSES[name](), batch(ROWS, CLASSES, seed=seed) * size
        y = targets(ROWS, CLASSES, np.random.default_rng(seed))
        for wanted in (y, smooth_labels(y, 0.3)):
            outputs_theirs = tensor(outputs).requires_grad_()
            theirs = THEIRS[name](outputs_theirs, tensor(wanted))
            theirs.backward()
            assert loss.forward(outputs, wanted) == pytest.approx(theirs.item(), rel=1e-13, abs=TOLERANCE)
            assert outputs_theirs.grad is not None
            assert farthest([(loss.backward(), outputs_theirs.grad.numpy())]) < TOLERANCE


def whole(model: Sequential, loss: Loss, their_loss: Any, x: Array, y: Array) -> tuple[float, list[Any]]:
    """Return the difference of the losses, and all gradients of both."""
    made, x_theirs = twin(model), tensor(x).requires_grad_()
    value = loss.forward(model.forward(x), y)
    theirs = their_loss(made(x_theirs), tensor(y))
    theirs.backward()
    dx = model.backward(loss.backward())
    assert x_theirs.grad is not None
    return abs(value - theirs.item()), [(dx, x_theirs.grad.numpy()), *gradients(model, made)]


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_small_deep_network(seed: int, name: str) -> None:
    for training in (True, False):
        model, x, y = deep_case(ROWS, seed, training)
        difference, pairs = whole(model, LOSSES[name](), THEIRS[name], x, y)
        assert difference < TOLERANCE
        assert farthest(pairs) < TOLERANCE


@pytest.mark.parametrize("size", [1e-6, 1.0])
def test_clipped_gradients(size: float) -> None:
    rng = np.random.default_rng(1)
    model = Sequential([Linear(5, 4, rng=rng, dtype=np.float64), Tanh(), Linear(4, 3, rng=rng, dtype=np.float64)])
    made = twin(model)
    both_ways(model, made, batch(ROWS), batch(ROWS, 3))
    norm = clip_gradients(model, size)
    assert norm == pytest.approx(torch.nn.utils.clip_grad_norm_(made.parameters(), size).item(), rel=1e-13)
    # PyTorch divides by the norm + 1e-6: its gradients end a millionth of their length below the limit.
    ours, theirs = gradients(model, made)[0]
    np.testing.assert_allclose(theirs * ((norm + 1e-6) / norm), ours, rtol=1e-12)


def test_a_difference_would_be_seen() -> None:
    model, x, y = deep_case(ROWS, 1)
    made = twin(model)
    assert farthest(parameters(model, made)) == 0
    model.parameters["13.bias"][0] += 2 * TOLERANCE
    assert TOLERANCE < farthest(parameters(model, made)) < 3 * TOLERANCE
    _, pairs = whole(model, CrossEntropyLoss(), torch.nn.CrossEntropyLoss(label_smoothing=1e-8), x, y)
    assert farthest(pairs) > TOLERANCE
