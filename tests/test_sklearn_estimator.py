"""HippoClassifier passes scikit-learn's own checks, trains with Hippo's loop, and refuses what will not do."""

from __future__ import annotations

import json
import os
import pickle
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.datasets import load_iris, make_classification
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from hippo.nn import CrossEntropyLoss, Linear, ReLU, Sequential
from hippo.sklearn_estimator import HippoClassifier
from hippo.training import Diverged, TrainingConfig, train
from tests.docs.markdown import blocks, code, rows, section, text_of

PROJECT = Path(__file__).resolve().parents[1]

#: Prints each check of scikit-learn with its outcome. By itself, because one of them is left out unless SciPy was
#: imported with the array API switched on, and warnings are errors.
CHECKS = """
import json
from sklearn.utils.estimator_checks import check_estimator
from hippo.sklearn_estimator import HippoClassifier
results = check_estimator(HippoClassifier(), on_skip=None, on_fail=None)
print(json.dumps([[one["check_name"], one["status"], str(one["exception"])] for one in results]))
"""


class Table:
    """Float32 rows and the class of each, as `train` takes them."""

    def __init__(self, inputs: NDArray[Any], labels: NDArray[Any], classes: int) -> None:
        self.inputs, self.labels, self.classes = inputs.astype(np.float32), labels, classes

    def __len__(self) -> int:
        return len(self.labels)


def blobs(classes: int = 3, features: int = 5) -> tuple[NDArray[Any], NDArray[Any]]:
    x, y = make_classification(
        120, features, n_informative=features, n_redundant=0, n_classes=classes, n_clusters_per_class=1, random_state=1
    )
    return x, y


def test_every_check_of_scikit_learn_passes() -> None:
    environment = os.environ | {"SCIPY_ARRAY_API": "1", "PYTHONPATH": str(PROJECT / "src")}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", CHECKS],
        env=environment,
        capture_output=True,
        text=True,
        timeout=170,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    results = json.loads(done.stdout)
    assert [one for one in results if one[1] != "passed"] == []
    assert len(results) >= 55


def test_it_is_the_one_loop_that_trains() -> None:
    x, y = blobs()
    model = HippoClassifier((7,), epochs=3, learning_rate=0.1, optimizer="sgd", momentum=0.5, random_state=4).fit(x, y)
    seed = int(np.random.RandomState(4).randint(2**31 - 1))
    weights, order = np.random.default_rng(seed), np.random.default_rng([seed, 1])
    same = Sequential([Linear(5, 7, "he", weights), ReLU(), Linear(7, 3, "he", weights)])
    config = TrainingConfig(3, 32, 0.1, seed, "sgd", momentum=0.5)
    history = train(same, CrossEntropyLoss(), Table(x, y, 3), config, order)
    assert [record["loss"] for record in model.history_] == [record["loss"] for record in history]
    assert model.history_[-1]["loss"] < model.history_[0]["loss"]
    for name, array in same.parameters.items():
        np.testing.assert_array_equal(model.parameters_[name], array)


def test_probabilities_are_those_of_the_network_in_any_company() -> None:
    x, y = blobs()
    model = HippoClassifier((7,), epochs=2, dropout=0.3, random_state=0).fit(x, y)
    w0, b0, w1, b1 = (np.asarray(array, np.float64) for array in model.parameters_.values())
    many = np.tile(x, (20, 1))  # 2,400 rows: more than are answered at once
    z = np.maximum(many.astype(np.float32) @ w0 + b0, 0) @ w1 + b1
    p = np.exp(z - z.max(axis=1, keepdims=True))
    found = model.predict_proba(many)
    np.testing.assert_allclose(found, p / p.sum(axis=1, keepdims=True), rtol=0, atol=1e-12)
    np.testing.assert_allclose(model.predict_proba(many[2399:]), found[2399:], rtol=0, atol=1e-15)
    np.testing.assert_array_equal(model.predict(many), model.classes_[found.argmax(axis=1)])


