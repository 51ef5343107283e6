"""Frames of networks at rest: from the run's checkpoint, else the saved weights, else the first ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hippo.errors import DataError
from hippo.jobs import resting as module
from hippo.jobs.resting import Resting
from hippo.jobs.run import Interrupted, run_training
from hippo.network import NeuralNetwork
from hippo.network_spec import NetworkSpec
from tests.jobs.test_run import DATA, InlineContext, make_spec
from tests.watched import arrays

WISH = {"example": 3, "layer": 1, "neuron": 5}


def network(revision: str | None = None) -> dict[str, Any]:
    return {"network_id": "net", "network": make_spec().network, "revision": revision}


JOB = {"job_id": "job", "config": make_spec().config}


def shown(resting: Resting, revision: str | None, job: dict[str, Any] | None) -> tuple[dict[str, Any], np.ndarray]:
    """Return the header of a frame and the weights into the chosen neuron."""
    (frame,) = resting.frames(network(revision), job, [WISH])
    return frame.header, arrays(frame.header, frame.payload)["incoming"]


def test_a_network_that_never_learned_has_its_first_weights(tmp_path: Path) -> None:
    header, incoming = shown(Resting(InlineContext(tmp_path).files, lambda: DATA), None, None)
    first = NeuralNetwork(NetworkSpec.from_dict(make_spec().network))
    assert np.array_equal(incoming, first.model.parameters["0.weights"][:, 5])
    assert (header["job_id"], header["network_id"], header["epoch"], header["loss"]) == (None, "net", None, None)
    assert (header["activation"], header["loss_name"]) == ("sigmoid", "quadratic")
    assert header["layers"][0]["gradient_norm"] is None


def test_a_job_that_waits_stands_at_its_beginning(tmp_path: Path) -> None:
    header, _ = shown(Resting(InlineContext(tmp_path).files, lambda: DATA), None, JOB)
    assert (header["job_id"], header["epoch"], header["batch"], header["step"]) == ("job", 1, 0, 0)
    assert (header["learning_rate"], header["loss"]) == (1.0, None)


def test_saved_weights_and_those_of_a_checkpoint(tmp_path: Path) -> None:
    context = InlineContext(tmp_path)
    run_training(make_spec(), context)
    resting = Resting(context.files, lambda: DATA)
    saved = context.files.load_model("net").model.parameters["0.weights"][:, 5].copy()
    assert np.array_equal(shown(resting, "job", None)[1], saved)

    stopped = InlineContext(tmp_path, lambda n: Interrupted() if n == 70 else None)
    run_training(make_spec(job_id="second", revision="job", epochs_trained=4), stopped)
    second = {"job_id": "second", "config": make_spec().config}
    header, incoming = shown(resting, "job", second)
    loaded = context.files.load_checkpoint("second")
    assert loaded is not None
    assert np.array_equal(incoming, loaded[0].model.parameters["0.weights"][:, 5])
    assert not np.array_equal(incoming, saved)
    assert (header["epoch"], header["batch"], header["step"]) == (2, 10, 70)
    assert header["accuracy"] > 0.5

    stopped = InlineContext(tmp_path, lambda n: Interrupted() if n == 1 else None)
    run_training(make_spec(job_id="second", revision="job", epochs_trained=4, reported=1), stopped)
    assert shown(resting, "job", second)[0]["step"] == 71  # not what was kept of the question before


def test_the_network_of_the_last_question_is_kept_if_it_is_small(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[object] = []
    load = module.load_network
    monkeypatch.setattr(module, "load_network", lambda *a, **b: (read.append(1), load(*a, **b))[1])
    resting = Resting(InlineContext(tmp_path).files, lambda: DATA)
    for _ in range(3):
        shown(resting, None, None)
    assert len(read) == 1
    monkeypatch.setattr(module, "LARGEST_KEPT", 100)
    resting = Resting(InlineContext(tmp_path).files, lambda: DATA)
    for _ in range(3):
        shown(resting, None, None)
    assert len(read) == 4


def test_a_damaged_checkpoint_is_left_aside(tmp_path: Path) -> None:
    context = InlineContext(tmp_path)
    context.files.checkpoint_path("job").write_bytes(b"damaged")
    assert shown(Resting(context.files, lambda: DATA), None, JOB)[0]["step"] == 0


def test_a_file_that_is_gone_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError):
        Resting(InlineContext(tmp_path).files, lambda: DATA).frames(network("gone"), None, [WISH])
