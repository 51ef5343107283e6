"""Networks of others are read as they are, ours are written as others read them, the rest is refused in words."""

from __future__ import annotations

import io
import json
import pickle
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hippo.errors import ImportRefused
from hippo.network import ACTIVATIONS, NeuralNetwork
from hippo.persistence import interchange
from hippo.persistence.interchange import FORMATS, export, read_any
from hippo.persistence.model_persistence import read_model, write_checkpoint, write_model
from hippo.training import TrainingState
from tests.persistence import foreign_files as made
from tests.persistence.foreign_files import columns, network, npy, npz, npz_of, rows, safetensors, taken_apart

READABLE = [form for form in FORMATS if form != "onnx"]
DEEP = (784, 9, 9, 784, 784, 10)


def same(one: NeuralNetwork, other: NeuralNetwork) -> bool:
    mine, its = one.model.parameters, other.model.parameters
    return list(mine) == list(its) and all(np.array_equal(mine[name], its[name]) for name in mine)


def refused(data: bytes) -> str:
    """Return the words with which a file is refused."""
    with pytest.raises(ImportRefused, match=r"^model\.x[: ]") as caught:
        read_any(data, "model.x")
    assert caught.value.message.endswith(".")
    assert len(caught.value.message) < 500
    return caught.value.message


# ---- There and back


@pytest.mark.parametrize("form", READABLE)
@pytest.mark.parametrize("loss", ["quadratic", "cross_entropy"])
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("sizes", [(784, 10), (784, 4, 10), DEEP], ids=str)
def test_what_is_written_is_read_bit_for_bit(sizes: Any, activation: str, loss: str, form: str) -> None:
    ours = network(sizes, activation, loss=loss)
    data = export(ours, {"accuracy": 0.75}, form)
    found, facts = read_any(data, "model.x")
    assert same(found, ours)
    assert (found.spec.layer_sizes, found.spec.activation, found.spec.loss) == (sizes, activation, loss)
    assert (facts["format"], facts["claimed_accuracy"]) == (form, 0.75)
    assert data == export(ours, {"accuracy": 0.75}, form)  # whatever the time of day
    images = np.random.default_rng(2).random((20, 784)).astype(np.float32)
    np.testing.assert_array_equal(found.predict(images), ours.predict(images))


def test_our_own_file_keeps_its_spec_and_facts(tmp_path: Path) -> None:
    ours = network(activation="relu", dropout=0.25)
    facts = {
        "history": [{"epoch": 1, "loss": 0.5}],
        "epochs_trained": 3,
        "training_config": {"epochs": 3},
        "accuracy": 0.5,
        "revision": "somebody else's",
        "outcome": {"type": "completed"},
    }
    path = tmp_path / "net.safetensors"
    write_model(path, ours, facts)
    found, kept = read_any(path, "model.x")
    assert same(found, ours)
    assert found.spec == ours.spec
    assert kept == {
        "format": "safetensors",
        "claimed_accuracy": 0.5,
        **{name: facts[name] for name in ("history", "epochs_trained", "training_config")},
    }
    path.write_bytes(export(ours, {"revision": "r"}, "safetensors"))
    assert same(read_model(path)[0], ours)


def test_a_checkpoint_gives_its_weights(tmp_path: Path) -> None:
    ours, earlier = network(), NeuralNetwork([784, 4, 10], seed=9)
    state = TrainingState(arrays={"m.0.weights": np.ones((784, 4), np.float32)})
    write_checkpoint(tmp_path / "c", ours, state, earlier.model.parameters)
    assert same(read_any(tmp_path / "c", "model.x")[0], ours)


def test_views_are_written_as_they_are_seen() -> None:
    ours = network()
    ours.model.modules[0].parameters["weights"] = np.asfortranarray(ours.model.parameters["0.weights"])
    for form in READABLE:
        assert same(read_any(export(ours, {}, form), "model.x")[0], ours)


# ---- The layouts of others


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("dtype", ["<f2", "<f4", "<f8", ">f8"])
def test_numbers_of_any_width_and_order_are_read(dtype: str, packed: bool) -> None:
    ours = network()
    arrays = {name: value.astype(dtype) if value.ndim == 2 else value for name, value in columns(ours).items()}
    found, _ = read_any(npz(arrays, packed), "model.x")
    for mine, its in zip(ours.model.parameters.values(), found.model.parameters.values(), strict=True):
        np.testing.assert_array_equal(its, mine.astype(dtype).astype(np.float32))


