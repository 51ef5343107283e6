"""Networks by id: created, listed, found, deleted, and asked for examples.

What is in memory is a cache of what the store and the folder of models hold: after a restart nothing is missing, and a
saved network is as usable as one in memory. The registry computes nothing; where a pass over the test set is needed, it
asks for one.
"""

from __future__ import annotations

import builtins
import logging
import secrets
import threading
import time
import uuid
from collections import OrderedDict
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from hippo.clock import now
from hippo.datasets.dataset import Dataset
from hippo.errors import DataError, NoSuchExample, NotReady, TrainingInProgress, UnknownNetwork
from hippo.jobs.run import INITIAL
from hippo.jobs.store import Store, StoredNetwork
from hippo.jobs.transfers import Transfers
from hippo.network import NetworkSpec
from hippo.nn import Array
from hippo.persistence.model_persistence import ModelFiles, Outputs

log = logging.getLogger(__name__)

#: Networks whose answers for the test set are kept in memory, at about 400 kB each.
CACHED_OUTPUTS = 32

SECONDS_PER_DAY = 86_400


@dataclass(frozen=True)
class Example:
    """A digit of the test set and what a network makes of it.

    Attributes
    ----------
    index : int
        Place in the test set, 0-9999.
    predicted, actual : int
        Digits.
    correct : bool
    pixels : ndarray of uint8 (784,)
        0 is paper, 255 ink.
    output_weights : list of 10 lists of H floats
        Weights of the last layer, one row per digit.
    network_output : list of 10 floats
    """

    index: int
    predicted: int
    actual: int
    correct: bool
    pixels: NDArray[np.uint8]
    output_weights: list[list[float]]
    network_output: list[float]


class NetworkRegistry:
    """All networks of the server. Safe to call from any thread.

    Parameters
    ----------
    store : Store
    files : ModelFiles
    active_jobs : callable
        Returns the ids of unfinished jobs by the ids of their networks.
    compute_outputs : callable
        Given a network id, has its answers for the test set written to `files`, and returns when they are.
    test_data : callable
        Returns the test set; raises DataError where it is missing.
    transfers : Transfers
        Reads and writes networks as files of other programs.
    """

    def __init__(
        self,
        store: Store,
        files: ModelFiles,
        active_jobs: Callable[[], dict[str, str]],
        compute_outputs: Callable[[str], None],
        test_data: Callable[[], Dataset],
        transfers: Transfers,
    ) -> None:
        self._store = store
        self._files = files
        self._active_jobs = active_jobs
        self._compute_outputs = compute_outputs
        self._test_data = test_data
        self._transfers = transfers
        self._lock = threading.Lock()
        self._in_memory: set[str] = set()
        self._outputs: OrderedDict[tuple[str, str], Outputs] = OrderedDict()

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
        self._store.add_network(network)
        with self._lock:
            self._in_memory.add(network.network_id)
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
            When it could not be read or written now.
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
        self.load(network_id)
        try:
            self._test_outputs(network_id)
        except (NotReady, DataError) as error:
            log.warning("The accuracy of the imported network %s is not measured yet: %s", network_id, error.message)
        return self.get(network_id) | {name: found[name] for name in ("format", "claimed_accuracy")}

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

    def count_in_memory(self) -> int:
        """Return how many networks are in memory."""
        return len(self._in_memory)

    def load(self, network_id: str) -> str:
        """Bring a network into memory; return "loaded", or "already_loaded". Raises UnknownNetwork."""
        self._store.network(network_id)
        with self._lock:
            if network_id in self._in_memory:
                return "already_loaded"
            self._in_memory.add(network_id)
            return "loaded"

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
            for key in [key for key in self._outputs if key[0] == network_id]:
                del self._outputs[key]
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
        """Return one test digit at random, evenly, among all that the network gets right (or wrong).

        Raises
        ------
        UnknownNetwork
            When there is no such network.
        NoSuchExample
            When the network gets none right (or none wrong).
        NotReady
            When the pass over the test set could not be made in time.
        DataError
            When the test set is missing.
        """
        found, test_data = self._test_outputs(network_id), self._test_data()
        outputs = found.outputs
        predicted = outputs.argmax(axis=1)
        candidates = np.flatnonzero((predicted == test_data.labels) == correct)
        if not len(candidates):
            what = "right" if correct else "wrong"
            raise NoSuchExample(f"This network gets none of the {len(test_data)} test digits {what}.")
        index = int(candidates[secrets.randbelow(len(candidates))])
        self.load(network_id)
        return Example(
            index=index,
            predicted=int(predicted[index]),
            actual=int(test_data.labels[index]),
            correct=correct,
            pixels=test_data.pixels[index],
            output_weights=found.last_weights.T.tolist(),
            network_output=outputs[index].tolist(),
        )

    def answers(self, network_id: str) -> tuple[Outputs, Dataset]:
        """Return what the network makes of the test set, and the test set; raises as `example` does."""
        found = self._test_outputs(network_id)
        self.load(network_id)
        return found, self._test_data()

    def _test_outputs(self, network_id: str) -> Outputs:
        """Return what the current weights make of the test set."""
        for _ in range(2):  # a run that ends meanwhile changes the revision; then once more
            network = self._store.network(network_id)
            revision = network.revision or INITIAL
            key = (network_id, revision)
            with self._lock:
                if key in self._outputs:
                    self._outputs.move_to_end(key)
                    return self._outputs[key]
            found = self._read_outputs(network_id, revision)
            if found is None:
                self._compute_outputs(network_id)
                found = self._read_outputs(network_id, revision)
            if found is not None:
                self._note_accuracy(network, revision, found.outputs)
                with self._lock:
                    self._outputs[key] = found
                    while len(self._outputs) > CACHED_OUTPUTS:
                        self._outputs.popitem(last=False)
                return found
        raise NotReady("The network is changing at this moment. Try again.")

    def _note_accuracy(self, network: StoredNetwork, revision: str, outputs: Array) -> None:
        """Keep the accuracy of an imported network, once it has been measured."""
        if network.accuracy is None and revision == network.revision:
            accuracy = float(np.mean(outputs.argmax(axis=1) == self._test_data().labels))
            self._store.set_accuracy(network.network_id, revision, accuracy)

    def _read_outputs(self, network_id: str, revision: str) -> Outputs | None:
        try:
            return self._files.load_outputs(network_id, revision)
        except DataError:
            return None  # damaged: it is made again

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
