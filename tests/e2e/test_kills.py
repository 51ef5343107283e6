"""Real kills, in every async mode: of a worker, of the server, and a server that is asked to stop."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import psutil
import pytest

from tests.e2e.conftest import MODES
from tests.e2e.listening import listening
from tests.e2e.rest import create, job, network, train
from tests.serving import Server, serving

pytestmark = [pytest.mark.process, pytest.mark.parametrize("mode", MODES)]


def busy_worker(server: Server) -> int:
    """Return the process id of the worker that computes most."""
    workers = psutil.Process(server.process.pid).children()
    return max(workers, key=lambda worker: sum(worker.cpu_times()[:2])).pid


def test_a_killed_worker_costs_nothing_but_time(tmp_path: Path, mode: str) -> None:
    with serving(tmp_path, HIPPO_ASYNC_MODE=mode) as server, listening(server.url) as listener:
        job_id = train(server, create(server, seed=1), epochs=4, seed=2)
        listener.wait_for_epoch(job_id, 2)
        os.kill(busy_worker(server), signal.SIGKILL)
        again = listener.wait_for_epoch(job_id, 1, attempt=2)
        assert again.at - listener.wait_for_epoch(job_id, 2).at < 5.0
        assert server.get("/api/status").status_code == 200
        end = listener.wait_for_end(job_id)
        assert end.name == "training_complete"
        events = [event.data for event in listener.of(job_id)]
        assert [data["seq"] for data in events] == list(range(1, len(events) + 1))
        assert [data["epoch"] for data in events if data.get("attempt") == 2] == [1, 2, 3, 4]
        assert job(server, job_id)["attempt"] == 2
        by_epoch: dict[int, set[float]] = {}
        for data in events[:-1]:
            by_epoch.setdefault(data["epoch"], set()).add(data["accuracy"])
        assert all(len(accuracies) == 1 for accuracies in by_epoch.values())  # the same run, bit for bit


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_a_server_that_ends_under_a_run_takes_it_up_again(tmp_path: Path, mode: str, how: signal.Signals) -> None:
    with serving(tmp_path, HIPPO_ASYNC_MODE=mode) as server, listening(server.url) as listener:
        trained = create(server, name="kept", layer_sizes=[784, 10, 10])
        listener.wait_for_end(train(server, trained, epochs=1))
        fresh = create(server, layer_sizes=[784, 20, 10])
        under_way = create(server, seed=1)
        running = train(server, under_way, epochs=6, seed=2)
        waiting = train(server, fresh, epochs=1)
        listener.wait_for_epoch(running, 2)
        kept = network(server, trained)
        server.process.send_signal(how)
        assert server.process.wait(15) == (0 if how is signal.SIGTERM else -9)

    seen = [event.data["seq"] for event in listener.of(running)]
    with serving(tmp_path, HIPPO_ASYNC_MODE=mode) as server, listening(server.url) as listener:
        assert network(server, trained) == kept | {"status": "saved"}
        ids = {record["network_id"] for record in server.get("/api/networks").json()["networks"]}
        assert ids == {trained, fresh, under_way}
        missed = listener.subscribe(running, seen[-1])["events"]
        assert [event["data"]["seq"] for event in missed] == list(range(seen[-1] + 1, seen[-1] + 1 + len(missed)))
        assert listener.wait_for_end(running).name == "training_complete"
        assert listener.wait_for_end(waiting).name == "training_complete"
        history = server.get(f"/api/training/{running}/events").json()
        assert [event["data"]["seq"] for event in history["events"]] == list(range(1, history["last_seq"] + 1))
        epochs = {event["data"]["epoch"] for event in history["events"][:-1]}
        assert epochs == {1, 2, 3, 4, 5, 6}
        assert server.get(f"/api/networks/{trained}/successful_example").status_code == 200
        assert network(server, trained)["status"] == "in_memory"
        again = train(server, trained, epochs=1)  # a saved network is as usable as one in memory
        assert listener.wait_for_end(again).name == "training_complete"
        assert network(server, trained)["epochs_trained"] == 2
        assert server.delete(f"/api/networks/{trained}").json()["deleted_from_disk"] is True