@pytest.mark.parametrize("classes", [2, 11, 300])
def test_any_number_of_classes_with_texts_for_labels(classes: int) -> None:
    rng = np.random.default_rng(0)
    names = np.array([f"class {number:03}" for number in rng.permutation(classes)])
    x = np.eye(classes)[np.repeat(np.arange(classes), 3)]
    y = np.repeat(names, 3)
    model = HippoClassifier((32,), epochs=60, random_state=1).fit(x, y)
    assert model.classes_.tolist() == sorted(names)
    assert model.n_features_in_ == classes
    assert model.predict_proba(x).shape == (3 * classes, classes)
    assert model.score(x, y) > 0.99


@pytest.mark.parametrize("one", [6, np.int64(6)])
def test_one_number_is_one_hidden_layer(one: Any) -> None:
    x, y = blobs()
    alone, listed = (HippoClassifier(size, epochs=2, random_state=3).fit(x, y) for size in (one, (6,)))
    assert alone.get_params()["hidden_layer_sizes"] is one
    np.testing.assert_array_equal(alone.predict_proba(x), listed.predict_proba(x))


def test_partial_fit_pass_by_pass_is_fit() -> None:
    x, y = blobs()
    settings: dict[str, Any] = {"hidden_layer_sizes": (6,), "dropout": 0.2, "random_state": 3}
    whole = HippoClassifier(epochs=3, **settings).fit(x, y)
    parts = HippoClassifier(**settings)
    for passes in range(3):
        parts.partial_fit(x, y, classes=[2, 0, 1])
        assert len(parts.history_) == passes + 1
        parts = pickle.loads(pickle.dumps(parts))  # noqa: S301  # our own, made in the line itself
        parts.set_params(hidden_layer_sizes=(9,), activation="tanh")  # of the next fit, not of this network
    for name, array in whole.parameters_.items():
        np.testing.assert_array_equal(parts.parameters_[name], array)
    np.testing.assert_array_equal(parts.predict_proba(x), whole.predict_proba(x))


