"""The worker process: tasks in through a socket, reports out through the same one.

::

    server ---- run, pause, cancel, stop ... -->  control thread ---> what the main thread is asked to do
           <--- ready, epoch, completed, ... ---  main thread: one task at a time, plain NumPy

The process is a fresh interpreter, started as ``python -m hippo.jobs.worker FD``; it is never patched by a web
framework and knows none. The control thread only reads the socket: it hands tasks over, leaves what is wanted of a run
in the orders that the training loop follows between two mini-batches, and ends the process at once when the server is
gone, so that no worker computes for nobody. A message that it cannot understand is logged and changes nothing.
"""

from __future__ import annotations

import logging
import os
import queue
import select
import signal
import socket
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np

from hippo.datasets import MNIST, MNISTLoader
from hippo.errors import HippoError
from hippo.jobs import conversions, insight
from hippo.jobs.frames import Message, receive_message, send_message
from hippo.jobs.looks import Looks
from hippo.jobs.resting import Resting
from hippo.jobs.run import Cancelled, Interrupted, compute_outputs, run_training
from hippo.jobs.training_spec import TrainingSpec, load_network
from hippo.jobs.watching import NOTHING, Wanted
from hippo.network import INPUTS, NeuralNetwork
from hippo.persistence.model_persistence import ModelFiles, read_model
from hippo.pixels import MalformedBody, WrongPixels, read_body
from hippo.training import Orders

log = logging.getLogger(__name__)

#: Messages about the run under way; every other one but for stop is a task.
ABOUT_A_RUN = frozenset({"cancel", "pause", "pace", "change", "watch"})


class WorkerContext:
    """What a run sees of this process; see `hippo.jobs.run.Context`."""

    def __init__(self, sock: socket.socket, models_dir: Path, data_dir: Path) -> None:
        self.files = ModelFiles(models_dir)
        self.job_id: str | None = None
        self._sock = sock
        self._data_dir = data_dir
        self._data: MNIST | None = None
        self.orders = Orders()
        self._run: str | None = None
        self._watched: tuple[str | None, Wanted] = (None, NOTHING)
        self._last: tuple[tuple[str, str | None], NeuralNetwork] | None = None
        self.looks = Looks(self.data)
        self.resting = Resting(self.files, self.data)

    def data(self) -> MNIST:
        """Return the three sets; the server has verified them, so a worker only maps them into memory."""
        if self._data is None:
            self._data = MNISTLoader(self._data_dir).load_data(verify=False)
        return self._data

    def network(
        self, network_id: str, network: dict[str, Any], revision: str | None, file: str | None = None
    ) -> NeuralNetwork:
        """Return a network with these weights, in `file` or our own one; the last one is kept."""
        key = (network_id, revision)
        if self._last is None or self._last[0] != key:
            self._last = None  # two large ones at once would be too many
            whole = read_model(Path(file))[0] if file else load_network(network_id, network, revision, self.files)
            self._last = key, whole
        return self._last[1]

    def forward(self, network: NeuralNetwork, every_layer: bool, payload: bytes) -> bytes:
        """Pass images, float32 (N, 784), through a network; return float32.

        The outputs (N, 10), or all activations of one image, layer after layer.
        """
        images = np.frombuffer(payload, np.float32).reshape(-1, INPUTS)
        with np.errstate(over="ignore", invalid="ignore"):
            if every_layer:
                return np.concatenate(network.activations(images), axis=1).tobytes()
            return network.predict(images).tobytes()

    def report(self, message: Message) -> None:
        """Send `message` to the server, which knows the job by the worker."""
        send_message(self._sock, message | {"job_id": self.job_id})

    def begin(self, spec: dict[str, Any]) -> None:
        """Get ready for orders about a run, which the main thread is about to begin."""
        self._run = spec["job_id"]
        self.orders = Orders(spec["pace"], spec["wanted"], Cancelled() if spec["cancelled"] else None)

    def told(self, message: Message) -> None:
        """Take a message about the run under way; what is watched may be said of the next one, too.

        Raises
        ------
        KeyError, TypeError, ValueError
            For a message that is not as it should be; nothing has changed.
        """
        if message["type"] == "watch":
            self._watched = message["job_id"], Wanted.of(message)
            self.orders.ring()
        if message["job_id"] != self._run:
            return
        if message["type"] == "cancel":
            self.orders.end(Cancelled())
        elif message["type"] == "pause":
            self.orders.pause()
        elif message["type"] == "pace":
            self.orders.set_pace(message["batches_per_second"])
        elif message["type"] == "change":
            self.orders.want(message["settings"])

    def wanted(self) -> Wanted:
        """Return what is watched of the run under way."""
        job_id, wanted = self._watched
        return wanted if job_id == self.job_id else NOTHING

    def report_frame(self, message: Message) -> bool:
        """Send a frame, unless the server has not read what was sent before it."""
        # A socket takes more only while less than a quarter of its memory is in use: it never fills up with frames.
        if not select.select((), (self._sock,), (), 0)[1]:
            return False
        self.report(message)
        return True

    def stop(self) -> None:
        """Let whatever runs be interrupted after its current mini-batch."""
        self.orders.end(Interrupted())


