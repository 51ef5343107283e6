"""Loss, correct answers and outputs over a set, in chunks or at once."""

from __future__ import annotations

import numpy as np
import pytest

from hippo.datasets.dataset import Dataset
from hippo.network import NeuralNetwork
from hippo.nn import QuadraticLoss
from hippo.training import Evaluation, evaluate, metrics
from hippo.training.metrics import accuracy, confusion_matrix, network_outputs
from tests.jobs.made_data import made_mnist

every_loss = pytest.mark.parametrize("loss", ["quadratic", "cross_entropy"])


def _network(loss: str) -> NeuralNetwork:
    return NeuralNetwork([784, 12, 10], loss=loss, seed=1)


@pytest.fixture(scope="module")
def data() -> Dataset:
    return made_mnist(test=230).test_data


@every_loss
def test_an_evaluation_is_the_loss_of_the_whole_set_and_its_correct_answers(loss: str, data: Dataset) -> None:
    network = _network(loss)
    found = evaluate(network.model, network.loss, data)
    outputs = network.model.forward(data.images)
    expected = network.loss.forward(outputs, np.eye(10, dtype=np.float32)[data.labels])
    correct = int((outputs.argmax(axis=1) == data.labels).sum())
    assert found == Evaluation(pytest.approx(expected, rel=1e-6), correct, 230, outputs.argmax(axis=1))
    assert found.accuracy == correct / 230
    np.testing.assert_array_equal(found.predicted, outputs.argmax(axis=1))
    assert found.predicted.dtype == np.uint8


@every_loss
def test_chunks_change_nothing(loss: str, data: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    network = _network(loss)
    whole = evaluate(network.model, network.loss, data)
    outputs = network_outputs(network.model, network.loss, data)
    monkeypatch.setattr(metrics, "CHUNK", 50)
    parts = evaluate(network.model, network.loss, data)
    assert (parts.correct, parts.total) == (whole.correct, whole.total)
    np.testing.assert_array_equal(parts.predicted, whole.predicted)
    assert parts.loss == pytest.approx(whole.loss, rel=1e-6)
    np.testing.assert_allclose(network_outputs(network.model, network.loss, data), outputs, rtol=1e-5, atol=1e-7)


@every_loss
def test_network_outputs_are_what_predict_answers(loss: str, data: Dataset) -> None:
    network = _network(loss)
    outputs = network_outputs(network.model, network.loss, data)
    assert outputs.dtype == np.float32
    assert outputs.shape == (230, 10)
    np.testing.assert_allclose(outputs, network.predict(data.images), rtol=1e-5)


def test_network_outputs_of_a_network_that_keeps_its_arrays(data: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    network = _network("quadratic")
    monkeypatch.setattr(metrics, "CHUNK", 50)
    expected = network_outputs(network.model, network.loss, data)
    network.model.keeps_arrays = True
    np.testing.assert_array_equal(network_outputs(network.model, QuadraticLoss(), data), expected)


def test_accuracy_by_hand() -> None:
    outputs = np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.5], [0.0, 0.1]])
    assert accuracy(outputs, np.array([0, 1, 1, 1], np.uint8)) == 0.75


def test_confusion_matrix_by_hand() -> None:
    actual, predicted = np.array([0, 0, 1, 2, 2, 2], np.uint8), np.array([0, 1, 1, 2, 0, 2])
    np.testing.assert_array_equal(confusion_matrix(predicted, actual, 3), [[1, 1, 0], [0, 1, 0], [1, 0, 2]])
    bytes_of_19 = np.full(3, 19, np.uint8)  # 19 · 20 + 19 does not fit into a byte
    assert confusion_matrix(bytes_of_19, bytes_of_19, 20)[19, 19] == 3
    many = confusion_matrix(np.full(300, 9), np.full(300, 9, np.uint8))
    assert many.shape == (10, 10)
    assert many[9, 9] == many.sum() == 300
