"""The few REST calls that most tests begin with."""

from __future__ import annotations

from typing import Any

from tests.serving import Server


def create(server: Server, **options: Any) -> str:
    """Create a network, 784-30-10 unless said, and return its id."""
    reply = server.post("/api/networks", json=options)
    assert reply.status_code == 201, reply.text
    network_id: str = reply.json()["network_id"]
    return network_id


def train(server: Server, network_id: str, **options: Any) -> str:
    """Train it and return the job's id."""
    reply = server.post(f"/api/networks/{network_id}/train", json=options)
    assert reply.status_code == 202, reply.text
    assert reply.json()["status"] == "training_started"
    job_id: str = reply.json()["job_id"]
    return job_id


def job(server: Server, job_id: str) -> dict[str, Any]:
    """Return a job's record."""
    record: dict[str, Any] = server.get(f"/api/training/{job_id}").json()
    return record


def network(server: Server, network_id: str) -> dict[str, Any]:
    """Return a network's record."""
    record: dict[str, Any] = server.get(f"/api/networks/{network_id}").json()
    return record
