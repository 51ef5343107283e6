"""The current network: the one that front ends without ids mean, which know of a server with a single network.

It is a network like all others, in the same lists; only which one it is is noted here, where it outlives the server.
"""

from __future__ import annotations

import threading
from typing import Any

from hippo.errors import TrainingInProgress, UnknownNetwork
from hippo.jobs.store import Store
from hippo.network import NetworkSpec
from hippo.network_registry import NetworkRegistry

_NOTE = "current_network"


class CurrentNetwork:
    """Knows which network is the current one. Safe to call from any thread.

    Parameters
    ----------
    store : Store
    networks : NetworkRegistry
    """

    def __init__(self, store: Store, networks: NetworkRegistry) -> None:
        self._store = store
        self._networks = networks
        self._lock = threading.Lock()

    def create(self, spec: NetworkSpec) -> str:
        """Make a network the current one and return its id; the one before it stays in the lists.

        Raises
        ------
        TrainingInProgress
            While the one before it is in training.
        """
        with self._lock:
            job_id = (self._record() or {}).get("active_job_id")
            if job_id is not None:
                text = f"The current network is in training, by job {job_id}. Wait for that job or cancel it first."
                raise TrainingInProgress(text, job_id=job_id)
            network_id: str = self._networks.create(spec)["network_id"]
            self._store.keep_note(_NOTE, network_id)
            return network_id

    def id(self) -> str:
        """Return its id; raises UnknownNetwork where there is none."""
        record = self._record()
        if record is None:
            raise UnknownNetwork("There is no current network. POST /network/create makes one.")
        network_id: str = record["network_id"]
        return network_id

    def _record(self) -> dict[str, Any] | None:
        network_id = self._store.note(_NOTE)
        if network_id is None:
            return None
        try:
            return self._networks.get(network_id)
        except UnknownNetwork:
            return None  # it was deleted
