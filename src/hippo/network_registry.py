"""Networks by id: created, imported, listed, found, exported, deleted, and which of them are in memory.

What is in memory is a cache of what the store and the folder of models hold: after a restart nothing is missing, and a
saved network is as usable as one in memory. The registry computes nothing: files of others are read and written by
`Transfers`, and what a network makes of the test set is known to `Answers`.
"""

from __future__ import annotations

import builtins
import logging
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from hippo.answers import Answers, Example
from hippo.clock import now
from hippo.datasets.dataset import Dataset
from hippo.errors import DataError, NotReady, TrainingInProgress, UnknownNetwork
from hippo.jobs.store import Store, StoredNetwork
from hippo.jobs.transfers import Transfers
from hippo.network import NetworkSpec
from hippo.persistence.model_persistence import ModelFiles, Outputs

log = logging.getLogger(__name__)

SECONDS_PER_DAY = 86_400


class NetworkRegistry:
    """All networks of the server. Safe to call from any thread.

    Parameters
    ----------
    store : Store
    files : ModelFiles
    active_jobs : callable
        Returns the ids of unfinished jobs by the ids of their networks.
    answers : Answers
        What they say about the test set.
    transfers : Transfers
        Reads and writes networks as files of other programs.
    """

    def __init__(
        self,
        store: Store,
        files: ModelFiles,
        active_jobs: Callable[[], dict[str, str]],
        answers: Answers,
        transfers: Transfers,
    ) -> None:
        self._store = store
        self._files = files
        self._active_jobs = active_jobs
        self._answers = answers
        self._transfers = transfers
        self._lock = threading.Lock()
        self._in_memory: set[str] = set()

    def start(self) -> None:
        """Finish deletions that a kill cut short, and bring rows and files in line."""
        for network_id in self._store.deleted_networks():
            self._files.delete_model(network_id)
            self._store.remove_network(network_id)
        known = {network.network_id: network for network in self._store.networks()}
        saved = set(self._files.saved_networks())
        for network in known.values():
            if network.revision is not None and network.network_id not in saved:
                log.warning("The file of network %s is gone; it begins again, untrained", network.network_id)
                self._store.change_network(
                    network.network_id, revision=None, accuracy=None, trained_at=None, epochs_trained=0
                )
        for network_id in saved - known.keys():
            self._adopt(network_id)
        self._files.remove_strays(saved | known.keys())

    def create(self, spec: NetworkSpec, name: str | None = None) -> dict[str, Any]:
        """Keep a new network and return its record. Its weights are made from the seed when they are first needed."""
        network = StoredNetwork(str(uuid.uuid4()), name, spec, now())
        with self._brought_in(network.network_id):
            self._store.add_network(network)
        return network.record(in_memory=True, active_job_id=None)

    def incoming(self) -> AbstractContextManager[Path]:
        """Give a place for a file that comes in, removed at the end; raises NotReady while too many come in."""
        return self._transfers.incoming()

    def adopt(self, file: Path, name: str | None = None) -> dict[str, Any]:
        """Make the network in a file of unknown origin one of ours, trained, and return its record.

        Its accuracy is measured with a pass over the test set, for which this waits; where that cannot be made now, it
        is None until somebody asks for an example.

        Returns
        -------
        dict
            The record, with the ``format`` of the file and the ``claimed_accuracy`` that it names (or None).

        Raises
        ------
        ImportRefused
            When the file is no network that this server can have; nothing is kept then.
        NotReady
            When it could not be read or written now, or is deleted meanwhile.
        """
        network_id, revision = str(uuid.uuid4()), str(uuid.uuid4())
        made, found = self._transfers.take_in(file, "The file", revision)
        spec, at, epochs = NetworkSpec.from_dict(found["spec"]), now(), found["epochs_trained"] or 0
        network = StoredNetwork(network_id, name, spec, at, trained_at=at, epochs_trained=epochs, revision=revision)
        try:
            self._files.move_in(network_id, made)
            self._store.add_network(network)
        except (OSError, NotReady) as error:
            made.unlink(missing_ok=True)
            self._files.delete_model(network_id)  # without a row it would come back with the next start
            raise NotReady("The network could not be kept: the disk or the database fails. Try again.") from error
        try:
            self.load(network_id)
            self._measure(network_id)
            return self.get(network_id) | {name: found[name] for name in ("format", "claimed_accuracy")}
        except UnknownNetwork:
            raise NotReady("The network was deleted while its accuracy was measured. Import it again.") from None

    def export(self, network_id: str, form: str) -> BinaryIO:
        """Return a network as an open file in a format of `interchange.FORMATS`; it has no name and goes when closed.

        Raises
        ------
        UnknownNetwork
            When there is none.
        DataError
            When its file is missing or damaged.
        NotReady
            When it could not be written now.
        """
        path = self._transfers.give_out(self._store.network(network_id), form)
        try:
            return path.open("rb")
        finally:
            path.unlink()

    def list(self) -> builtins.list[dict[str, Any]]:
        """Return the records of all networks, newest first."""
        active = self._active_jobs()
        return [self._record(network, active) for network in self._store.networks()]

    def get(self, network_id: str) -> dict[str, Any]:
        """Return the record of one network; raises UnknownNetwork."""
        return self._record(self._store.network(network_id), self._active_jobs())

    @contextmanager
    def asked(self, network_id: str) -> Iterator[StoredNetwork]:
        """Give a network to ask something about; raises UnknownNetwork, also where it is deleted meanwhile."""
        network = self._store.network(network_id)
        try:
            yield network
        except (DataError, NotReady):
            self._store.network(network_id)
            raise

    def count_in_memory(self) -> int:
        """Return how many networks are in memory."""
        return len(self._in_memory)

    def load(self, network_id: str) -> str:
        """Bring a network into memory; return "loaded", or "already_loaded". Raises UnknownNetwork."""
        with self._brought_in(network_id) as was_there:
            self._store.network(network_id)
        return "already_loaded" if was_there else "loaded"

    def delete(self, network_id: str) -> dict[str, Any]:
        """Delete a network from memory and disk and return what was deleted from where.

        Raises
        ------
        UnknownNetwork
            When there is none.
        TrainingInProgress
            While an unfinished job works on it.
        """
        self._store.mark_deleted(network_id)
        with self._lock:
            from_memory = network_id in self._in_memory
            self._in_memory.discard(network_id)
        self._answers.forget(network_id)
        had_file = self._files.delete_model(network_id)
        self._store.remove_network(network_id)
        # A network that was never trained has no file; after a restart the database, on disk, was all that held it.
        return {
            "network_id": network_id,
            "deleted_from_memory": from_memory,
            "deleted_from_disk": had_file or not from_memory,
        }

    def delete_all(self) -> dict[str, Any]:
        """Delete every network that is not in training; return counts, and the ids of those ``kept``."""
        return self._delete_many([network.network_id for network in self._store.networks()])

    def cleanup(self, days: float) -> dict[str, Any]:
        """Delete the networks older than `days` that are not in training; return counts, and the ids ``kept``."""
        limit = now() - days * SECONDS_PER_DAY
        return self._delete_many([n.network_id for n in self._store.networks() if n.created_at < limit])

    def example(self, network_id: str, correct: bool) -> Example:
        """Return a test digit that the network gets right, or wrong (see `Answers.example`); bring it into memory."""
        example = self._answers.example(network_id, correct)
        self.load(network_id)
        return example

    def answers(self, network_id: str) -> tuple[Outputs, Dataset]:
        """Return what the network makes of the test set, and the test set (see `Answers.of`); bring it into memory."""
        answers = self._answers.of(network_id)
        self.load(network_id)
        return answers

    def _measure(self, network_id: str) -> None:
        try:
            self._answers.of(network_id)
        except (NotReady, DataError) as error:
            log.warning("The accuracy of the imported network %s is not measured yet: %s", network_id, error.message)

    @contextmanager
    def _brought_in(self, network_id: str) -> Iterator[bool]:
        """Have a network in memory, unless looking for it in the store fails within; give whether it was there before.

        In this order a deletion at the same time either is seen by the look or takes the network out again.
        """
        with self._lock:
            was_there = network_id in self._in_memory
            self._in_memory.add(network_id)
        try:
            yield was_there
        except BaseException:
            if not was_there:
                with self._lock:
                    self._in_memory.discard(network_id)
            raise

    def _delete_many(self, network_ids: builtins.list[str]) -> dict[str, Any]:
        counts = {"deleted_count": 0, "deleted_from_memory": 0, "deleted_from_disk": 0}
        kept = []
        for network_id in network_ids:
            time.sleep(0)  # each takes the disk some milliseconds: let others have their turn
            try:
                deleted = self.delete(network_id)
            except TrainingInProgress:
                kept.append(network_id)
            except UnknownNetwork:
                continue  # somebody else was quicker
            else:
                counts["deleted_count"] += 1
                counts["deleted_from_memory"] += deleted["deleted_from_memory"]
                counts["deleted_from_disk"] += deleted["deleted_from_disk"]
        return counts | {"kept": kept}

    def _record(self, network: StoredNetwork, active: dict[str, str]) -> dict[str, Any]:
        return network.record(network.network_id in self._in_memory, active.get(network.network_id))

    def _adopt(self, network_id: str) -> None:
        """Take in a file that has no row, such as one copied here from another server."""
        try:
            facts = self._files.read_facts(network_id)
            assert facts is not None  # its path was just listed
            network = StoredNetwork(
                network_id,
                None,
                NetworkSpec.from_dict(facts["spec"]),
                created_at=now(),
                trained_at=now(),
                accuracy=facts.get("accuracy"),
                epochs_trained=facts.get("epochs_trained", 0),
                revision=facts["revision"],
            )
        except (DataError, KeyError, TypeError, ValueError):
            log.warning("%s.safetensors is not a network of Hippo and is left alone", network_id)
            return
        self._store.add_network(network)
