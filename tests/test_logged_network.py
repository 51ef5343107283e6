"""LoggedNeuralNetwork: trains exactly as a NeuralNetwork does, and each training leaves a log."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hippo.datasets import MNIST
from hippo.errors import InvalidValue
from hippo.logged_network import LoggedNeuralNetwork
from hippo.network import NetworkSpec, NeuralNetwork
from hippo.training import Callback, TrainingRun
from hippo.training.training_logger import epochs_of, read_log
from tests.jobs.made_data import made_mnist


@pytest.fixture(scope="module")
def data() -> MNIST:
    return made_mnist(train=100, test=50)


def timeless(history: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    return [(record["epoch"], record["loss"], record["test_loss"], record["accuracy"]) for record in history]


def test_it_trains_as_a_network_does(data: MNIST, tmp_path: Path) -> None:
    plain = NeuralNetwork([784, 12, 10], "relu", seed=3)
    logged = LoggedNeuralNetwork([784, 12, 10], "relu", seed=3, log_dir=tmp_path)
    settings = (data.training_data, 2, 10, 0.1, data.test_data)
    assert timeless(logged.train(*settings, seed=4)) == timeless(plain.train(*settings, seed=4))
    for name, array in plain.model.parameters.items():
        np.testing.assert_array_equal(logged.model.parameters[name], array)


def test_each_training_has_its_log(data: MNIST, tmp_path: Path) -> None:
    network = LoggedNeuralNetwork([784, 10], seed=1, log_dir=tmp_path / "logs")
    assert network.log_file is None
    assert not list(tmp_path.iterdir())
    files = []
    for _ in range(2):
        history = network.train(data.training_data, 2, 10, 0.5, data.test_data)
        assert network.log_file is not None
        files.append(network.log_file)
        ends = epochs_of(read_log(network.log_file))
        assert [end["test_accuracy"] for end in ends] == [record["test_accuracy"] for record in history]
    assert sorted((tmp_path / "logs").iterdir()) == sorted(set(files))
    assert len(set(files)) == 2


def test_logs_go_to_a_folder_named_logs_unless_another_is_named(
    data: MNIST, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    made = LoggedNeuralNetwork([784, 10], seed=1)
    made.train(data.training_data, 1)
    again = LoggedNeuralNetwork.from_parameters(made.spec, made.model.parameters)
    assert isinstance(again, LoggedNeuralNetwork)
    again.train(data.training_data, 1)
    assert made.log_file is not None
    assert again.log_file is not None
    assert made.log_file.parent == again.log_file.parent == Path("logs")
    assert len(list(Path("logs").iterdir())) == 2


def test_a_spec_may_take_the_place_of_sizes(tmp_path: Path) -> None:
    spec = NetworkSpec.make([784, 10], seed=1)
    assert LoggedNeuralNetwork(spec, log_dir=tmp_path).spec == spec


class Look(Callback):
    """Notes what is in the log when the hooks of other callbacks are called."""

    def __init__(self, network: LoggedNeuralNetwork) -> None:
        self.network, self.last = network, ""

    def on_epoch_end(self, run: TrainingRun) -> None:
        assert self.network.log_file is not None
        self.last = read_log(self.network.log_file)[-1]["type"]


@pytest.mark.parametrize("by_position", [True, False])
def test_other_callbacks_are_called_and_find_the_epoch_in_the_log(
    data: MNIST, tmp_path: Path, by_position: bool
) -> None:
    network = LoggedNeuralNetwork([784, 10], seed=1, log_dir=tmp_path)
    look = Look(network)
    if by_position:
        network.train(data.training_data, 1, 10, 0.5, None, 0, [look])
    else:
        network.train(data.training_data, 1, callbacks=[look])
    assert look.last == "epoch_end"


def test_settings_are_checked_as_ever_and_leave_no_log(data: MNIST, tmp_path: Path) -> None:
    network = LoggedNeuralNetwork([784, 10], seed=1, log_dir=tmp_path)
    with pytest.raises(InvalidValue, match="epochs"):
        network.train(data.training_data, 0)
    with pytest.raises(TypeError):
        network.train(data.training_data, nonsense=1)
    assert not list(tmp_path.iterdir())


def test_activations_of_an_example_are_logged(data: MNIST, tmp_path: Path) -> None:
    network = LoggedNeuralNetwork([784, 12, 10], seed=1, log_dir=tmp_path)
    image, target = data.test_data[3]
    network.train(data.training_data, 1)
    network.log_activation((image, target), 3)
    network.log_activation((image.ravel(), int(target.argmax())))
    assert network.log_file is not None
    first, second = read_log(network.log_file)[-2:]
    assert (first["type"], first["sample_idx"], first["label"]) == ("activation_pattern", 3, int(target.argmax()))
    assert first["prediction"] == int(network.predict(image.reshape(1, 784)).argmax())
    assert [layer["total_neurons"] for layer in first["layer_activations"]] == [784, 12, 10]
    assert second["sample_idx"] == 0
    assert second["layer_activations"] == first["layer_activations"]


@pytest.mark.parametrize("sample", [(np.zeros(783), 1), (np.zeros(784), [0.5, 0.5]), (np.zeros(784),)])
def test_what_is_no_example_is_refused(tmp_path: Path, sample: Any) -> None:
    network = LoggedNeuralNetwork([784, 10], seed=1, log_dir=tmp_path)
    with pytest.raises(InvalidValue):
        network.log_activation(sample)
    assert not list(tmp_path.iterdir())
