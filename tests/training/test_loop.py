"""The loop: what it returns, that it is a function of its seed, that it can stop and go on, and how it diverges."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from hippo.datasets import MNIST
from hippo.network import NeuralNetwork
from hippo.nn import Array
from hippo.training import Callback, Control, Diverged, LastGood, TrainingRun, TrainingState, batches
from tests.jobs.made_data import made_mnist

TIMES = {"duration_seconds", "elapsed_time", "images_per_second", "augmentation_share"}

#: 600 examples in mini-batches of 70: eight whole ones and one of 40.
SIZE, BATCHES = 70, 9


@pytest.fixture(scope="module")
def data() -> MNIST:
    return made_mnist()


def network(activation: str = "sigmoid", seed: int = 1) -> NeuralNetwork:
    return NeuralNetwork([784, 12, 10], activation, seed=seed)


def learn(net: NeuralNetwork, data: MNIST, epochs: int = 3, rate: float = 0.5, **more: Any) -> list[dict[str, Any]]:
    more = {"validation_data": data.validation_data} | more
    return net.train(data.training_data, epochs, SIZE, rate, data.test_data, **more)


def weights(net: NeuralNetwork) -> dict[str, bytes]:
    return {name: array.tobytes() for name, array in net.model.parameters.items()}


def timeless(history: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{name: value for name, value in record.items() if name not in TIMES} for record in history]


# ---- The history


def test_a_record_holds_what_is_documented(data: MNIST) -> None:
    net = network()
    history = learn(net, data)
    assert [record["epoch"] for record in history] == [1, 2, 3]
    elapsed = 0.0
    for record in history:
        kinds = {name: type(value) for name, value in record.items()}
        assert kinds == {
            "epoch": int,
            "loss": float,
            "training_accuracy": float,
            "validation_loss": float,
            "validation_accuracy": float,
            "test_loss": float,
            "test_accuracy": int,
            "test_total": int,
            "accuracy": float,
            "learning_rate": float,
            "gradient_norm": float,
            "duration_seconds": float,
            "elapsed_time": float,
            "images_per_second": float,
            "augmentation_share": float,
        }
        assert record["test_total"] == len(data.test_data)
        assert record["accuracy"] == record["test_accuracy"] / record["test_total"]
        assert record["learning_rate"] == 0.5
        assert record["images_per_second"] == pytest.approx(600 / record["duration_seconds"])
        assert record["elapsed_time"] >= elapsed + record["duration_seconds"]
        elapsed = record["elapsed_time"]
    assert json.loads(json.dumps(history, allow_nan=False)) == history
    assert history[-1]["test_accuracy"] == net.evaluate(data.test_data)
    assert history[-1]["loss"] < history[0]["loss"]
    assert history[-1]["accuracy"] > 0.5  # it does learn


def test_without_a_test_set_its_fields_are_none(data: MNIST) -> None:
    (record,) = network().train(data.training_data, epochs=1, mini_batch_size=SIZE)
    absent = {name for name, value in record.items() if value is None}
    of_test = {"test_loss", "test_accuracy", "test_total", "accuracy"}
    assert absent == of_test | {"validation_loss", "validation_accuracy"}


def test_the_loss_of_an_epoch_is_the_mean_over_its_examples(data: MNIST) -> None:
    """Also with a small last mini-batch. The rate is so small that the weights do not move."""
    net = network()
    expected = net.loss.forward(net.model.forward(data.training_data.images), _one_hot(data.training_data.labels))
    (record,) = learn(net, data, epochs=1, rate=1e-30)
    assert record["loss"] == pytest.approx(expected, rel=1e-6)


def _one_hot(labels: Array) -> Array:
    return np.eye(10, dtype=np.float32)[labels]


# ---- A run is a function of its seeds


@pytest.mark.parametrize("activation", ["sigmoid", "tanh", "relu"])
def test_the_same_seeds_give_the_same_run_bit_for_bit(activation: str, data: MNIST) -> None:
    one, two = network(activation), network(activation)
    assert timeless(learn(one, data, rate=0.1, seed=5)) == timeless(learn(two, data, rate=0.1, seed=5))
    assert weights(one) == weights(two)


def test_another_seed_gives_another_run(data: MNIST) -> None:
    runs = [(network(), 5), (network(), 6), (network(seed=2), 5)]
    for net, seed in runs:
        learn(net, data, epochs=1, seed=seed)
    assert len({weights(net)["0.weights"] for net, _ in runs}) == 3


def test_global_randomness_is_left_alone(data: MNIST) -> None:
    np.random.seed(1)
    expected = np.random.random()
    np.random.seed(1)
    learn(network(), data, epochs=1)
    assert np.random.random() == expected


# ---- Stop and go on


class Stop(Exception):
    """Ends a run from a callback."""


class StopAfter(Callback):
    """Raises `Stop` after this many mini-batches of the run, or at the end of this epoch."""

    def __init__(self, batches: int | None = None, epoch: int | None = None) -> None:
        self.batches, self.epoch = batches, epoch

    def on_batch_end(self, run: TrainingRun) -> None:
        if self.batches is not None:
            self.batches -= 1
            if not self.batches:
                raise Stop

    def on_epoch_end(self, run: TrainingRun) -> None:
        if run.state.epoch == self.epoch:
            raise Stop


def moved(net: NeuralNetwork, state: TrainingState) -> tuple[NeuralNetwork, TrainingState]:
    """The same network and state as another process would get them: through files and JSON."""
    arrays = {
        name: np.frombuffer(array.tobytes(), array.dtype).reshape(array.shape)
        for name, array in net.model.parameters.items()
    }
    return NeuralNetwork.from_parameters(net.spec, arrays), TrainingState(**json.loads(json.dumps(state.to_dict())))


STOPS = {
    "after the first mini-batch": [StopAfter(batches=1)],
    "within the second epoch": [StopAfter(batches=BATCHES + 4)],
    "before the small mini-batch": [StopAfter(batches=2 * BATCHES - 1)],
    "after the last mini-batch of an epoch": [StopAfter(batches=2 * BATCHES)],
    "at the end of the first epoch": [StopAfter(epoch=1)],
    "at the end of the last epoch": [StopAfter(epoch=3)],
    "twice within one epoch": [StopAfter(batches=2), StopAfter(batches=3)],
    "within and at the end": [StopAfter(batches=12), StopAfter(epoch=2)],
}


@pytest.mark.parametrize("chunk", [1000, 32])
@pytest.mark.parametrize("stops", STOPS.values(), ids=STOPS)
def test_a_run_that_was_stopped_ends_like_one_that_was_not(
    stops: list[StopAfter], chunk: int, data: MNIST, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "CHUNK", chunk)
    whole = network()
    history = learn(whole, data, seed=5)

    net, state = network(), TrainingState()
    for stop in (StopAfter(stop.batches, stop.epoch) for stop in stops):
        with pytest.raises(Stop):
            learn(net, data, seed=5, state=state, callbacks=[stop])
        net, state = moved(net, state)
    assert weights(net) != weights(whole) or state.epoch == 3
    assert timeless(learn(net, data, seed=5, state=state)) == timeless(history)
    assert weights(net) == weights(whole)


def test_the_time_before_an_interruption_counts(data: MNIST) -> None:
    (record,) = learn(network(), data, epochs=1, state=TrainingState(elapsed=100.0))
    assert 100 < record["elapsed_time"] < 160
    assert record["duration_seconds"] < 60


def test_a_finished_run_goes_on_when_more_epochs_are_wanted(data: MNIST) -> None:
    whole, net, state = network(), network(), TrainingState()
    history = learn(whole, data, epochs=3)
    learn(net, data, epochs=1, state=state)
    assert timeless(learn(net, data, epochs=3, state=state)) == timeless(history)
    assert weights(net) == weights(whole)


# ---- Divergence


class ChangeRate(Callback):
    """From the epoch after `epoch` on, learns at another rate."""

    def __init__(self, epoch: int, rate: float) -> None:
        self.epoch, self.rate = epoch, rate

    def on_epoch_begin(self, run: TrainingRun) -> None:
        if run.state.epoch == self.epoch:
            run.optimizer.lr = self.rate


class Remember(Callback):
    """Copies the weights at every epoch's end."""

    def __init__(self) -> None:
        self.seen: list[dict[str, bytes]] = []

    def on_epoch_end(self, run: TrainingRun) -> None:
        self.seen.append({name: array.tobytes() for name, array in run.model.parameters.items()})


