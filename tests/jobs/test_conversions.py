"""Networks written as files of other programs: what is said of the weights is true of these weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hippo.jobs import conversions
from hippo.network import NeuralNetwork
from hippo.persistence.model_persistence import ModelFiles, read_model

OLD, NEW = NeuralNetwork([784, 5, 10], seed=1), NeuralNetwork([784, 5, 10], seed=2)


@pytest.mark.parametrize(
    ("revision", "weights", "facts"),
    [
        (None, OLD, {"accuracy": 0.5}),
        ("old", NEW, {"accuracy": 0.97, "epochs_trained": 9}),  # a run ended after the request had come
        ("new", NEW, {"accuracy": 0.5, "epochs_trained": 9}),  # the server has measured it itself
    ],
)
def test_an_export_has_the_accuracy_of_its_weights(
    tmp_path: Path, revision: str | None, weights: NeuralNetwork, facts: dict[str, object]
) -> None:
    files = ModelFiles(tmp_path)
    files.save_model("n", NEW, "new", {"accuracy": 0.97, "epochs_trained": 9})
    target = tmp_path / "out.safetensors"
    conversions.give_out("n", OLD.spec.to_dict(), revision, 0.5, "safetensors", str(target), files)
    network, found = read_model(target)
    for name, array in weights.model.parameters.items():
        assert np.array_equal(network.model.parameters[name], array)
    assert {name: found[name] for name in ("accuracy", "epochs_trained") if name in found} == facts
