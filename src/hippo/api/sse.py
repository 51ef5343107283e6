"""Server-sent events: a training job as a stream of text, the same job that Socket.IO tells of.

A stream holds nothing but the number of the last event it has sent. When its job has news it is woken and reads what it
has not sent from the store, so that a slow client costs no memory, and one that comes back is given what it missed. A
client that is gone is noticed when something is sent to it, which is a comment every 15 s if there is no news. None of
this has any effect on the training.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from hippo import strict_json
from hippo.api.errors import WebError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hippo.jobs.manager import JobManager

#: Seconds without news after which a comment is sent.
HEARTBEAT = 15.0
#: Each holds a connection.
MAX_STREAMS = 256

_COMMENT = ": heartbeat\n\n"


class Streams:
    """The streams of a server."""

    def __init__(self, jobs: JobManager, heartbeat: float = HEARTBEAT) -> None:
        self._jobs = jobs
        self._heartbeat = heartbeat
        self._lock = threading.Lock()
        self._waiting: dict[threading.Event, str] = {}
        self._stopping = False
        jobs.bus.subscribe(self._wake)

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._waiting)

    def check_room(self) -> None:
        """Raise WebError 503 where there are too many."""
        if len(self) >= MAX_STREAMS:
            raise WebError(503, "too_many_clients", "Too many streams are open; try again a little later.")

    def stop(self) -> None:
        """End all streams, because the server goes away; clients come back with the id of their last event."""
        with self._lock:
            self._stopping = True
            for news in self._waiting:
                news.set()

    def text(self, job_id: str, after: int, *, of_validation: bool) -> Iterator[str]:
        """Yield the stream of a job from behind event `after` to its end, beginning with a comment.

        The id of `after` comes with it, without data and thus no event, so that a client that is cut off before the
        first one knows where to go on. The job is released, so that it starts when the head of the reply has been sent.
        """
        news = threading.Event()
        with self._lock:
            self._waiting[news] = job_id
        try:
            yield f": heartbeat\nid: {job_id}:{after}\n\n"  # the head of the reply goes out with it
            self._jobs.release(job_id)
            job = self._jobs.get(job_id)
            if job["finished_at"] is not None and job["last_seq"] <= after:
                return  # there is nothing behind it
            while not self._stopping:
                news.clear()
                events, _ = self._jobs.history(job_id, after)
                for event in events:
                    after = event["data"]["seq"]
                    if event["event"] == "training_changed":
                        continue  # which clients of this stream do not know
                    yield _written(job_id, after, _data(event, of_validation))
                    if event["event"] != "training_update":
                        return
                if not news.wait(self._heartbeat):
                    yield _COMMENT
        finally:
            with self._lock:
                del self._waiting[news]

    def _wake(self, name: str, payload: dict[str, Any]) -> None:
        with self._lock:
            for news, job_id in self._waiting.items():
                if job_id == payload["job_id"] and "seq" in payload:
                    news.set()


def _written(job_id: str, seq: int, data: dict[str, Any]) -> str:
    return f"id: {job_id}:{seq}\ndata: {strict_json.dumps(data, separators=(', ', ': '))}\n\n"


def _data(event: dict[str, Any], of_validation: bool) -> dict[str, Any]:
    data = event["data"]
    if event["event"] == "training_complete":
        return {"status": "completed"}
    if event["event"] == "training_error":
        return {"status": "failed", "error": data["error"]}
    counted = ("validation_correct", "validation_total") if of_validation else ("correct", "total")
    correct, total = (data[name] for name in counted)
    return {
        "epoch": data["epoch"],
        "total_epochs": data["total_epochs"],
        "test_accuracy": correct,
        "accuracy": correct,
        "test_total": total,
        "total_test_samples": total,
        "accuracy_percent": round(100 * correct / total, 2),
    }
