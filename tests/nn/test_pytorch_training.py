"""The same way as PyTorch: 100 steps of every optimizer, and the learning rates of its schedulers.

Where definitions differ, a test says how.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from hippo.nn import (
    SGD,
    Adam,
    AdamW,
    BatchNorm,
    CrossEntropyLoss,
    LeakyReLU,
    Linear,
    Module,
    Optimizer,
    Sequential,
    Tanh,
    schedules,
)
from tests.nn.made import batch, targets
from tests.nn.pytorch import TOLERANCE, buffers, farthest, parameters, tensor, torch, twin

STEPS = 100

#: Every variant: ours, and PyTorch's with the same numbers.
OPTIMIZERS: dict[str, tuple[Callable[[Module], Optimizer], Callable[[Any], Any]]] = {
    "SGD": (lambda m: SGD(m, 0.1), lambda p: torch.optim.SGD(p, 0.1)),
    "SGD, weight decay": (
        lambda m: SGD(m, 0.1, weight_decay=0.05),
        lambda p: torch.optim.SGD(p, 0.1, weight_decay=0.05),
    ),
    "SGD, momentum": (lambda m: SGD(m, 0.05, momentum=0.9), lambda p: torch.optim.SGD(p, 0.05, momentum=0.9)),
    "SGD, momentum and weight decay": (
        lambda m: SGD(m, 0.05, momentum=0.9, weight_decay=0.05),
        lambda p: torch.optim.SGD(p, 0.05, momentum=0.9, weight_decay=0.05),
    ),
    "SGD, Nesterov": (
        lambda m: SGD(m, 0.05, momentum=0.9, nesterov=True),
        lambda p: torch.optim.SGD(p, 0.05, momentum=0.9, nesterov=True),
    ),
    "SGD, Nesterov and weight decay": (
        lambda m: SGD(m, 0.05, momentum=0.8, nesterov=True, weight_decay=0.02),
        lambda p: torch.optim.SGD(p, 0.05, momentum=0.8, nesterov=True, weight_decay=0.02),
    ),
    "Adam": (lambda m: Adam(m), lambda p: torch.optim.Adam(p)),
    "Adam, other betas": (
        lambda m: Adam(m, 0.01, betas=(0.5, 0.9), epsilon=1e-4),
        lambda p: torch.optim.Adam(p, 0.01, betas=(0.5, 0.9), eps=1e-4),
    ),
    "Adam, weight decay": (
        lambda m: Adam(m, 0.01, weight_decay=0.05),
        lambda p: torch.optim.Adam(p, 0.01, weight_decay=0.05),
    ),
    "AdamW": (lambda m: AdamW(m), lambda p: torch.optim.AdamW(p)),
    "AdamW, more decay": (
        lambda m: AdamW(m, 0.01, weight_decay=0.2),
        lambda p: torch.optim.AdamW(p, 0.01, weight_decay=0.2),
    ),
}


def network() -> Sequential:
    # No bias stands before the BatchNorm's: its gradient is 0 but for rounding, and Adam would divide that by itself.
    rng = np.random.default_rng(1)
    return Sequential(
        [
            *(BatchNorm(5, dtype=np.float64), Linear(5, 7, "he", rng, np.float64), LeakyReLU()),
            *(Linear(7, 6, rng=rng, dtype=np.float64), Tanh(), Linear(6, 3, rng=rng, dtype=np.float64)),
        ]
    )


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_hundred_steps(name: str) -> None:
    model = network()
    made, loss, their_loss = twin(model), CrossEntropyLoss(), torch.nn.CrossEntropyLoss()
    ours, theirs = OPTIMIZERS[name][0](model), OPTIMIZERS[name][1](made.parameters())
    start = [array.copy() for array in model.parameters.values()]
    for step in range(STEPS):
        x, y = batch(8, seed=step), targets(8, 3, np.random.default_rng(step))
        loss.forward(model.forward(x), y)
        model.backward(loss.backward())
        theirs.zero_grad()
        their_loss(made(tensor(x)), tensor(y)).backward()
        if step == STEPS // 2:  # a schedule comes in
            ours.lr /= 3
            theirs.param_groups[0]["lr"] /= 3
        ours.step()
        theirs.step()
        assert farthest(parameters(model, made) + buffers(model, made)) < TOLERANCE, step
    for before, after in zip(start, model.parameters.values(), strict=True):
        assert np.abs(after - before).max() > 1e-3


# ---- Schedules

LR = 0.3


def rates(scheduler: Callable[[Any], Any], steps: int) -> list[float]:
    """Return PyTorch's learning rates before each of the steps, and after the last."""
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1, dtype=torch.float64))], LR)
    at_work, rates = scheduler(optimizer), []
    for _ in range(steps):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        at_work.step()
    return [*rates, optimizer.param_groups[0]["lr"]]


