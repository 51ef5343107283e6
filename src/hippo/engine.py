"""Everything behind the web: the store, the files, the workers, the manager and the registry, put together and started.

The web layer is given an Engine and talks to its `jobs` and `networks`; a test can do without the web and use one
directly.
"""

from __future__ import annotations

import fcntl
import logging
import threading
from pathlib import Path
from typing import IO, Protocol

from sqlalchemy.exc import SQLAlchemyError

from hippo.answers import Answers
from hippo.current_network import CurrentNetwork
from hippo.datasets import MNIST, MNISTLoader
from hippo.errors import CannotStart, DataError
from hippo.inference import Inference
from hippo.jobs.bus import EventBus
from hippo.jobs.manager import JobManager
from hippo.jobs.process_backend import ProcessBackend
from hippo.jobs.questions import Questions
from hippo.jobs.store import Store
from hippo.jobs.transfers import Transfers
from hippo.live_view import LiveView
from hippo.network_registry import NetworkRegistry
from hippo.persistence.model_manager import ModelManager
from hippo.persistence.model_persistence import ModelFiles
from hippo.settings import HubSettings

log = logging.getLogger(__name__)


class EngineSettings(Protocol):
    """What an Engine has to be told."""

    @property
    def data_dir(self) -> Path:
        """Where MNIST is."""

    @property
    def models_dir(self) -> Path:
        """Where networks are kept."""

    @property
    def database_url(self) -> str:
        """SQLAlchemy address of the database."""

    @property
    def workers(self) -> int:
        """Processes for training."""

    @property
    def default_model(self) -> str | None:
        """Id or name of the network that answers where a request names none."""

    @property
    def phase_seconds(self) -> float:
        """Time between two phases of the live view."""

    @property
    def hub(self) -> HubSettings | None:
        """Which models of the Hugging Face Hub are served; None where none are."""


class Engine:
    """The parts of a running server.

    Raises
    ------
    CannotStart
        When the folder of models or the database cannot be used.

    Attributes
    ----------
    jobs : JobManager
    networks : NetworkRegistry
    current : CurrentNetwork
    live_view : LiveView
    inference : Inference
    questions : Questions
    store : Store
    backend : ProcessBackend
    """

    def __init__(self, settings: EngineSettings) -> None:
        self._loader = MNISTLoader(settings.data_dir)
        self._data: MNIST | None = None
        self._data_lock = threading.Lock()
        self._lock: IO[bytes] | None = None
        self._files = _open_folder(settings.models_dir)
        self.store = _open_database(settings.database_url)
        self.backend = ProcessBackend(settings.workers, settings.models_dir, settings.data_dir)
        self.jobs = JobManager(self.store, self._files, self.backend, EventBus(), check_data=self.data)
        self.networks = NetworkRegistry(
            self.store,
            self._files,
            self.jobs.active_jobs,
            Answers(self.store, self._files, self.jobs.compute_outputs, lambda: self.data().test_data),
            Transfers(self.backend, self._files),
        )
        self.current = CurrentNetwork(self.store, self.networks)
        self.live_view = LiveView(self.jobs, self.networks, settings.phase_seconds)
        self.questions = Questions(self.backend)
        self.inference = Inference(self.store, self._files, self.questions.ask, settings.default_model)
        self._hub = _models_of(settings.hub) if settings.hub is not None else None
        if self._hub is not None:
            self.inference.add_source(self._hub)

    def start(self) -> None:
        """Clean up after an earlier server, verify the data, start the workers; raises CannotStart."""
        self._lock = _lock(self._files.folder)
        self._files.sweep()
        self.networks.start()
        try:
            self.data()
        except DataError as error:
            log.warning("%s", error.message)
        problem = self.inference.problem()
        if problem is not None:
            log.warning("%s", problem if self._hub is None else f"{problem} Or it is still to come from the Hub.")
        self.jobs.start()
        if self._hub is not None:
            self._hub.refresh()

    def data(self) -> MNIST:
        """Return the three sets, verified when first asked for; raises DataError where they are missing or wrong."""
        with self._data_lock:
            if self._data is None:
                self._data = self._loader.load_data()
            return self._data

    @property
    def data_ready(self) -> bool:
        """Whether MNIST is loaded."""
        return self._data is not None

    def shutdown(self, timeout: float = 10.0) -> None:
        """Stop the workers, with checkpoints, and close the database.

        No other server may use the folder yet: requests can still be under way, and what they write belongs to this
        one. `close` lets go of it, or the end of the process.
        """
        if self._hub is not None:
            self._hub.close()
        self.live_view.close()
        self.jobs.shutdown(timeout)
        self.store.close()

    def close(self) -> None:
        """Let other servers use the folder."""
        if self._lock is not None:
            self._lock.close()


def _models_of(hub: HubSettings) -> ModelManager:
    return ModelManager(hub.repo, hub.revision, hub.cache_dir, hub.token, hub.endpoint)


def _open_folder(folder: Path) -> ModelFiles:
    try:
        return ModelFiles(folder)
    except OSError as error:
        raise _unwritable(error) from error


def _lock(folder: Path) -> IO[bytes]:
    """Keep other servers away from the folder until the file that is returned is closed.

    The system takes the lock back when the process ends, however it ends. Two servers would run each other's jobs.
    """
    try:
        lock = (folder / ".lock").open("ab")
    except OSError as error:
        raise _unwritable(error) from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        lock.close()
        text = "Another server uses this folder for models. Stop it, or choose another folder with HIPPO_MODELS_DIR."
        raise CannotStart(text) from error
    return lock


def _unwritable(error: OSError) -> CannotStart:
    return CannotStart(f"The folder for models cannot be written: {error.strerror}. See HIPPO_MODELS_DIR.")


def _open_database(url: str) -> Store:
    try:
        return Store(url)
    except (SQLAlchemyError, ImportError, OSError) as error:
        # The driver's own words, which name no password; SQLAlchemy's around them would.
        reason = getattr(error, "orig", None) or type(error).__name__
        raise CannotStart(f"The database cannot be opened: {reason}. See HIPPO_DATABASE_URL.") from error
