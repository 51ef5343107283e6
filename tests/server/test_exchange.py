"""Networks as files over a real connection, in each async mode: there and back, limits, and nothing left behind."""

from __future__ import annotations

import io
import json
import threading
from pathlib import Path

import numpy as np
import onnxruntime
import psutil
import pytest

from hippo.datasets import MNISTLoader
from hippo.network import NeuralNetwork
from hippo.persistence.interchange import MAX_MODEL_BYTES, export, read_any
from tests.persistence.foreign_files import npy, npz_of, pickle_that_writes
from tests.server.test_http import body_of, status_of, talk
from tests.serving import Server

pytestmark = pytest.mark.process

FILE = {"Content-Type": "application/octet-stream"}
HEAD = b"POST /api/networks/import HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/octet-stream\r\n"


@pytest.fixture(scope="module")
def trained() -> NeuralNetwork:
    network = NeuralNetwork([784, 30, 10], seed=1)
    network.train(MNISTLoader().load_data().training_data, 1, 10, 3.0, seed=1)
    return network


def models(server: Server) -> Path:
    """Return the folder in which the server keeps its networks."""
    return Path(psutil.Process(server.process.pid).environ()["HIPPO_MODELS_DIR"])


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def left(server: Server) -> list[str]:
    return names(models(server) / "transfers")


def send(server: Server, data: object, **options: object) -> tuple[int, dict[str, object]]:
    reply = server.post("/api/networks/import", data=data, headers=FILE, **options)
    return reply.status_code, reply.json()


def test_a_network_goes_out_and_comes_back_with_its_accuracy_measured(server: Server, trained: NeuralNetwork) -> None:
    test_data = MNISTLoader().load_data().test_data
    right = trained.evaluate(test_data) / len(test_data)
    status, record = send(server, export(trained, {"accuracy": 1.0}, "npz"), params={"name": "from afar"})
    assert (status, record["name"], record["trained"], record["status"]) == (201, "from afar", True, "in_memory")
    assert (record["accuracy"], record["claimed_accuracy"]) == (right, 1.0)
    path = f"/api/networks/{record['network_id']}"
    assert server.get(path).json()["accuracy"] == right
    for form in ("safetensors", "npz", "npz-layers"):
        reply = server.get(f"{path}/export", params={"format": form})
        assert "from-afar-" in reply.headers["Content-Disposition"]
        found, _ = read_any(reply.content, "x")
        np.testing.assert_array_equal(found.model.parameters["0.weights"], trained.model.parameters["0.weights"])
    session = onnxruntime.InferenceSession(server.get(f"{path}/export?format=onnx").content)
    outputs = session.run(None, {"images": test_data.images[:100]})[0]
    np.testing.assert_allclose(outputs, trained.predict(test_data.images[:100]), atol=4e-6)
    assert server.get(f"{path}/unsuccessful_example").status_code == 200
    assert server.delete(path).json()["deleted_from_disk"] is True
    assert left(server) == []


def test_a_network_that_was_never_trained_can_be_taken_along(server: Server) -> None:
    network_id = server.post("/api/networks", json={"seed": 7}).json()["network_id"]
    data = server.get(f"/api/networks/{network_id}/export").content
    first = NeuralNetwork([784, 30, 10], seed=7).model.parameters["0.weights"]
    np.testing.assert_array_equal(read_any(data, "x")[0].model.parameters["0.weights"], first)
    assert server.delete(f"/api/networks/{network_id}").status_code == 200


