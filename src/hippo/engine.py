"""Everything behind the web: the store, the files, the workers, the manager and the registry, put together and started.

The web layer is given an Engine and talks to its `jobs` and `networks`; a test can do without the web and use one
directly.
"""

from __future__ import annotations

import logging
import threading
from pathlib import Path
from typing import Protocol

from hippo.datasets import MNIST, MNISTLoader
from hippo.errors import DataError
from hippo.jobs.bus import EventBus
from hippo.jobs.manager import JobManager
from hippo.jobs.process_backend import ProcessBackend
from hippo.jobs.store import Store
from hippo.network_registry import NetworkRegistry
from hippo.persistence.model_persistence import ModelFiles

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


class Engine:
    """The parts of a running server.

    Attributes
    ----------
    jobs : JobManager
    networks : NetworkRegistry
    store : Store
    backend : ProcessBackend
    """

    def __init__(self, settings: EngineSettings) -> None:
        self._loader = MNISTLoader(settings.data_dir)
        self._data: MNIST | None = None
        self._data_lock = threading.Lock()
        self._files = ModelFiles(settings.models_dir)
        self.store = Store(settings.database_url)
        self.backend = ProcessBackend(settings.workers, settings.models_dir, settings.data_dir)
        self.jobs = JobManager(self.store, self._files, self.backend, EventBus(), check_data=self.data)
        self.networks = NetworkRegistry(
            self.store, self._files, self.jobs.active_jobs, self.jobs.compute_outputs, lambda: self.data().test_data
        )

    def start(self) -> None:
        """Clean up after an earlier server, verify the data, start the workers."""
        self._files.sweep()
        self.networks.start()
        try:
            self.data()
        except DataError as error:
            log.warning("%s", error.message)
        self.jobs.start()

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
        """Stop the workers, with checkpoints, and close the database."""
        self.jobs.shutdown(timeout)
        self.store.close()
