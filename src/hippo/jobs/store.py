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
from dataclasses import replace
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.pool import StaticPool

from hippo.errors import NotReady, TrainingInProgress, UnknownJob, UnknownNetwork
from hippo.jobs.events import TrainingEvent
from hippo.jobs.job import WAITING, Job, JobState
from hippo.jobs.tables import (
    EVENTS,
    JOBS,
    NETWORKS,
    NOTES,
    UNFINISHED_STATES,
    StoredNetwork,
    job_row,
    network_row,
    to_job,
    to_network,
)
from hippo.jobs.upgrades import upgrade
from hippo.training import TrainingConfig

__all__ = ["Store", "StoredNetwork"]

# Built once: every prediction asks, and building a query takes longer than its answer.
_TRAINED = (
    NETWORKS.select()
    .where(~NETWORKS.c.deleted, NETWORKS.c.revision.is_not(None))
    .order_by(NETWORKS.c.accuracy.is_(None), NETWORKS.c.accuracy.desc(), NETWORKS.c.trained_at.desc())
)
_BEST = _TRAINED.limit(1)
_QUEUE = (JOBS.c.priority.desc(), JOBS.c.number)
_BEST_NAMED = _BEST.where(NETWORKS.c.name == sa.bindparam("name"))


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
        with self._engine.begin() as connection:
            upgrade(connection)

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
            connection.execute(NETWORKS.insert().values(**network_row(network), deleted=False))

    def network(self, network_id: str) -> StoredNetwork:
        """Return one network; raises UnknownNetwork."""
        with self._transaction() as connection:
            return _find_network(connection, network_id)

    def networks(self) -> list[StoredNetwork]:
        """Return all networks, newest first."""
        query = NETWORKS.select().where(~NETWORKS.c.deleted).order_by(NETWORKS.c.created_at.desc())
        with self._transaction() as connection:
            return [to_network(row) for row in connection.execute(query).mappings()]

    def trained_networks(self) -> list[StoredNetwork]:
        """Return networks that hold weights of a run, the most accurate first, of equals the one trained last."""
        with self._transaction() as connection:
            return [to_network(row) for row in connection.execute(_TRAINED).mappings()]

    def best_network(self, name: str | None = None) -> StoredNetwork | None:
        """Return the first of `trained_networks`, or the first of those with this name; None where there is none."""
        with self._transaction() as connection:
            found = connection.execute(_BEST) if name is None else connection.execute(_BEST_NAMED, {"name": name})
            row = found.mappings().first()
        return None if row is None else to_network(row)

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
            connection.execute(NETWORKS.update().where(NETWORKS.c.network_id == network_id).values(deleted=True))

    def deleted_networks(self) -> list[str]:
        """Return the ids of networks whose deletion was begun."""
        with self._transaction() as connection:
            return list(connection.execute(sa.select(NETWORKS.c.network_id).where(NETWORKS.c.deleted)).scalars())

    def remove_network(self, network_id: str) -> None:
        """Remove the row of a deleted network, after its files."""
        with self._transaction() as connection:
            connection.execute(NETWORKS.delete().where(NETWORKS.c.network_id == network_id))

    def change_network(self, network_id: str, **changes: Any) -> None:
        """Change columns of a network: `trained_at`, `accuracy`, `epochs_trained`, `revision`."""
        with self._transaction() as connection:
            connection.execute(NETWORKS.update().where(NETWORKS.c.network_id == network_id).values(**changes))

    def set_accuracy(self, network_id: str, revision: str, accuracy: float) -> None:
        """Note how good the weights of `revision` are, unless the network has others by now."""
        condition = sa.and_(NETWORKS.c.network_id == network_id, NETWORKS.c.revision == revision)
        with self._transaction() as connection:
            connection.execute(NETWORKS.update().where(condition).values(accuracy=accuracy))

    # Jobs

    def add_job(self, job_id: str, network_id: str, config: TrainingConfig, phase_seconds: float | None = None) -> Job:
        """Keep a new job of a network; `phase_seconds` as in `Job`.

        Raises
        ------
        UnknownNetwork
            When there is no such network.
        TrainingInProgress
            When another job of it is unfinished.
        """
        job = Job(0, job_id, network_id, config, phase_seconds=phase_seconds)
        with self._transaction() as connection:
            _find_network(connection, network_id)
            _refuse_second_job(connection, network_id, "It is already in training")
            values = job_row(job)
            del values["number"]
            number = connection.execute(JOBS.insert().values(**values)).inserted_primary_key[0]  # type: ignore[index]
        return replace(job, number=number)

    def job(self, job_id: str) -> Job:
        """Return one job; raises UnknownJob."""
        with self._transaction() as connection:
            row = connection.execute(JOBS.select().where(JOBS.c.job_id == job_id)).mappings().first()
        if row is None:
            raise UnknownJob("There is no training job with this id. GET /api/training lists those there are.")
        return to_job(row)

    def jobs(
        self, states: frozenset[JobState] | None = None, network_id: str | None = None, limit: int = 50, offset: int = 0
    ) -> tuple[list[Job], int]:
        """Return a page of jobs, newest first, and how many there are in all."""
        conditions: list[sa.ColumnElement[bool]] = []
        if states is not None:
            conditions.append(JOBS.c.state.in_([str(state) for state in states]))
        if network_id is not None:
            conditions.append(JOBS.c.network_id == network_id)
        page = JOBS.select().where(*conditions).order_by(JOBS.c.number.desc()).limit(limit).offset(offset)
        with self._transaction() as connection:
            total = connection.execute(sa.select(sa.func.count()).select_from(JOBS).where(*conditions)).scalar_one()
            return [to_job(row) for row in connection.execute(page).mappings()], total

    def unfinished_jobs(self) -> list[Job]:
        """Return every unfinished job, in the order in which those that wait for a worker will get one."""
        query = JOBS.select().where(JOBS.c.state.in_(UNFINISHED_STATES)).order_by(*_QUEUE)
        with self._transaction() as connection:
            return [to_job(row) for row in connection.execute(query).mappings()]

    def count_unfinished(self) -> dict[JobState, int]:
        """Return how many unfinished jobs there are in each state that has any."""
        query = (
            sa.select(JOBS.c.state, sa.func.count()).where(JOBS.c.state.in_(UNFINISHED_STATES)).group_by(JOBS.c.state)
        )
        with self._transaction() as connection:
            return {JobState(state): count for state, count in connection.execute(query)}

    def waiting_jobs(self) -> list[str]:
        """Return the ids of the jobs that wait for a worker, in the order in which they will get one."""
        states = [str(state) for state in WAITING]
        query = sa.select(JOBS.c.job_id).where(JOBS.c.state.in_(states)).order_by(*_QUEUE)
        with self._transaction() as connection:
            return list(connection.execute(query).scalars())

    def front(self) -> int:
        """Return a priority above that of every job that waits for a worker."""
        query = sa.select(sa.func.max(JOBS.c.priority)).where(JOBS.c.state.in_([str(state) for state in WAITING]))
        with self._transaction() as connection:
            return int(connection.execute(query).scalar() or 0) + 1

    def active_jobs(self) -> dict[str, str]:
        """Return the ids of unfinished jobs by the ids of their networks."""
        query = sa.select(JOBS.c.network_id, JOBS.c.job_id).where(JOBS.c.state.in_(UNFINISHED_STATES))
        with self._transaction() as connection:
            return {row.network_id: row.job_id for row in connection.execute(query)}

    def save(self, job: Job, event: TrainingEvent | None = None, network: dict[str, Any] | None = None) -> None:
        """Write a changed job, with the event that tells of it and the changes of its network, in one transaction."""
        with self._transaction() as connection:
            connection.execute(JOBS.update().where(JOBS.c.job_id == job.job_id).values(**job_row(job)))
            if event is not None:
                data = json.dumps(event.payload(), allow_nan=False)
                connection.execute(
                    EVENTS.insert().values(job_id=job.job_id, seq=event.seq, event=event.name, data=data)
                )
            if network is not None:
                condition = NETWORKS.c.network_id == job.network_id
                connection.execute(NETWORKS.update().where(condition).values(**network))

    def events(self, job_id: str, after: int = 0) -> list[dict[str, Any]]:
        """Return ``{event, data}`` for every event of the job whose seq is above `after`, in order."""
        query = EVENTS.select().where(EVENTS.c.job_id == job_id, EVENTS.c.seq > after).order_by(EVENTS.c.seq)
        with self._transaction() as connection:
            rows = connection.execute(query).all()
        return [{"event": row.event, "data": json.loads(row.data)} for row in rows]

    # Notes: single facts that outlive the server

    def note(self, name: str) -> str | None:
        """Return what was last noted under a name."""
        with self._transaction() as connection:
            text: str | None = connection.execute(sa.select(NOTES.c.text).where(NOTES.c.name == name)).scalar()
        return text

    def keep_note(self, name: str, text: str) -> None:
        """Note something under a name, in place of what was there."""
        with self._transaction() as connection:
            connection.execute(NOTES.delete().where(NOTES.c.name == name))
            connection.execute(NOTES.insert().values(name=name, text=text))


def _set_up_sqlite(connection: Any, _: Any) -> None:
    # SQLite waits for other readers of the file in C, where a green-threaded server stands still; so it hardly waits.
    for pragma in ("journal_mode=TRUNCATE", "synchronous=FULL", "busy_timeout=50"):
        connection.execute(f"PRAGMA {pragma}")


def _find_network(connection: sa.Connection, network_id: str) -> StoredNetwork:
    query = NETWORKS.select().where(NETWORKS.c.network_id == network_id, ~NETWORKS.c.deleted)
    row = connection.execute(query).mappings().first()
    if row is None:
        raise UnknownNetwork("There is no network with this id. GET /api/networks lists those there are.")
    return to_network(row)


def _refuse_second_job(connection: sa.Connection, network_id: str, text: str) -> None:
    query = sa.select(JOBS.c.job_id).where(JOBS.c.network_id == network_id, JOBS.c.state.in_(UNFINISHED_STATES))
    job_id = connection.execute(query).scalar()
    if job_id is not None:
        raise TrainingInProgress(f"{text}, by job {job_id}. Wait for that job or cancel it first.", job_id=job_id)