@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize("fortran", [False, True])
@pytest.mark.parametrize("sizes", [(784, 10), (784, 4, 10), DEEP, (784, 784, 784, 10)], ids=str)
def test_which_way_round_a_matrix_is_shows_in_the_others(sizes: Any, transposed: bool, fortran: bool) -> None:
    ours = network(sizes)
    order = np.asfortranarray if fortran else np.ascontiguousarray
    arrays = {name: order(value) if value.ndim == 2 else value for name, value in rows(ours, transposed).items()}
    assert same(read_any(npz(arrays), "model.x")[0], ours)


@pytest.mark.parametrize(
    "changes",
    [
        {"activation": np.array(["Sigmoid"])},
        {"activation": np.array(b"sigmoid")},
        {"layers": np.array([784.0, 4.0, 10.0])},
        {"layers": np.array(3)},
        {"b0": network().model.parameters["0.bias"][:, None]},
        {"b1": network().model.parameters["2.bias"][None]},
        {"epochs": np.array(30), "names": np.array(["a", "b"])},
    ],
    ids=str,
)
def test_small_differences_are_understood(changes: dict[str, Any]) -> None:
    found, facts = read_any(npz(rows(network(), **changes)), "model.x")
    assert same(found, network())
    assert facts == {"format": "npz-layers", "claimed_accuracy": None}


def test_what_is_not_said_is_taken_as_usual() -> None:
    assert read_any(npz(columns(network(activation="relu"))), "model.x")[0].spec.loss == "cross_entropy"
    assert read_any(npz(columns(network())), "model.x")[0].spec.loss == "quadratic"


# ---- Refusals


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_nothing_in_a_pickle_is_executed(protocol: int, tmp_path: Path) -> None:
    path = tmp_path / "made"
    data = made.pickle_that_writes(path, protocol)
    assert "is a pickle" in refused(data)
    assert "PyTorch" in refused(npz_of({"archive/data.pkl": data, "archive/data/0": bytes(8)}))
    objects = npy((), data, "|O")
    assert "array of objects, which is a pickle" in refused(npz_of({"weight_0.npy": objects}))
    for extra in (rows(network()), columns(network())):
        with zipfile.ZipFile(file := io.BytesIO(npz(extra)), "a") as archive:
            archive.writestr("extra.npy", objects)
        assert "array of objects, which is a pickle" in refused(file.getvalue())
    assert not path.exists()
    pickle.loads(data)  # noqa: S301 - to see that it would
    assert path.exists()


def test_arrays_of_objects_as_numpy_saves_them_are_refused() -> None:
    ragged = np.empty(2, object)
    ragged[:] = [np.zeros((4, 784)), np.zeros((10, 4))]
    assert "pickle" in refused(npz({"sizes": [784, 4, 10], "activation": "sigmoid", "weights": ragged}))


OURS = export(network(), {}, "safetensors")
COLUMNS, PACKED = npz(columns(network())), npz(columns(network()), packed=True)
BIG = np.zeros((784, 10), np.float32)


OTHERS: dict[str, tuple[bytes, str]] = {
    "nothing": (b"", "is empty"),
    "one byte": (b"\x80", "no format"),
    "keras": (b"\x89HDF\r\n\x1a\n" + bytes(100), "Keras or HDF5"),
    "new keras": (npz_of({"config.json": b"{}", "model.weights.h5": b""}), "Keras"),
    "one array": (npy((2,), bytes(8)), "single array"),
    "gzip": (b"\x1f\x8b\x08" + bytes(50), "gzip"),
    "json": (b'{"sizes": [784, 10]}', "JSON"),
    "onnx": (export(network(), {}, "onnx"), "ONNX"),
    "words": (b"hello, this is no model at all", "no format"),
    "zip of nothing": (npz_of({}), "another kind"),
    "zip of text": (npz_of({"readme.txt": b"hello"}), "another kind"),
    "mnist": (npz({"x_train": np.zeros(3), "y_train": np.zeros(3)}), "x_train, y_train"),
}


@pytest.mark.parametrize("name", OTHERS)
def test_other_formats_are_named(name: str) -> None:
    data, words = OTHERS[name]
    assert words in refused(data)