def test_a_large_file_is_taken_whole_and_others_are_served_meanwhile(server: Server) -> None:
    large = NeuralNetwork([784, 9_000, 10], seed=1)  # 57 MB as float64, far over the limit for JSON
    arrays = {"layers": np.array(large.sizes), "activation": np.array("sigmoid")}
    for place, name in enumerate(("0", "2")):
        arrays[f"W{place}"] = large.model.parameters[f"{name}.weights"].astype(np.float64)
        arrays[f"b{place}"] = large.model.parameters[f"{name}.bias"]
    file = io.BytesIO()
    np.savez(file, **arrays)  # type: ignore[arg-type]  # its stub confuses the arrays with allow_pickle
    before = server.memory()
    slowest, over = [0.0], threading.Event()

    def ask() -> None:
        while not over.is_set():
            slowest[0] = max(slowest[0], server.get("/api/status").elapsed.total_seconds())

    asking = threading.Thread(target=ask)
    asking.start()
    status, record = send(server, file.getvalue(), timeout=90)
    data = server.get(f"/api/networks/{record['network_id']}/export?format=npz", timeout=90).content
    over.set()
    asking.join()
    assert status == 201
    np.testing.assert_array_equal(
        read_any(data, "x")[0].model.parameters["0.weights"], large.model.parameters["0.weights"]
    )
    assert server.memory() - before < 30_000_000
    assert slowest[0] < 2.0  # not a measurement: it would be as long as the import if that held everybody up
    assert server.delete(f"/api/networks/{record['network_id']}").status_code == 200


def test_a_chunked_file_is_taken_whole(server: Server, trained: NeuralNetwork) -> None:
    data = export(trained, {}, "safetensors")
    pieces = iter([data[at : at + 7_001] for at in range(0, len(data), 7_001)])
    status, record = send(server, pieces)
    assert status == 201
    path = models(server) / f"{record['network_id']}.safetensors"
    assert read_any(path, "x")[0].spec == trained.spec
    assert server.delete(f"/api/networks/{record['network_id']}").status_code == 200


def test_a_pickle_is_refused_and_not_executed(server: Server, tmp_path: Path) -> None:
    for protocol in (0, 2, 5):
        data = pickle_that_writes(tmp_path / "made", protocol)
        for file in (data, npz_of({"archive/data.pkl": data}), npz_of({"weight_0.npy": npy((), data, "|O")})):
            status, error = send(server, file)
            assert (status, error["code"]) == (422, "import_refused")
            assert "pickle" in str(error["error"])
    assert list(tmp_path.iterdir()) == []
    assert left(server) == []


def test_what_is_refused_leaves_no_network(server: Server, trained: NeuralNetwork) -> None:
    before = server.get("/api/networks").json()["networks"], names(models(server))
    whole = export(trained, {}, "npz")
    for data in (b"", b"no model", whole[:-1], whole[:1000], b"PK\x03\x04" + bytes(2_000_000)):
        assert send(server, data)[0] == 422
    assert (server.get("/api/networks").json()["networks"], names(models(server))) == before
    assert left(server) == []


def test_a_declared_file_over_the_limit_is_refused_before_it_is_sent(server: Server) -> None:
    reply = talk(server, HEAD + b"Content-Length: %d\r\n\r\n" % (MAX_MODEL_BYTES + 1))
    assert (status_of(reply), body_of(reply)["code"]) == (413, "too_large")
    assert left(server) == []


def test_who_waits_for_permission_to_send_a_large_file_gets_it(server: Server, trained: NeuralNetwork) -> None:
    data = export(trained, {}, "npz")
    head = HEAD + b"Content-Length: %d\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n" % len(data)
    with server.connect() as connection:
        connection.sendall(head)
        assert connection.recv(100).startswith(b"HTTP/1.1 100 Continue\r\n\r\n")
        connection.sendall(data)
        reply = b""
        while piece := connection.recv(65_536):
            reply += piece
    assert status_of(reply) == 201
    record = json.loads(reply[reply.index(b"{") : reply.rindex(b"}") + 1])
    assert server.delete(f"/api/networks/{record['network_id']}").status_code == 200


def test_an_upload_that_is_cut_off_leaves_nothing(server: Server, trained: NeuralNetwork) -> None:
    before = server.get("/api/networks").json()["networks"]
    data = export(trained, {}, "npz")
    with server.connect() as connection:
        connection.sendall(HEAD + b"Content-Length: %d\r\n\r\n" % len(data) + data[:50_000])
        connection.shutdown(1)
        assert status_of(connection.recv(65_536)) == 400
    with server.connect() as connection:
        connection.sendall(HEAD + b"Transfer-Encoding: chunked\r\n\r\n8000\r\n" + data[:10_000])
        connection.shutdown(1)
        connection.recv(65_536)
    assert left(server) == []
    assert server.get("/api/networks").json()["networks"] == before