def agree(schedule: schedules.Schedule, epochs: float, theirs: list[float]) -> None:
    ours = [LR * schedule(epoch, epochs) for epoch in range(len(theirs))]
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=TOLERANCE)


LINEAR, COSINE = torch.optim.lr_scheduler.LinearLR, torch.optim.lr_scheduler.CosineAnnealingLR


@pytest.mark.parametrize(("every", "factor"), [(1, 0.9), (3, 0.5), (10, 0.1)])
def test_step_decay(every: int, factor: float) -> None:
    agree(
        schedules.step_decay(every, factor),
        50,
        rates(lambda optimizer: torch.optim.lr_scheduler.StepLR(optimizer, every, factor), 50),
    )


@pytest.mark.parametrize("final", [0.0, 0.25])
def test_cosine(final: float) -> None:
    agree(schedules.cosine(final), 30, rates(lambda optimizer: COSINE(optimizer, T_max=30, eta_min=LR * final), 30))


@pytest.mark.parametrize("peak_at", [0.25, 0.3, 0.5])
def test_one_cycle(peak_at: float) -> None:
    # PyTorch counts steps from 0 to total - 1 and has its peak at `pct_start * total - 1`.
    total = 40
    theirs = rates(
        lambda optimizer: torch.optim.lr_scheduler.OneCycleLR(
            optimizer, max_lr=LR, total_steps=total, pct_start=peak_at, anneal_strategy="cos"
        ),
        total - 1,
    )
    agree(schedules.one_cycle((peak_at * total - 1) / (total - 1)), total - 1, theirs)
    # By its default factors, 1/25 at the beginning and 1/25e4 at the end, ours begins and ends at the same rates.
    assert (theirs[0], theirs[-1]) == pytest.approx((LR / 25, LR / 250_000))


@pytest.mark.parametrize("start", [0.01, 0.5])
def test_warm_up(start: float) -> None:
    agree(
        schedules.warm_up(8, start=start),
        20,
        rates(lambda optimizer: LINEAR(optimizer, start_factor=start, total_iters=8), 20),
    )


@pytest.mark.filterwarnings("ignore:The epoch parameter:UserWarning")  # PyTorch's, about a call of its own
def test_warm_up_and_then_a_cosine() -> None:
    def theirs(optimizer: Any) -> Any:
        warm_up, cosine = LINEAR(optimizer, start_factor=0.1, total_iters=5), COSINE(optimizer, T_max=25)
        return torch.optim.lr_scheduler.SequentialLR(optimizer, [warm_up, cosine], milestones=[5])

    agree(schedules.warm_up(5, schedules.cosine(), start=0.1), 30, rates(theirs, 30))


def test_where_cosine_differs_ours_stays_at_the_end() -> None:
    # PyTorch's rises again after T_max: it is the first half of a cycle.
    theirs = rates(lambda optimizer: COSINE(optimizer, T_max=10), 15)
    assert theirs[15] > 0.1 * LR
    assert schedules.cosine()(15, 10) == 0
