"""Who watches which job, and what each of them is sent: the latest frame, whenever they are ready for it.

::

    watch, unwatch ---> Viewers ---message ``watch``---> worker that has the job (highest wanted rate, distinct wishes)
    acknowledged        |    ^---------- frames --------/
                        |    ^---------- frames -------- assistant, of a job that rests (see ``stills``)
                        v
                   send(frame): one unacknowledged frame for each viewer, and of those that came meanwhile the last

Frames pass by the manager: they change no job, and its lock and the database are not for them. A viewer that does not
acknowledge costs nothing: after a while, no frames are made for it, until it does. Whatever comes back to life tells
the worker again: a job that starts, a viewer that acknowledges.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from hippo.errors import JobEnded, TooManyViews
from hippo.jobs.bus import EventBus
from hippo.jobs.frames import Message
from hippo.jobs.job import Job
from hippo.jobs.process_backend import ProcessBackend
from hippo.jobs.stills import Stills, check_neuron
from hippo.jobs.store import Store
from hippo.training.frame import Frame
from hippo.training.snapshots import Wish

log = logging.getLogger(__name__)

#: Different frames (of an example and a neuron) that may be wanted of one job at a time.
MOST_WISHES = 8
#: Seconds without an acknowledgement after which no frames are made for a viewer any more.
PATIENCE = 2.0
#: A frame that comes this much of the wanted interval after the last one is not too early: clocks differ a little.
EARLY = 0.9

Send = Callable[[Frame], None]


@dataclass
class Viewer:
    """Somebody who watches, or has watched.

    Attributes
    ----------
    job_id : str or None
        What is watched now.
    waiting_since : float or None
        When the frame was sent that is not acknowledged yet (`time.monotonic`).
    latest : Frame or None
        What came meanwhile.
    latest_stays : bool
        Whether no frame may follow for long, so that this one has to be sent however soon after another.
    """

    wish: Wish
    rate: float
    send: Send
    job_id: str | None = None
    waiting_since: float | None = None
    sent_at: float = 0.0
    step: int | None = None
    latest: Frame | None = None
    latest_stays: bool = False

    def is_awake(self, now: float) -> bool:
        """Whether frames are worth making for it."""
        return self.waiting_since is None or now - self.waiting_since < PATIENCE

    def take(self, frame: Frame, stays: bool, now: float) -> bool:
        """Keep the frame as the latest; return whether it is to be sent now."""
        self.latest, self.latest_stays, self.step = frame, stays, frame.header["step"]
        return self.is_due(now)

    def is_due(self, now: float) -> bool:
        """Whether the latest frame is to be sent now."""
        is_time = self.latest_stays or now >= self.sent_at + EARLY / self.rate
        return self.latest is not None and self.waiting_since is None and is_time

    def sent(self, now: float) -> Frame:
        """Return the latest frame, which goes out now."""
        assert self.latest is not None
        frame, self.latest = self.latest, None
        self.waiting_since = self.sent_at = now
        return frame


class Viewers:
    """Everybody who watches. Safe to call from any thread.

    Parameters
    ----------
    store : Store
        Where jobs and networks are looked up.
    backend : ProcessBackend
        Whose workers are told.
    bus : EventBus
        Tells when jobs start, pause and end.
    """

    def __init__(self, store: Store, backend: ProcessBackend, bus: EventBus) -> None:
        self._store = store
        self._backend = backend
        self._stills = Stills(store, backend, self._take_still)
        self._lock = threading.RLock()
        self._viewers: dict[str, Viewer] = {}
        self._told: dict[str, Message] = {}
        bus.subscribe(self._hear)

    def watch(self, viewer_id: str, job_id: str, wish: Wish, rate: float, send: Send) -> None:
        """Send a viewer frames of a job, in place of what it watched before.

        Parameters
        ----------
        viewer_id : str
            Who watches.
        wish : Wish
        rate : float
            Frames a second that are wanted at most.
        send : callable
            Called with each frame, from any thread; `acknowledged` lets the next one follow.

        Raises
        ------
        UnknownJob
            When there is no such job.
        JobEnded
            When it has ended.
        InvalidValue
            When its network has no such neuron.
        TooManyViews
            When others watch too many different things of it already.
        """
        self._check(job_id, wish)
        with self._lock:
            now = time.monotonic()
            others = {v.wish for name, v in self._viewers.items() if v.job_id == job_id and name != viewer_id}
            if len(others | {wish}) > MOST_WISHES:
                raise TooManyViews(
                    f"This job is watched in {MOST_WISHES} different ways already, each another example or neuron. "
                    "Watch it in one of these, or try again later."
                )
            viewer = self._viewers.setdefault(viewer_id, Viewer(wish, rate, send))
            before, viewer.job_id = viewer.job_id, job_id
            viewer.wish, viewer.rate, viewer.send = wish, rate, send
            viewer.latest, viewer.step, viewer.sent_at = None, None, 0.0
            if before is not None and before != job_id:
                self._tell(before, now)
            works = self._tell(job_id, now, anew=True)
        if self._store.job(job_id).is_final:  # it ended meanwhile, perhaps before the viewer was known
            self._end(job_id)
            raise JobEnded("This job has just ended.")
        if not works:
            self._stills.ask(job_id, [wish])

    def unwatch(self, viewer_id: str) -> None:
        """Send a viewer nothing more."""
        with self._lock:
            viewer = self._viewers.get(viewer_id)
            if viewer is not None and viewer.job_id is not None:
                before, viewer.job_id, viewer.latest = viewer.job_id, None, None
                self._tell(before, time.monotonic())

    def leave(self, viewer_id: str) -> None:
        """Forget a viewer whose connection has ended."""
        with self._lock:
            self.unwatch(viewer_id)
            self._viewers.pop(viewer_id, None)

    def acknowledged(self, viewer_id: str) -> None:
        """Let a viewer have the latest frame: it has taken in the one before."""
        with self._lock:
            viewer = self._viewers.get(viewer_id)
            if viewer is None:
                return
            now = time.monotonic()
            slept = not viewer.is_awake(now)
            viewer.waiting_since = None
            if slept and viewer.job_id is not None:
                self._tell(viewer.job_id, now)
            due = viewer.sent(now) if viewer.is_due(now) else None
        if due is not None:
            viewer.send(due)

    def take(self, job_id: str, message: Message) -> None:
        """Take a frame that a worker has made."""
        self._hand_out(job_id, message, stays=message.get("is_last", False))

    def wanted(self, job_id: str) -> Message | None:
        """Return what a worker that is given this job has to be told, without the type; None where nobody watches."""
        with self._lock:
            message = self._wanted(job_id, time.monotonic())
            return {name: message[name] for name in ("wishes", "rate")} if message["wishes"] else None

    def _check(self, job_id: str, wish: Wish) -> None:
        job: Job = self._store.job(job_id)
        if job.is_final:
            raise JobEnded(f"This job has ended: it is {job.state}. Only a job that has not can be watched.")
        check_neuron(wish, self._store.network(job.network_id).spec)

    def _hand_out(self, job_id: str, message: Message, stays: bool, is_still: bool = False) -> None:
        frame, wish = Frame(message["header"], message["payload"]), Wish(**message["wish"])
        now = time.monotonic()
        due: list[tuple[Viewer, Frame]] = []
        with self._lock:
            for viewer in self._viewers.values():
                if viewer.job_id != job_id or viewer.wish != wish:
                    continue
                if is_still and viewer.step is not None and viewer.step > frame.header["step"]:
                    continue  # the job has gone on meanwhile
                if viewer.take(frame, stays, now):
                    due.append((viewer, viewer.sent(now)))
            self._tell(job_id, now)  # somebody may have fallen asleep
        for viewer, latest in due:
            viewer.send(latest)

    def _take_still(self, job_id: str, message: Message) -> None:
        self._hand_out(job_id, message, stays=True, is_still=True)

    def _hear(self, name: str, payload: dict[str, Any]) -> None:
        job_id = payload.get("job_id")
        if job_id is None:
            return
        with self._lock:
            watching = [viewer for viewer in self._viewers.values() if viewer.job_id == job_id]
            if not watching:
                return
            if name == "training_started":
                self._tell(job_id, time.monotonic(), anew=True)
            wishes = list(dict.fromkeys(v.wish for v in watching if v.step != payload.get("step")))
        if name in ("training_complete", "training_error"):
            self._end(job_id)
        elif name == "training_paused" and wishes:
            self._stills.ask(job_id, wishes)

    def _end(self, job_id: str) -> None:
        """Let nobody watch this job any more; the last frame of it still goes to those who have not got it."""
        with self._lock:
            self._told.pop(job_id, None)
            for viewer in self._viewers.values():
                if viewer.job_id == job_id:
                    viewer.job_id, viewer.latest_stays = None, True

    def _wanted(self, job_id: str, now: float) -> Message:
        awake = [v for v in self._viewers.values() if v.job_id == job_id and v.is_awake(now)]
        wishes = [asdict(wish) for wish in dict.fromkeys(viewer.wish for viewer in awake)]
        return {"type": "watch", "wishes": wishes, "rate": max((viewer.rate for viewer in awake), default=1.0)}

    def _tell(self, job_id: str, now: float, anew: bool = False) -> bool:
        """Tell who has the job what is wanted, if that has changed or with `anew`; return whether somebody has it."""
        message = self._wanted(job_id, now)
        if not anew and message == self._told.get(job_id):
            return True
        if message["wishes"]:
            self._told[job_id] = message
        else:
            self._told.pop(job_id, None)
        return self._backend.tell(job_id, message)