def main() -> None:
    """Serve tasks until the server says stop or goes away."""
    # Ctrl-C in a terminal, and service managers that signal a whole group, reach the workers too; but when to stop is
    # for the server to say, which has them save what they have first.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    os.nice(5)  # the server, which does little, answers before the workers, which do all they can
    sock = socket.socket(fileno=int(sys.argv[1]))
    sock.setblocking(True)
    hello = receive_message(sock)
    if hello is None:
        return
    context = WorkerContext(sock, Path(hello["models_dir"]), Path(hello["data_dir"]))
    tasks: queue.SimpleQueue[Message | None] = queue.SimpleQueue()
    threading.Thread(target=_control, args=(sock, context, tasks), daemon=True).start()
    send_message(sock, {"type": "ready"})
    while (task := tasks.get()) is not None:
        _do(task, context)


def _control(sock: socket.socket, context: WorkerContext, tasks: queue.SimpleQueue[Message | None]) -> None:
    while True:
        try:
            message = receive_message(sock)
            if message is None:
                os._exit(0)
            _take(message, context, tasks)
        except Exception:  # without this thread the run could not be controlled any more, nor the process ended
            log.exception("A message of the server could not be understood")


def _take(message: Message, context: WorkerContext, tasks: queue.SimpleQueue[Message | None]) -> None:
    if message["type"] in ABOUT_A_RUN:
        context.told(message)
    elif message["type"] == "stop":
        context.stop()
        tasks.put(None)
    else:
        try:
            if message["type"] == "train":
                context.begin(message["spec"])
            if "watch" in message:
                context.told({"type": "watch", "job_id": message["job_id"], **message["watch"]})
        finally:
            tasks.put(message)  # whose sender waits for an answer, be it that it cannot be done


def _do(task: Message, context: WorkerContext) -> None:
    context.job_id = task["job_id"]
    try:
        if task["type"] == "train":
            run_training(TrainingSpec(**task["spec"]), context)
        elif task["type"] == "forward":
            answers = context.forward(context.network(**task["network"]), task["every_layer"], task["payload"])
            context.report({"type": "done", "payload": answers})
        elif task["type"] == "read":
            context.report(_read(task["payload"]))
        elif task["type"] == "prepare":
            context.report(context.looks.prepared(task["payload"]))
        elif task["type"] == "nearest":
            context.report(context.looks.nearest(task["count"], task["payload"]))
        elif task["type"] == "describe":
            context.report(context.looks.described(context.network(**task["network"]), task["drawn"]))
        elif task["type"] == "stills":
            for message in context.resting.answers(task):
                context.report(message)
        elif task["type"] == "explain":
            context.report(insight.explained(context.files, context.data(), **task["question"]))
        elif task["type"] == "check":
            context.report(insight.checked(context.files, context.data(), **task["question"]))
        elif task["type"] == "import":
            context.report({"type": "done", **conversions.take_in(**task["arguments"])})
        elif task["type"] == "export":
            conversions.give_out(**task["arguments"], files=context.files)
            context.report({"type": "done"})
        else:
            compute_outputs(**task["arguments"], context=context)
            context.report({"type": "done"})
    except OSError as error:
        # The disk is full or fails, or the server is gone; in the latter case nobody hears this, and the control thread
        # exits.
        _fail(context, f"The result could not be written: {error.strerror or 'input/output error'}.")
    except HippoError as error:
        _fail(context, error.message, error.code)
    except MemoryError:
        _fail(context, "There is not enough memory for this network and mini-batch size.")
    except Exception:
        log.exception("A task failed unexpectedly")
        _fail(context, "The worker failed unexpectedly; the server's log says how.")
    finally:
        context.job_id = None


def _read(raw: bytes) -> Message:
    """Read a long request; what is wrong about it is part of the answer."""
    try:
        fields, images = read_body(raw)
    except (MalformedBody, WrongPixels) as error:
        return {"type": "failed", "error": error.message, "kind": type(error).__name__, "extra": error.extra}
    rows = images.rows.tobytes() if images else b""
    return {"type": "done", "fields": fields, "is_list": images.is_list if images else None, "payload": rows}


def _fail(context: WorkerContext, text: str, code: str | None = None) -> None:
    message: dict[str, Any] = {"type": "failed", "error": text} | ({"code": code} if code else {})
    try:
        context.report(message)
    except OSError:
        log.warning("The server is gone")


if __name__ == "__main__":
    main()