@pytest.mark.parametrize("data", [OURS, COLUMNS, PACKED], ids=["safetensors", "npz", "npz packed"])
def test_no_beginning_of_a_file_is_taken_for_the_whole(data: bytes) -> None:
    for length in [*range(200), *range(200, len(data), 97), len(data) - 1]:
        refused(data[:length])


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"activation": "swish"}, "activation must be one of"),
        ({"activation": ...}, "does not say which activation"),
        ({"activation": np.array(3)}, "activation is not a word"),
        ({"activation": np.array(["relu", "softmax"])}, "activation is not a word"),
        ({"activation": "x" * 300}, "activation is not a word"),
        ({"activation": np.array([2**31], "<u4").view("<U1")}, "activation must be one of"),
        ({"sizes": np.array([784, 4, 12])}, "end with 10"),
        ({"sizes": np.array([784, 5, 10])}, "weight_0 has the shape 4 x 784, where its sizes ask for 5 x 784"),
        ({"sizes": np.array([784, 10])}, "weights of 2 layers"),
        ({"sizes": np.array([784, -4, 10])}, "whole numbers from 1"),
        ({"sizes": np.array([784, 2**60, 10])}, "whole numbers from 1"),
        ({"sizes": np.array([784, np.nan, 10])}, "not finite"),
        ({"sizes": np.arange(1000)}, "short list of numbers"),
        ({"sizes": np.array(["784"])}, "short list of numbers"),
        ({"sizes": np.array([784, 10000, 10000, 10])}, "at most 50,000,000"),
        ({"bias_1": ...}, "lacks bias_1"),
        ({"weight_0": ...}, "another kind"),
        ({"weight_1": ...}, "weights of 1 layers"),
        ({"bias_0": np.zeros((2, 2))}, "bias_0 has the shape 2 x 2"),
        ({"bias_0": np.zeros(())}, "bias_0 has the shape a single number"),
        ({"weight_0": np.zeros((784, 4))}, "weight_0 has the shape 784 x 4"),
        ({"weight_0": np.zeros((4, 784), complex)}, "weight_0"),
        ({"weight_0": np.zeros((4, 784), int)}, "holds int64, where weights are"),
        ({"weight_0": np.zeros((4, 784), np.longdouble)}, "weight_0 holds"),
        ({"weight_0": np.zeros((4, 784), "M8[s]")}, "weight_0"),
        ({"weight_0": np.zeros((4, 784), [("a", "f4")])}, "weight_0"),
        ({"weight_0": np.full((4, 784), np.nan)}, "weight_0 holds numbers that are not finite"),
        ({"bias_1": np.full((10, 1), np.inf)}, "bias_1 holds numbers that are not finite"),
        ({"weight_1": np.full((10, 4), 1e37)}, "would overflow"),
        ({"bias_1": np.full((10, 1), 1e300)}, "bias_1 holds numbers that are not finite in float32"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_what_does_not_fit_is_named(changes: dict[str, Any], words: str) -> None:
    assert words in refused(npz(columns(network(), **changes)))


def test_matrices_that_disagree_about_their_sides_are_refused() -> None:
    weights, _ = made.parts(network())
    assert "some (out, in)" in refused(npz(rows(network(), W0=weights[0].T)))
    assert "some (out, in)" in refused(npz(rows(network(), transposed=True, W1=weights[1])))
    assert "ask for" in refused(npz(rows(network(), layers=np.array([784, 4, 5, 10]), W2=BIG, b2=BIG[0])))


def test_two_arrays_of_one_name_are_refused() -> None:
    file = io.BytesIO(COLUMNS)
    with zipfile.ZipFile(file, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("weight_0.npy", npy((4, 784), bytes(4 * 4 * 784)))
    assert "two of one name" in refused(file.getvalue())


def _member(**members: bytes) -> bytes:
    return npz_of({f"{name}.npy": content for name, content in members.items()})


LYING_ARRAYS: dict[str, tuple[bytes, str]] = {
    "no array": (_member(weight_0=b"not an array"), "not an array of NumPy"),
    "version 2": (_member(weight_0=npy((2,), bytes(8), version=b"\x02\x00")), "unusual version"),
    "short": (_member(weight_0=npy((2,), bytes(7))), "does not fit its size"),
    "long": (_member(weight_0=npy((2,), bytes(9))), "does not fit its size"),
    "huge": (_member(weight_0=npy((2**62, 2**62), b"")), "does not fit its size"),
    "void": (_member(weight_0=npy((2,), bytes(8), "|V4")), "does not fit its size or type"),
    "program": (_member(weight_0=npy((2,), bytes(8), "__import__('os')")), "not a plain array"),
    "deep": (_member(weight_0=npy(("(" * 5000,), b"")), "not a plain array"),  # type: ignore[arg-type]
    "lzma": (npz_of({"a.npy": npy((2,), bytes(8))}, compression=zipfile.ZIP_LZMA), "unusual way"),
    "many": (npz_of({f"{n}.npy": npy((0,), b"") for n in range(300)}), "too many arrays"),
}


@pytest.mark.parametrize("name", LYING_ARRAYS)
def test_headers_that_lie_are_refused(name: str) -> None:
    data, words = LYING_ARRAYS[name]
    assert words in refused(data)


def _lying(change: Callable[[dict[str, Any]], None], more: bytes = b"") -> bytes:
    header, content = taken_apart(OURS)
    change(header)
    return safetensors(header, content + more)


def _fact(**changes: Any) -> Callable[[dict[str, Any]], None]:
    def change(header: dict[str, Any]) -> None:
        facts = json.loads(header["__metadata__"]["hippo"])
        facts["spec"] |= changes.pop("spec", {})
        header["__metadata__"]["hippo"] = json.dumps(facts | changes)

    return change


def _array(name: str, **changes: Any) -> Callable[[dict[str, Any]], None]:
    return lambda header: header[name].update(changes)


LYING_HEADERS: dict[str, tuple[bytes, str]] = {
    "header of 99 MB": ((99_000_000).to_bytes(8, "little") + b"{" + bytes(90), "header of 99,000,000 bytes"),
    "header past the end": ((5000).to_bytes(8, "little") + b"{" + bytes(90), "cut off"),
    "no json": (safetensors(b'{"a": 1,', b""), "cannot be read as JSON"),
    "deep": (safetensors(b'{"a":' + b"[" * 1_000_000, b""), "cannot be read as JSON"),
    "nan": (safetensors(b'{"a": NaN}', b""), "cannot be read as JSON"),
    "infinity": (safetensors(b'{"a": 1e999}', b""), "cannot be read as JSON"),
    "digits": (safetensors(b'{"a": ' + b"9" * 100_000 + b"}", b""), "cannot be read as JSON"),
    "not ours": (_lying(lambda header: header.pop("__metadata__")), "not written by Hippo"),
    "of a list": (_lying(lambda header: header.update(__metadata__=[])), "not written by Hippo"),
    "facts no json": (_lying(lambda h: h["__metadata__"].update(hippo="{")), "cannot be read as JSON"),
    "facts a list": (_lying(lambda h: h["__metadata__"].update(hippo="[]")), "does not describe a network"),
    "spec null": (_lying(lambda h: h["__metadata__"].update(hippo='{"spec":null}')), "does not describe"),
    "colour": (_lying(_fact(spec={"colour": 1})), "does not describe a network"),
    "sizes text": (_lying(_fact(spec={"layer_sizes": "784"})), "does not describe a network"),
    "sizes huge": (_lying(_fact(spec={"layer_sizes": [784, 10**9, 10]})), "whole numbers from 1 to 10000"),
    "too large": (_lying(_fact(spec={"layer_sizes": [784, 9000, 9000, 10]})), "at most 50,000,000"),
    "sizes other": (_lying(_fact(spec={"layer_sizes": [784, 5, 10]})), "has the shape 784 x 4"),
    "swish": (_lying(_fact(spec={"activation": "swish"})), "activation must be one of"),
    "dropout": (_lying(_fact(spec={"dropout": 0.5})), "does not hold the arrays"),
    "missing": (_lying(lambda header: header.pop("2.bias")), "do not fill the file"),
    "offset": (_lying(_array("0.bias", data_offsets=[16, 32])), "do not fill the file"),
    "backwards": (_lying(_array("0.bias", data_offsets=[16, 0])), "two different sizes"),
    "negative": (_lying(_array("0.bias", shape=[-4])), "a size that cannot be"),
    "enormous": (_lying(_array("0.bias", shape=[2**62, 2**62])), "a size that cannot be"),
    "text": (_lying(_array("0.bias", shape="four")), "a size that cannot be"),
    "int": (_lying(_array("0.bias", dtype="I32")), "in a way that is not read"),
    "no entry": (_lying(lambda header: header.update({"0.bias": 5})), "in a way that is not read"),
    "half": (_lying(_array("0.bias", dtype="F16")), "two different sizes"),
    "reshaped": (_lying(_array("0.weights", shape=[4, 784])), "has the shape 4 x 784"),
    "more": (_lying(lambda header: None, b"\0"), "do not fill the file"),
}


@pytest.mark.parametrize("name", LYING_HEADERS)
def test_safetensors_headers_that_lie_are_refused(name: str) -> None:
    data, words = LYING_HEADERS[name]
    assert words in refused(data)


def test_facts_that_cannot_be_right_are_dropped() -> None:
    data = _lying(_fact(epochs_trained=-1, history=[1], training_config=5, accuracy="all", experiment={"a": 1}))
    assert read_any(data, "x")[1] == {"format": "safetensors", "claimed_accuracy": None, "experiment": {"a": 1}}
    assert "epochs_trained" not in read_any(_lying(_fact(epochs_trained=True)), "x")[1]


def test_a_file_that_is_too_large_is_not_looked_into(tmp_path: Path) -> None:
    path = tmp_path / "large"
    with path.open("wb") as file:
        file.truncate(interchange.MAX_MODEL_BYTES + 1)
    with pytest.raises(ImportRefused, match="at most 256,000,000"):
        read_any(path, "large")


# ---- Memory


def peak_of_refusing(data: bytes) -> tuple[int, str]:
    """Return the most bytes that were taken while a file was refused, and the words."""
    tracemalloc.start()
    try:
        words = refused(data)
        return tracemalloc.get_traced_memory()[1], words
    finally:
        tracemalloc.stop()


ZEROS = 315_000_000


@pytest.fixture(scope="module")
def bombs() -> dict[str, bytes]:
    """Files of some 300 kB that unpack to 315 MB."""
    zeros = bytes(ZEROS)
    true, rest = npy((ZEROS // 4,), zeros), {f"{k}.npy": v for k, v in _members(COLUMNS).items()}
    made = {
        "a weight of a foreign shape": npz_of(rest | {"weight_0.npy": true}),
        "sizes": npz_of(rest | {"sizes.npy": true}),
        "activation": npz_of(rest | {"activation.npy": npy((), zeros, f"<U{ZEROS // 4}")}),
        "a header that hides it": npz_of(rest | {"weight_0.npy": npy((4, 784), zeros, "<f8")}),
    }
    # The directory says as much as the header of the array does, and yet more comes.
    honest = npy((4, 784), bytes(8 * 4 * 784), "<f8")
    lying = bytearray(npz_of(rest | {"weight_0.npy": honest + zeros}))
    for mark, place in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        at = -1
        while (at := lying.find(mark, at + 1)) >= 0:
            if int.from_bytes(lying[at + place : at + place + 4], "little") == len(honest) + ZEROS:
                lying[at + place : at + place + 4] = len(honest).to_bytes(4, "little")
    made["a directory that lies"] = bytes(lying)
    return made


def _members(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name.removesuffix(".npy"): archive.read(name) for name in archive.namelist()}


@pytest.mark.parametrize(
    "name",
    [
        "a weight of a foreign shape",
        "sizes",
        "activation",
        "a header that hides it",
        "a directory that lies",
    ],
)
def test_a_small_file_that_unpacks_to_much_takes_no_memory(name: str, bombs: dict[str, bytes]) -> None:
    assert len(bombs[name]) < 1_000_000
    peak, words = peak_of_refusing(bombs[name])
    assert peak < 8_000_000, words


def test_a_network_is_read_in_the_memory_that_it_takes_itself() -> None:
    data = export(network((784, 4000, 10)), {}, "npz")
    tracemalloc.start()
    read_any(data, "x")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2 * 4 * 784 * 4000 + 8_000_000  # weights, and the gradients that training would write


def test_a_directory_of_a_million_entries_is_not_read() -> None:
    entry = b"PK\x01\x02" + bytes(42)
    directory = b"PK\x03\x04" + entry * 100_000
    end = b"PK\x05\x06" + bytes(4) + b"\xff\xff" * 2 + (len(directory) - 4).to_bytes(4, "little") + b"\x04\0\0\0\0\0"
    peak, words = peak_of_refusing(directory + end)
    assert "damaged" in words
    assert peak < 3_000_000


@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_what_is_read_never_answers_with_an_infinity(activation: str) -> None:
    large = NeuralNetwork([784, 4, 4, 10], activation, seed=1)
    for scale in (1e10, 1e12, 1e13, 1e30, 1e33, 1e38):
        for array in large.model.parameters.values():
            np.copyto(array, np.sign(array + 1e-9) * np.float32(scale))
        data = export(large, {}, "npz")
        try:
            found, _ = read_any(data, "x")
        except ImportRefused:
            assert scale > 1e10
        else:
            assert scale < 1e38
            assert np.isfinite(found.predict(np.eye(3, 784, dtype=np.float32))).all()
            assert np.isfinite(found.predict(np.ones((2, 784), np.float32))).all()
