"""What must outlive the process: networks, jobs and their events, in SQL.

SQLAlchemy Core over SQLite by default. There is one connection behind one lock: a write takes about a millisecond, and
nothing inside a transaction waits for anything else, so that a green-threaded server is never held up by two writers.
The rollback journal with full synchronisation is used instead of WAL: a committed row survives a power cut, and the WAL
of the SQLite that Debian 12 ships has a known fault.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.pool import StaticPool

from hippo.clock import iso_time
from hippo.errors import NotReady, TrainingInProgress, UnknownJob, UnknownNetwork
from hippo.jobs.events import TrainingEvent
from hippo.jobs.job import UNFINISHED, WAITING, Job, JobState
from hippo.network import NetworkSpec
from hippo.training import TrainingConfig

_UNFINISHED = [str(state) for state in UNFINISHED]

_metadata = sa.MetaData()

_networks = sa.Table(
    "networks",
    _metadata,
    sa.Column("network_id", sa.String(36), primary_key=True),
    sa.Column("name", sa.Text),
    sa.Column("spec", sa.Text, nullable=False),
    sa.Column("created_at", sa.Float, nullable=False),
    sa.Column("trained_at", sa.Float),
    sa.Column("accuracy", sa.Float),
    sa.Column("epochs_trained", sa.Integer, nullable=False, default=0),
    sa.Column("revision", sa.String(36)),
    sa.Column("deleted", sa.Boolean, nullable=False, default=False),
)

_jobs = sa.Table(
    "jobs",
    _metadata,
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("job_id", sa.String(36), nullable=False, unique=True),
    sa.Column("network_id", sa.String(36), nullable=False, index=True),
    sa.Column("config", sa.Text, nullable=False),
    sa.Column("state", sa.String(20), nullable=False, index=True),
    sa.Column("epoch", sa.Integer, nullable=False),
    sa.Column("accuracy", sa.Float),
    sa.Column("loss", sa.Float),
    sa.Column("error", sa.Text),
    sa.Column("attempt", sa.Integer, nullable=False),
    sa.Column("created_at", sa.Float, nullable=False),
    sa.Column("started_at", sa.Float),
    sa.Column("finished_at", sa.Float),
    sa.Column("updated_at", sa.Float),
    sa.Column("elapsed", sa.Float, nullable=False),
    sa.Column("last_seq", sa.Integer, nullable=False),
    sa.Column("cancel_requested", sa.Boolean, nullable=False),
    sqlite_autoincrement=True,
)
# At most one unfinished job per network, whatever the code above the database does.
sa.Index(
    "one_unfinished_job_per_network",
    _jobs.c.network_id,
    unique=True,
    sqlite_where=_jobs.c.state.in_(_UNFINISHED),
    postgresql_where=_jobs.c.state.in_(_UNFINISHED),
)

_events = sa.Table(
    "events",
    _metadata,
    sa.Column("job_id", sa.String(36), primary_key=True),
    sa.Column("seq", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("event", sa.String(40), nullable=False),
    sa.Column("data", sa.Text, nullable=False),
)


@dataclass(frozen=True)
class StoredNetwork:
    """One network, as the store keeps it. Times are seconds since 1970.

    Attributes
    ----------
    accuracy : float or None
        Of the saved weights on the test set, 0-1.
    epochs_trained : int
        Epochs behind the saved weights, over all runs.
    revision : str or None
        Which weights are the current ones: the id of the job that wrote them; None before the first.
    """

    network_id: str
    name: str | None
    spec: NetworkSpec
    created_at: float
    trained_at: float | None = None
    accuracy: float | None = None
    epochs_trained: int = 0
    revision: str | None = None

    def record(self, in_memory: bool, active_job_id: str | None) -> dict[str, Any]:
        """Return what clients are told about the network."""
        sizes = list(self.spec.layer_sizes)
        return {
            "network_id": self.network_id,
            "name": self.name,
            "architecture": sizes,
            "layer_sizes": sizes,
            "activation": self.spec.activation,
            "loss": self.spec.loss,
            "initializer": self.spec.initializer,
            "seed": self.spec.seed,
            "parameters": self.spec.parameter_count,
            "trained": self.revision is not None,
            "accuracy": self.accuracy,
            "epochs_trained": self.epochs_trained,
            "status": "in_memory" if in_memory else "saved",
            "created_at": iso_time(self.created_at),
            "trained_at": iso_time(self.trained_at),
            "active_job_id": active_job_id,
        }


class Store:
    """Networks, jobs and events in one database.

    Parameters
    ----------
    url : str
        A SQLAlchemy address, such as ``sqlite:///models/hippo.sqlite3``.
    """

    def __init__(self, url: str) -> None:
        self._lock = threading.RLock()
        address = sa.make_url(url)
        if address.get_backend_name() == "sqlite":
            if address.database and address.database != ":memory:":
                Path(address.database).parent.mkdir(parents=True, exist_ok=True)
            self._engine = sa.create_engine(address, poolclass=StaticPool, connect_args={"check_same_thread": False})
            sa.event.listen(self._engine, "connect", _set_up_sqlite)
        else:
            self._engine = sa.create_engine(address, pool_size=1, max_overflow=0)
        _metadata.create_all(self._engine)

    def close(self) -> None:
        """Close the database."""
        with self._lock:
            self._engine.dispose()

    @contextmanager
    def _transaction(self) -> Iterator[sa.Connection]:
        """Give a connection whose changes become durable together at the end; raises NotReady where they cannot."""
        try:
            with self._lock, self._engine.begin() as connection:
                yield connection
        except sa.exc.OperationalError as error:
            raise NotReady(f"The database cannot be used at the moment: {error.orig}. Try again.") from error

    # Networks

    def add_network(self, network: StoredNetwork) -> None:
        """Keep a new network."""
        with self._transaction() as connection:
            connection.execute(_networks.insert().values(**_network_row(network), deleted=False))

    def network(self, network_id: str) -> StoredNetwork:
        """Return one network; raises UnknownNetwork."""
        with self._transaction() as connection:
            return _find_network(connection, network_id)

    def networks(self) -> list[StoredNetwork]:
        """Return all networks, newest first."""
        query = _networks.select().where(~_networks.c.deleted).order_by(_networks.c.created_at.desc())
        with self._transaction() as connection:
            return [_network(row) for row in connection.execute(query).mappings()]

    def mark_deleted(self, network_id: str) -> None:
        """Hide a network for good, before its files are removed.

        Raises
        ------
        UnknownNetwork
            When there is none.
        TrainingInProgress
            When an unfinished job works on it.
        """
        with self._transaction() as connection:
            _find_network(connection, network_id)
            _refuse_second_job(connection, network_id, "It cannot be deleted while it is in training")
            connection.execute(_networks.update().where(_networks.c.network_id == network_id).values(deleted=True))

    def deleted_networks(self) -> list[str]:
        """Return the ids of networks whose deletion was begun."""
        with self._transaction() as connection:
            return list(connection.execute(sa.select(_networks.c.network_id).where(_networks.c.deleted)).scalars())

    def remove_network(self, network_id: str) -> None:
        """Remove the row of a deleted network, after its files."""
        with self._transaction() as connection:
            connection.execute(_networks.delete().where(_networks.c.network_id == network_id))

    def change_network(self, network_id: str, **changes: Any) -> None:
        """Change columns of a network: `trained_at`, `accuracy`, `epochs_trained`, `revision`."""
        with self._transaction() as connection:
            connection.execute(_networks.update().where(_networks.c.network_id == network_id).values(**changes))

    # Jobs

    def add_job(self, job_id: str, network_id: str, config: TrainingConfig) -> Job:
        """Keep a new job of a network.

        Raises
        ------
        UnknownNetwork
            When there is no such network.
        TrainingInProgress
            When another job of it is unfinished.
        """
        job = Job(0, job_id, network_id, config)
        with self._transaction() as connection:
            _find_network(connection, network_id)
            _refuse_second_job(connection, network_id, "It is already in training")
            values = _job_row(job)
            del values["number"]
            number = connection.execute(_jobs.insert().values(**values)).inserted_primary_key[0]  # type: ignore[index]
        return replace(job, number=number)

    def job(self, job_id: str) -> Job:
        """Return one job; raises UnknownJob."""
        with self._transaction() as connection:
            row = connection.execute(_jobs.select().where(_jobs.c.job_id == job_id)).mappings().first()
        if row is None:
            raise UnknownJob("There is no training job with this id. GET /api/training lists those there are.")
        return _job(row)

    def jobs(
        self, states: frozenset[JobState] | None = None, network_id: str | None = None, limit: int = 50, offset: int = 0
    ) -> tuple[list[Job], int]:
        """Return a page of jobs, newest first, and how many there are in all."""
        conditions: list[sa.ColumnElement[bool]] = []
        if states is not None:
            conditions.append(_jobs.c.state.in_([str(state) for state in states]))
        if network_id is not None:
            conditions.append(_jobs.c.network_id == network_id)
        page = _jobs.select().where(*conditions).order_by(_jobs.c.number.desc()).limit(limit).offset(offset)
        with self._transaction() as connection:
            total = connection.execute(sa.select(sa.func.count()).select_from(_jobs).where(*conditions)).scalar_one()
            return [_job(row) for row in connection.execute(page).mappings()], total

    def unfinished_jobs(self) -> list[Job]:
        """Return every unfinished job, oldest first."""
        query = _jobs.select().where(_jobs.c.state.in_(_UNFINISHED)).order_by(_jobs.c.number)
        with self._transaction() as connection:
            return [_job(row) for row in connection.execute(query).mappings()]

    def count_unfinished(self) -> dict[JobState, int]:
        """Return how many unfinished jobs there are in each state that has any."""
        query = sa.select(_jobs.c.state, sa.func.count()).where(_jobs.c.state.in_(_UNFINISHED)).group_by(_jobs.c.state)
        with self._transaction() as connection:
            return {JobState(state): count for state, count in connection.execute(query)}

    def waiting_numbers(self) -> list[int]:
        """Return the numbers of the jobs that wait for a worker, in the order in which they will get one."""
        states = [str(state) for state in WAITING]
        query = sa.select(_jobs.c.number).where(_jobs.c.state.in_(states)).order_by(_jobs.c.number)
        with self._transaction() as connection:
            return list(connection.execute(query).scalars())

    def active_jobs(self) -> dict[str, str]:
        """Return the ids of unfinished jobs by the ids of their networks."""
        query = sa.select(_jobs.c.network_id, _jobs.c.job_id).where(_jobs.c.state.in_(_UNFINISHED))
        with self._transaction() as connection:
            return {row.network_id: row.job_id for row in connection.execute(query)}

    def save(self, job: Job, event: TrainingEvent | None = None, network: dict[str, Any] | None = None) -> None:
        """Write a changed job, with the event that tells of it and the changes of its network, in one transaction."""
        with self._transaction() as connection:
            connection.execute(_jobs.update().where(_jobs.c.job_id == job.job_id).values(**_job_row(job)))
            if event is not None:
                data = json.dumps(event.payload(), allow_nan=False)
                connection.execute(
                    _events.insert().values(job_id=job.job_id, seq=event.seq, event=event.name, data=data)
                )
            if network is not None:
                condition = _networks.c.network_id == job.network_id
                connection.execute(_networks.update().where(condition).values(**network))

    def events(self, job_id: str, after: int = 0) -> list[dict[str, Any]]:
        """Return ``{event, data}`` for every event of the job whose seq is above `after`, in order."""
        query = _events.select().where(_events.c.job_id == job_id, _events.c.seq > after).order_by(_events.c.seq)
        with self._transaction() as connection:
            rows = connection.execute(query).all()
        return [{"event": row.event, "data": json.loads(row.data)} for row in rows]


def _set_up_sqlite(connection: Any, _: Any) -> None:
    # SQLite waits for other readers of the file in C, where a green-threaded server stands still; so it hardly waits.
    for pragma in ("journal_mode=TRUNCATE", "synchronous=FULL", "busy_timeout=50"):
        connection.execute(f"PRAGMA {pragma}")


def _find_network(connection: sa.Connection, network_id: str) -> StoredNetwork:
    query = _networks.select().where(_networks.c.network_id == network_id, ~_networks.c.deleted)
    row = connection.execute(query).mappings().first()
    if row is None:
        raise UnknownNetwork("There is no network with this id. GET /api/networks lists those there are.")
    return _network(row)


def _refuse_second_job(connection: sa.Connection, network_id: str, text: str) -> None:
    query = sa.select(_jobs.c.job_id).where(_jobs.c.network_id == network_id, _jobs.c.state.in_(_UNFINISHED))
    job_id = connection.execute(query).scalar()
    if job_id is not None:
        raise TrainingInProgress(f"{text}, by job {job_id}. Wait for that job or cancel it first.", job_id=job_id)


def _network_row(network: StoredNetwork) -> dict[str, Any]:
    values = {name: getattr(network, name) for name in StoredNetwork.__dataclass_fields__}
    return values | {"spec": json.dumps(network.spec.to_dict())}


def _network(row: Any) -> StoredNetwork:
    values = {name: row[name] for name in StoredNetwork.__dataclass_fields__}
    return StoredNetwork(**(values | {"spec": NetworkSpec.from_dict(json.loads(row["spec"]))}))


def _job_row(job: Job) -> dict[str, Any]:
    return asdict(job) | {"config": json.dumps(job.config.to_dict()), "state": str(job.state)}


def _job(row: Any) -> Job:
    return Job(**(dict(row) | {"config": TrainingConfig(**json.loads(row["config"])), "state": JobState(row["state"])}))