@pytest.mark.parametrize("rate", [1e10, 1e300])
def test_a_rate_that_explodes(rate: float, data: MNIST) -> None:
    net, last_good, state = network("relu"), LastGood(), TrainingState()
    before = weights(net)
    with pytest.raises(Diverged, match=r"in epoch 1, in mini-batch \d of \d+: .* smaller learning rate") as caught:
        learn(net, data, rate=rate, callbacks=[last_good], state=state)
    assert caught.value.epoch == 1
    assert state.batch < BATCHES  # at once, not only at the epoch's end
    assert last_good.epoch == 0
    assert weights(net) != before
    last_good.restore(net.model.parameters)
    assert weights(net) == before


def test_the_last_epoch_before_the_explosion_can_be_restored(data: MNIST) -> None:
    net, last_good, remember, state = network("relu"), LastGood(), Remember(), TrainingState()
    with pytest.raises(Diverged, match="in epoch 3") as caught:
        learn(net, data, epochs=5, rate=0.05, callbacks=[last_good, remember, ChangeRate(2, 1e20)], state=state)
    assert caught.value.epoch == 3
    assert last_good.epoch == state.epoch == len(state.history) == 2
    last_good.restore(net.model.parameters)
    assert weights(net) == remember.seen[-1]
    assert remember.seen[0] != remember.seen[1]
    assert net.evaluate(data.test_data) == state.history[-1]["test_accuracy"]