@pytest.mark.parametrize("fitted", [0, 2])
def test_partial_fit_may_be_called_more_often_than_a_run_has_epochs(
    fitted: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    x, y = blobs()
    whole = HippoClassifier((6,), epochs=12, random_state=3).fit(x, y)
    monkeypatch.setattr("hippo.training.config.MAX_EPOCHS", 10)
    monkeypatch.setattr("hippo.sklearn_estimator.MAX_EPOCHS", 10, raising=False)
    parts = HippoClassifier((6,), epochs=2, random_state=3)
    if fitted:
        parts.fit(x, y)
    for _ in range(12 - fitted):
        parts.partial_fit(x, y, classes=[0, 1, 2])
    for name, array in whole.parameters_.items():
        np.testing.assert_array_equal(parts.parameters_[name], array)
    assert [record["epoch"] for record in parts.history_] == list(range(1, 13))
    assert [record["loss"] for record in parts.history_] == [record["loss"] for record in whole.history_]


def test_a_call_of_partial_fit_copies_no_history() -> None:
    x, y = blobs()
    model = HippoClassifier((6,), random_state=3).fit(x, y).partial_fit(x, y)
    assert len(model.history_) == 51
    assert model._plan_.state.history == []


def test_partial_fit_learns_classes_that_come_later() -> None:
    x, y = blobs(2)
    model = HippoClassifier(random_state=0).partial_fit(x[y == 0], y[y == 0], classes=[0, 1])
    before = model.predict_proba(x)
    for _ in range(30):
        model.partial_fit(x[y == 1], y[y == 1])
    assert model.predict_proba(x)[:, 1].mean() > before[:, 1].mean() + 0.2


def test_partial_fit_refuses_what_it_cannot_learn_and_stays_as_it_was() -> None:
    x, y = blobs(2)
    with pytest.raises(ValueError, match="must name all classes"):
        HippoClassifier().partial_fit(x, y)
    model = HippoClassifier(random_state=0).partial_fit(x, y, classes=[0, 1])
    before = pickle.dumps(model)
    with pytest.raises(ValueError, match=r"not among the classes \[0, 1\]"):
        model.partial_fit(x, y + 1)
    with pytest.raises(ValueError, match="since the first call"):
        model.partial_fit(x, y, classes=[0, 1, 2])
    model.set_params(learning_rate=1e30)
    with pytest.raises(Diverged):
        model.partial_fit(x, y)
    assert pickle.dumps(model.set_params(learning_rate=0.005)) == before


def test_it_works_in_a_pipeline_and_a_search() -> None:
    x, y = load_iris(return_X_y=True)
    pipeline = make_pipeline(StandardScaler(), HippoClassifier((16,), random_state=0))
    assert cross_val_score(pipeline, x, y, cv=3).mean() > 0.9
    grid = {"hippoclassifier__epochs": np.array([1, 20]), "hippoclassifier__dropout": np.array([0.0, 0.5])}
    search = GridSearchCV(pipeline, grid, cv=3).fit(x, y)
    assert search.best_params_["hippoclassifier__epochs"] == 20
    assert clone(search.best_estimator_[-1]).get_params() == search.best_estimator_[-1].get_params()


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"hidden_layer_sizes": (0,)}, "whole numbers from 1, not 0"),
        ({"hidden_layer_sizes": 0}, "whole numbers from 1, not 0"),
        ({"hidden_layer_sizes": True}, "whole numbers from 1, not True"),
        ({"hidden_layer_sizes": "100"}, "a sequence of whole numbers, or one of them, not '100'"),
        ({"hidden_layer_sizes": None}, "a sequence of whole numbers, or one of them, not None"),
        ({"hidden_layer_sizes": 2.5}, "a sequence of whole numbers, or one of them, not 2.5"),
        ({"hidden_layer_sizes": (2.5,)}, "whole numbers from 1, not 2.5"),
        ({"hidden_layer_sizes": (100_000, 100_000)}, "at most 50,000,000 parameters"),
        ({"activation": "cubic"}, "activation must be one of sigmoid, tanh"),
        ({"dropout": 1.0}, "dropout must be a number from 0 to below 1"),
        ({"epochs": 0}, "epochs must be a whole number from 1"),
        ({"mini_batch_size": "32"}, "mini_batch_size must be a whole number"),
        ({"learning_rate": float("nan")}, "learning_rate must be a finite number above 0"),
        ({"optimizer": "lbfgs"}, "optimizer must be one of sgd"),
        ({"momentum": 0.5}, "momentum belongs to sgd"),
        ({"weight_decay": -1.0}, "weight_decay must be"),
    ],
)
def test_a_setting_out_of_range_is_refused_when_fitting(settings: dict[str, Any], text: str) -> None:
    model = HippoClassifier(**settings)
    with pytest.raises(ValueError, match=text):
        model.fit(*blobs())
    assert not hasattr(model, "classes_")


def test_the_example_of_the_documents_runs(tmp_path: Path) -> None:
    (example,) = blocks(section(text_of("docs/TRAINING.md"), "As a scikit-learn estimator"), "python")
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", example],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(PROJECT / "src")},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    (accuracy,) = re.findall(r"^accuracy: (\d+\.\d) %$", done.stdout, re.MULTILINE)
    assert float(accuracy) > 95


def test_the_documents_name_every_parameter_with_its_default() -> None:
    table = rows(section(text_of("docs/TRAINING.md"), "As a scikit-learn estimator"))
    documented = {code(row[0])[0]: code(row[1])[0] for row in table}
    assert documented == {name: repr(value).replace("'", '"') for name, value in HippoClassifier().get_params().items()}


def test_without_scikit_learn_the_error_says_what_to_install() -> None:
    script = "import sys; sys.modules['sklearn'] = None; import hippo.sklearn_estimator"
    done = subprocess.run(
        [sys.executable, "-c", script],
        env=os.environ | {"PYTHONPATH": str(PROJECT / "src")},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    (said,) = re.findall(r"ImportError: HippoClassifier needs scikit-learn: pip install (\S+)\n", done.stderr)
    assert said in (PROJECT / "requirements-dev.txt").read_text().split()
    assert said in (PROJECT / "docs/TRAINING.md").read_text()
    assert "scikit-learn" not in (PROJECT / "requirements.txt").read_text()
