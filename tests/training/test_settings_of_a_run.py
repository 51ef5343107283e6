"""Every setting of a run does what it says, in the one loop, and a run goes on with it as if it had never stopped."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from hippo.datasets.dataset import Dataset
from hippo.errors import InvalidValue
from hippo.network import NeuralNetwork
from hippo.nn import BatchNorm, CrossEntropyLoss, Dropout, Linear, ReLU, Sequential, gradient_norm
from hippo.training import (
    BestCheckpoint,
    Callback,
    EarlyStopping,
    LastGood,
    TrainingConfig,
    TrainingRun,
    TrainingState,
    evaluate,
    train,
)
from tests.jobs.made_data import made_mnist

DATA = made_mnist(train=300, test=100)
SIZE = 40  # seven whole mini-batches and one of 20

SETTINGS: dict[str, dict[str, Any]] = {
    "momentum": {"momentum": 0.9},
    "Nesterov": {"momentum": 0.9, "nesterov": True, "weight_decay": 0.001},
    "Adam": {"optimizer": "adam", "learning_rate": 0.01},
    "AdamW": {"optimizer": "adamw", "learning_rate": 0.01, "weight_decay": 0.1},
    "step": {"schedule": "step", "step_every": 1, "step_factor": 0.5},
    "cosine with warm-up": {"schedule": "cosine", "warm_up": 0.5},
    "one cycle": {"schedule": "one_cycle"},
    "clipping": {"clip_norm": 0.1},
    "label smoothing": {"label_smoothing": 0.1},
    "augmentation": {"augment": ("shift", "rotate", "elastic")},
    "dropout": {"dropout": 0.3},
    "no shuffling": {"shuffle": False},
    "all": {"dropout": 0.2, "optimizer": "adam", "schedule": "cosine", "augment": ("shift",), "label_smoothing": 0.1},
}
every_setting = pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS)


def learn(settings: dict[str, Any], *callbacks: Callback, **more: Any) -> tuple[NeuralNetwork, list[dict[str, Any]]]:
    options = {"epochs": 3, "mini_batch_size": SIZE, "learning_rate": 0.1} | settings | more
    network = options.pop("network", None) or fresh(options)
    options.pop("dropout", None)
    return network, network.train(DATA.training_data, callbacks=callbacks, **options)


def fresh(settings: dict[str, Any]) -> NeuralNetwork:
    return NeuralNetwork([784, 12, 10], "relu", seed=1, dropout=settings.get("dropout", 0.0))


def weights(network: NeuralNetwork) -> bytes:
    return b"".join(array.tobytes() for array in network.model.parameters.values())


class StopAt(Callback):
    def __init__(self, epoch: int, batch: int) -> None:
        self._at = (epoch, batch)

    def on_batch_end(self, run: TrainingRun) -> None:
        if (run.state.epoch, run.state.batch) == self._at:
            raise InterruptedError


@every_setting
def test_it_changes_what_is_learned(settings: dict[str, Any]) -> None:
    assert weights(learn(settings)[0]) != weights(learn({})[0])


@every_setting
def test_the_same_seed_gives_the_same_run(settings: dict[str, Any]) -> None:
    one, two = learn(settings, seed=5), learn(settings, seed=5)
    assert weights(one[0]) == weights(two[0])


@every_setting
@pytest.mark.parametrize("at", [(0, 3), (1, 5), (2, 1)])
def test_a_run_that_stops_and_goes_on_ends_with_the_same_weights(settings: dict[str, Any], at: tuple[int, int]) -> None:
    whole, history = learn(settings)
    stopped, state = fresh(settings), TrainingState()
    with pytest.raises(InterruptedError):
        learn(settings, StopAt(*at), network=stopped, state=state)
    # As through a file: other arrays, and an optimizer that has forgotten everything.
    there = NeuralNetwork.from_parameters(stopped.spec, {n: a.copy() for n, a in stopped.model.parameters.items()})
    arrays = {name: array.copy() for name, array in state.arrays.items()}
    went_on = TrainingState(**state.to_dict(), arrays=arrays)
    _, found = learn(settings, network=there, state=went_on)
    assert weights(there) == weights(whole)
    for record, expected in zip(found, history, strict=True):
        for name in ("epoch", "loss", "training_accuracy", "gradient_norm", "learning_rate"):
            assert record[name] == expected[name], name


def test_without_shuffling_each_epoch_takes_the_examples_as_they_lie() -> None:
    network, _ = learn({"shuffle": False}, learning_rate=0.01, seed=3)
    w1, b1, w2, b2 = (array.astype(np.float64) for array in fresh({}).model.parameters.values())
    x, y = DATA.training_data.images.astype(np.float64), np.eye(10)[DATA.training_data.labels]
    for begin in [*range(0, 300, SIZE)] * 3:
        rows = slice(begin, begin + SIZE)
        hidden = np.maximum(x[rows] @ w1 + b1, 0)
        odds = np.exp(hidden @ w2 + b2)
        d2 = (odds / odds.sum(axis=1, keepdims=True) - y[rows]) / len(x[rows])
        d1 = d2 @ w2.T * (hidden > 0)
        w2, b2 = w2 - 0.01 * hidden.T @ d2, b2 - 0.01 * d2.sum(axis=0)
        w1, b1 = w1 - 0.01 * x[rows].T @ d1, b1 - 0.01 * d1.sum(axis=0)
    for found, expected in zip(network.model.parameters.values(), (w1, b1, w2, b2), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_the_answers_of_the_last_two_epochs_are_remembered() -> None:
    seen: list[bytes] = []

    class Look(Callback):
        def on_epoch_end(self, run: TrainingRun) -> None:
            with run.model.mode(training=False):
                seen.append(run.model.forward(DATA.test_data.images).argmax(axis=1).astype(np.uint8).tobytes())

    state = TrainingState()
    learn({}, Look(), state=state, test_data=DATA.test_data)
    assert len(set(seen)) == 3
    assert [answers.tobytes() for answers in state.answers] == seen[1:]
    state = TrainingState()
    learn({}, Look(), state=state, test_data=DATA.test_data, epochs=1)
    assert [answers.tobytes() for answers in state.answers] == seen[:1]
    learn({}, state=TrainingState())  # nothing to answer: no test set


def test_large_batches_in_parts_go_on_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hippo.training.batches.CHUNK", 16)
    settings = SETTINGS["all"]
    whole, _ = learn(settings)
    stopped, state = fresh(settings), TrainingState()
    with pytest.raises(InterruptedError):
        learn(settings, StopAt(1, 5), network=stopped, state=state)
    learn(settings, network=stopped, state=state)
    assert weights(stopped) == weights(whole)


def test_the_rate_of_the_record_is_that_of_the_last_step() -> None:
    _, history = learn({"schedule": "step", "step_every": 1, "step_factor": 0.5})
    assert [record["learning_rate"] for record in history] == pytest.approx([0.1, 0.05, 0.025])


def test_no_gradient_is_longer_than_the_clip() -> None:
    norms = []

    class Norms(Callback):
        def on_batch_end(self, run: TrainingRun) -> None:
            norms.append(gradient_norm(run.model))

    learn({"clip_norm": 0.05}, Norms())
    assert max(norms) == pytest.approx(0.05, rel=1e-5)


def test_the_accuracy_of_an_epoch_counts_the_answers_as_they_were_given() -> None:
    network = fresh({})
    answers = evaluate(network.model, network.loss, DATA.training_data).accuracy
    _, (record,) = learn({}, network=network, epochs=1, learning_rate=1e-30)
    assert record["training_accuracy"] == answers


def test_validation_and_test_sets_are_measured_in_eval_mode() -> None:
    network, (record,) = learn(
        SETTINGS["dropout"], epochs=1, validation_data=DATA.validation_data, test_data=DATA.test_data
    )
    for data, name in ((DATA.validation_data, "validation_loss"), (DATA.test_data, "test_loss")):
        assert evaluate(network.model, network.loss, data).loss == record[name]
    assert not network.model.training


def test_the_share_of_augmentation_is_told() -> None:
    assert all(0 < record["augmentation_share"] < 1 for record in learn(SETTINGS["augmentation"])[1])
    assert all(record["augmentation_share"] == 0 for record in learn({})[1])


def test_batch_normalisation_and_dropout_learn_in_the_loop() -> None:
    rng = np.random.default_rng(1)
    model = Sequential([Linear(784, 20, "he", rng), BatchNorm(20), ReLU(), Dropout(0.2), Linear(20, 10, "he", rng)])
    loss = CrossEntropyLoss()
    config = TrainingConfig(epochs=5, mini_batch_size=SIZE, learning_rate=0.01, optimizer="adam")
    history = train(model, loss, DATA.training_data, config, rng, validation_data=DATA.validation_data)
    assert history[-1]["validation_accuracy"] > 0.5
    assert history[-1]["loss"] < history[0]["loss"]
    assert (model.buffers["1.mean"] != 0).any()


# ---- Early stopping and the best epoch


class Losses(Callback):
    """Replaces the validation losses by given ones."""

    def __init__(self, *losses: float) -> None:
        self._losses = losses

    def on_epoch_end(self, run: TrainingRun) -> None:
        run.state.history[-1]["validation_loss"] = self._losses[run.state.epoch - 1]


@pytest.mark.parametrize(
    ("losses", "patience", "minimum", "epochs"),
    [
        ((5, 4, 3, 2, 1), 1, 0, 5),
        ((5, 4, 4, 3, 2), 1, 0, 3),
        ((5, 4, 6, 5, 3), 2, 0, 4),
        ((5, 4, 6, 3, 3), 2, 0, 5),
        ((5, 4.9, 4.8, 4.7, 1), 2, 0.5, 3),
    ],
)
def test_it_stops_after_so_many_epochs_without_a_lower_loss(
    losses: tuple[float, ...], patience: int, minimum: float, epochs: int
) -> None:
    _, history = learn({}, Losses(*losses), EarlyStopping(patience, minimum), epochs=5)
    assert len(history) == epochs


def test_a_resumed_run_stops_where_it_would_have_stopped() -> None:
    state, losses = TrainingState(), Losses(5, 4, 6, 6, 6, 6)
    network = fresh({})
    with pytest.raises(InterruptedError):
        learn({}, losses, EarlyStopping(3), StopAt(3, 2), epochs=6, network=network, state=state)
    _, history = learn({}, losses, EarlyStopping(3), epochs=6, network=network, state=state)
    assert len(history) == 5


def test_the_best_epochs_are_saved_as_they_come() -> None:
    saved: list[int] = []
    learn({}, Losses(3, 4, 2, 2, 1), BestCheckpoint(lambda run: saved.append(run.state.epoch)), epochs=5)
    assert saved == [1, 3, 5]


def test_a_run_that_is_resumed_after_its_last_look_does_not_go_on() -> None:
    state, losses = TrainingState(), Losses(5, 6, 6, 6)
    network = fresh({})
    learn({}, losses, EarlyStopping(2), epochs=6, network=network, state=state)
    before = weights(network)
    _, history = learn({}, losses, EarlyStopping(2), epochs=6, network=network, state=state)
    assert len(history) == 3
    assert weights(network) == before


@pytest.mark.parametrize("set_name", ["training_data", "validation_data", "test_data"])
def test_empty_sets_and_other_labels_are_refused(set_name: str) -> None:
    labels = Dataset(DATA.test_data.pixels[:3], np.array([1, 10, 2], np.uint8), classes=11)
    for wrong in (DATA.test_data[:0], labels):
        network = fresh({})
        sets = {"training_data": DATA.training_data, set_name: wrong}
        with pytest.raises(ValueError, match=r"at least one example|Targets must have the shape of the outputs"):
            train(network.model, network.loss, config=TrainingConfig(), rng=np.random.default_rng(1), **sets)


def test_the_state_of_another_training_set_is_refused() -> None:
    with pytest.raises(InvalidValue, match="mini-batch 9"):
        learn({}, state=TrainingState(batch=9, steps=9))
    with pytest.raises(InvalidValue, match="does not belong to Adam"):
        learn(SETTINGS["Adam"], state=TrainingState(batch=1, steps=1))


def test_the_last_good_weights_come_with_their_running_averages() -> None:
    rng = np.random.default_rng(1)
    model = Sequential([Linear(784, 20, "he", rng), BatchNorm(20), ReLU(), Linear(20, 10, "he", rng)])
    good = LastGood()
    config = TrainingConfig(epochs=3, mini_batch_size=SIZE, learning_rate=0.1)
    with pytest.raises(InterruptedError):
        train(model, CrossEntropyLoss(), DATA.training_data, config, rng, callbacks=[good, StopAt(1, 3)])
    assert (model.buffers["1.mean"] != good.parameters["1.mean"]).any()


def test_a_batch_just_above_a_chunk_has_no_part_of_one_row(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hippo.training.batches.CHUNK", 30)
    rng = np.random.default_rng(1)
    model = Sequential([Linear(784, 20, "he", rng), BatchNorm(20), ReLU(), Linear(20, 10, "he", rng)])
    config = TrainingConfig(epochs=1, mini_batch_size=31, learning_rate=0.1)
    train(model, CrossEntropyLoss(), DATA.training_data[:62], config, rng)


def test_no_choice_without_a_validation_set() -> None:
    for callback in (EarlyStopping(), BestCheckpoint(lambda run: None)):
        with pytest.raises(InvalidValue, match="validation"):
            learn({}, callback, test_data=DATA.test_data)
    with pytest.raises(InvalidValue, match="patience"):
        EarlyStopping(0)
