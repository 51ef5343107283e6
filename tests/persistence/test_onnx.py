"""What is written as ONNX answers as the network does, on every digit of the test set, under another program.

Both compute in float64, from weights and to outputs in float32, so nothing but the last bits may differ: not between
two libraries, not between an image alone and among many.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest

from hippo.datasets import MNIST, MNISTLoader
from hippo.network import NeuralNetwork
from hippo.nn import LeakyReLU
from hippo.persistence.interchange import export
from tests.persistence.foreign_files import network

#: How far outputs, 0-1, may be from ours.
TOLERANCE = 1e-6
NETWORKS: dict[str, dict[str, Any]] = {
    "sigmoid": {"loss": "quadratic", "learning_rate": 3.0},
    "relu": {"loss": "cross_entropy", "learning_rate": 0.1},
    "tanh": {"loss": "cross_entropy", "learning_rate": 0.1},
    "leaky_relu": {"loss": "cross_entropy", "learning_rate": 0.1},
}


@pytest.fixture(scope="module")
def mnist() -> MNIST:
    return MNISTLoader().load_data()


def session(data: bytes) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])


def answers(data: bytes, images: Any) -> Any:
    return session(data).run(None, {"images": images})[0]


def difference(made: NeuralNetwork, data: bytes, images: Any) -> float:
    return float(np.abs(answers(data, images) - made.predict(images)).max())


@pytest.mark.parametrize("activation", NETWORKS)
def test_all_test_digits_are_answered_alike(activation: str, mnist: MNIST) -> None:
    settings = NETWORKS[activation]
    trained = NeuralNetwork([784, 30, 16, 10], activation, settings["loss"], seed=1, dropout=0.1)
    trained.train(mnist.training_data, 1, 10, settings["learning_rate"], seed=1)
    images = mnist.test_data.images
    data = export(trained, {}, "onnx")
    assert trained.evaluate(mnist.test_data) > 8_500  # it has learned, so its outputs go from 0 to 1
    assert images.shape == (10_000, 784)
    found, ours = answers(data, images), trained.predict(images)
    np.testing.assert_array_equal(found.argmax(axis=1), ours.argmax(axis=1))
    assert np.abs(found - ours).max() <= TOLERANCE
    one_by_one = np.concatenate([trained.predict(images[row : row + 1]) for row in range(500)])
    assert np.abs(one_by_one - ours[:500]).max() <= TOLERANCE / 10


def test_a_weight_that_is_a_little_off_would_be_seen(mnist: MNIST) -> None:
    made, other = network(), network()
    images = mnist.test_data.images[:1000]
    assert difference(made, export(made, {}, "onnx"), images) <= TOLERANCE
    other.model.parameters["0.weights"][400] += 1e-3
    assert difference(made, export(other, {}, "onnx"), images) > 2 * TOLERANCE


@pytest.mark.parametrize("sizes", [(784, 10), (784, 4, 10), (784, 9, 9, 9, 9, 10)], ids=str)
@pytest.mark.parametrize("loss", ["quadratic", "cross_entropy"])
def test_a_model_describes_itself(sizes: Any, loss: str) -> None:
    made = network(sizes, "tanh", loss=loss)
    data = export(made, {"accuracy": 0.5}, "onnx")
    assert data == export(made, {"accuracy": 0.5}, "onnx")
    model = onnx.load_from_string(data)
    onnx.checker.check_model(model, full_check=True)
    assert [(one.domain, one.version) for one in model.opset_import] == [("", 17)]
    (given,), (got,) = session(data).get_inputs(), session(data).get_outputs()
    assert (given.name, given.type, given.shape) == ("images", "tensor(float)", ["N", 784])
    name = "outputs" if loss == "quadratic" else "probabilities"
    assert (got.name, got.type, got.shape) == (name, "tensor(float)", ["N", 10])
    about = session(data).get_modelmeta().custom_metadata_map
    assert json.loads(about["architecture"]) == made.spec.to_dict()
    one, three = (np.random.default_rng(3).random((count, 784)).astype(np.float32) for count in (1, 3))
    assert difference(made, data, one) <= TOLERANCE
    assert difference(made, data, three) <= TOLERANCE


def test_the_slope_of_a_leaky_relu_is_written() -> None:
    made = network((784, 16, 10), "leaky_relu")
    (leaky,) = (module for module in made.model.modules if isinstance(module, LeakyReLU))
    leaky.slope = 0.3  # not what ONNX takes it for where it is not said
    assert (
        difference(made, export(made, {}, "onnx"), np.random.default_rng(3).random((9, 784), np.float32)) <= TOLERANCE
    )


def test_the_bytes_are_the_same_in_another_process(tmp_path: Path) -> None:
    program = (
        "import sys, hashlib; from tests.persistence.foreign_files import network;"
        "from hippo.persistence.interchange import export;"
        "print([hashlib.sha256(export(network(), {}, form)).hexdigest() for form in ('onnx', 'npz', 'safetensors')])"
    )
    project = Path(__file__).resolve().parents[2]
    said = set()
    for seed in ("1", "2"):
        environment = {"PYTHONPATH": f"{project / 'src'}:{project}", "PYTHONHASHSEED": seed}
        done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        said.add(done.stdout)
    assert len(said) == 1


def test_nobody_loads_onnx_who_does_not_ask_for_it() -> None:
    program = "import sys, hippo.persistence.interchange; assert 'onnx' not in sys.modules"
    source = Path(__file__).resolve().parents[2] / "src"
    subprocess.run([sys.executable, "-c", program], env={"PYTHONPATH": str(source)}, check=True)