class Spoil(Callback):
    """Makes one bias of the output -inf: a sigmoid of it is 0, so that the loss stays finite."""

    def on_batch_end(self, run: TrainingRun) -> None:
        if run.state.epoch == 1:
            run.model.parameters["2.bias"][0] = -np.inf


@pytest.mark.parametrize("with_test", [True, False])
def test_weights_that_are_not_finite_under_a_loss_that_is(with_test: bool, data: MNIST) -> None:
    net, last_good, remember = network("sigmoid"), LastGood(), Remember()
    with pytest.raises(Diverged) as caught:
        net.train(
            data.training_data,
            3,
            SIZE,
            0.5,
            data.test_data if with_test else None,
            callbacks=[last_good, remember, Spoil()],
        )
    assert caught.value.epoch == 2
    assert np.isfinite(net.loss.forward(net.model.forward(data.test_data.images), _one_hot(data.test_data.labels)))
    last_good.restore(net.model.parameters)
    assert weights(net) == remember.seen[-1]


@pytest.mark.parametrize("with_test", [True, False])
def test_a_single_step_that_explodes_is_noticed_at_the_end_of_its_epoch(with_test: bool, data: MNIST) -> None:
    with pytest.raises(Diverged) as caught:
        network("relu").train(data.training_data, 1, 600, 1e300, data.test_data if with_test else None)
    assert caught.value.epoch == 1


# ---- The surroundings of a run


class Look(Callback):
    """Keeps what `look` returns at every mini-batch's end."""

    def __init__(self, look: Any) -> None:
        self.look, self.seen = look, []

    def on_batch_end(self, run: TrainingRun) -> None:
        self.seen.append(self.look(run))


def _blas_threads() -> list[int]:
    return [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]


def test_blas_has_one_thread_while_training_and_as_many_as_before_after_it(data: MNIST) -> None:
    look = Look(lambda _: _blas_threads())
    with threadpool_limits(2):
        before = _blas_threads()
        assert before
        assert set(before) == {2}
        learn(network(), data, epochs=1, callbacks=[look])
        assert _blas_threads() == before
        with pytest.raises(Stop):
            learn(network(), data, callbacks=[StopAfter(batches=1)])
        assert _blas_threads() == before
    assert len(look.seen) == BATCHES
    assert all(set(threads) == {1} for threads in look.seen)


def test_what_makes_training_fast_ends_with_it(data: MNIST) -> None:
    def switches(net: NeuralNetwork) -> tuple[bool, bool, bool, Any]:
        wants = net.model.modules[0].wants_input_gradient
        return net.model.keeps_arrays, net.loss.keeps_arrays, wants, np.geterr()

    for stop in ([], [StopAfter(batches=1)]):
        net = network()
        before, look = switches(net), Look(lambda _, net=net: switches(net))
        try:
            learn(net, data, epochs=1, callbacks=[look, *stop])
        except Stop:
            assert stop
        assert look.seen[0][:3] == (True, True, False)
        assert look.seen[0][3]["over"] == look.seen[0][3]["invalid"] == "ignore"
        assert switches(net) == before
        assert before[:3] == (False, False, True)


def test_a_network_answers_the_same_before_and_after_the_memory_of_training_is_given_up(data: MNIST) -> None:
    net = network()
    learn(net, data, epochs=1)
    answers = net.predict(data.test_data.images)
    before = answers.copy()
    learn(net, data, epochs=1)
    np.testing.assert_array_equal(answers, before)


def test_control_ends_a_run_between_two_mini_batches(data: MNIST) -> None:
    asked = [None, None, Stop("now")]
    net, state = network(), TrainingState()
    with pytest.raises(Stop, match="now"):
        learn(net, data, callbacks=[Control(lambda: asked.pop(0))], state=state)
    assert asked == []
    assert (state.epoch, state.batch) == (0, 3)
    assert state.elapsed > 0
