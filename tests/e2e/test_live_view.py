"""The live view over the wire, in every async mode: phases of a real run in order, and its end with the client."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from hippo.datasets import MNISTLoader
from tests.e2e.listening import Listener, listening
from tests.e2e.rest import job, network
from tests.serving import PROJECT_DIR, Server

pytestmark = pytest.mark.process

PHASES = ["init", *["forward", "backward", "update"] * 2]


class Phases:
    """What a client is shown, and the news that the test waits for."""

    def __init__(self, listener: Listener) -> None:
        self.shown: list[dict[str, Any]] = []
        self._listener = listener
        listener.client.on("network_update", self._take)

    def _take(self, update: dict[str, Any]) -> None:
        with self._listener._changed:
            self.shown.append(update)
            self._listener._changed.notify_all()

    def wait(self, count: int) -> list[dict[str, Any]]:
        with self._listener._changed:
            assert self._listener._changed.wait_for(lambda: len(self.shown) >= count, 60), len(self.shown)
            return self.shown[:count]


def test_a_client_is_shown_what_it_began_until_it_stops(server: Server) -> None:
    with listening(server.url) as first, listening(server.url, "polling") as second:
        mine, others = Phases(first), Phases(second)
        begun = first.client.call("start_training", timeout=10)
        assert first.client.call("start_training", timeout=10) == begun
        shown = mine.wait(len(PHASES))
        record = job(server, begun["job_id"])
        assert first.client.call("stop_training", timeout=10) == {}
        end = second.wait_for_end(begun["job_id"])
        told = len(mine.shown)
        assert first.client.call("stop_training", timeout=10) == {}

    assert (end.data["state"], others.shown) == ("cancelled", [])
    assert len(mine.shown) <= told + 1  # one may have been on its way
    assert (record["state"], record["total_epochs"], record["mini_batch_size"]) == ("running", 500, 50_000)
    assert network(server, begun["network_id"])["name"] == "Live view"
    epochs = [event.data for event in second.of(begun["job_id"]) if event.name == "training_update"]
    assert [epoch["epoch"] for epoch in epochs[:2]] == [1, 2]

    assert [update["phase"] for update in shown] == PHASES
    assert [update["iteration"] for update in shown] == [0, 1, 1, 1, 2, 2, 2]
    labels = MNISTLoader(PROJECT_DIR / "data").load_data(verify=False).training_data.labels
    assert [update["trueClass"] for update in shown] == [None, labels[0], None, None, labels[1], None, None]
    init, _, backward, update, after, *_ = shown
    for kind, name in (("weights", "W1"), ("weights", "W2"), ("biases", "b1"), ("biases", "b2")):
        step = np.array(backward["weights" if kind == "weights" else kind][name]) - update[kind][name]
        assert np.allclose(step, 0.5 * np.array(backward["gradients"][f"d{name}"]), atol=1e-6)
        assert init[kind][name] == backward[kind][name]
        assert after[kind][name] == update[kind][name]
    for values in shown[1:4]:
        assert (values["loss"], values["accuracy"]) == (epochs[0]["loss"], epochs[0]["training_accuracy"])
    assert init["loss"] == pytest.approx(epochs[0]["loss"], rel=1e-5)


@pytest.mark.parametrize("transport", ["websocket", "polling"])
def test_it_ends_when_its_client_leaves(server: Server, transport: str) -> None:
    with listening(server.url) as witness:
        with listening(server.url, transport) as leaver:
            phases = Phases(leaver)
            begun = leaver.client.call("start_training", timeout=10)
            phases.wait(1)
        end = witness.wait_for_end(begun["job_id"])
        with listening(server.url) as back:  # the worker is free for the next one
            again = back.client.call("start_training", timeout=10)
            Phases(back).wait(1)
        witness.wait_for_end(again["job_id"])
    assert end.data["state"] == "cancelled"
    assert again["job_id"] != begun["job_id"]
