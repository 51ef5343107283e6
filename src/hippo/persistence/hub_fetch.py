"""The process that brings models from the Hub into the cache: ``python -m hippo.persistence.hub_fetch FD``.

::

    server ---- one line: what to fetch, the token ---->  this process ---> Hub
           <--- a line per model that is there, <-------                ---> cache
                and per problem; at the end "done"

A process of its own, because waiting for names, handshakes and slow disks would stop a server of green threads, and
because a file from elsewhere is better opened first where a crash costs nothing. It can be killed at any moment: a
model appears under its name once it is whole, checked and on the disk. It ends when the server does.
"""

from __future__ import annotations

import fcntl
import json
import os
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from hippo.atomic_files import flush_folder, sweep, temporary_path
from hippo.errors import DataError, ImportRefused
from hippo.persistence.hub_cache import HubCache, HubModel, Pin
from hippo.persistence.hub_client import Hub, HubError, Unreachable
from hippo.persistence.interchange import read_any
from hippo.persistence.model_persistence import read_model

#: Told after each model that is there, and for each problem.
Tell = Callable[[dict[str, Any]], None]


def fetch(cache: HubCache, token: str | None, tell: Tell) -> None:
    """Complete the cache, one model after the other.

    Parameters
    ----------
    cache : HubCache
    token : str or None
    tell : callable
        Given ``{"model": name}`` for each model that has come, ``{"problem": text}`` for each that has not, and at last
        ``{"done": bool}``: whether nothing is left to be fetched.
    """
    try:
        with _alone(cache.folder):
            complete = _Fetching(cache, token, tell).run()
    except HubError as error:
        complete = False
        tell({"problem": error.message})
    except OSError as error:
        complete = False
        tell({"problem": f"The cache of models cannot be written: {error.strerror}."})
    tell({"done": complete})


class _Fetching:
    def __init__(self, cache: HubCache, token: str | None, tell: Tell) -> None:
        self._cache, self._token, self._tell = cache, token, tell
        self._hub_once: Hub | None = None

    @property
    def _hub(self) -> Hub:
        """The Hub, made when it is first needed: with a full cache it never is."""
        if self._hub_once is None:
            self._hub_once = Hub(self._cache.endpoint, self._token)
        return self._hub_once

    def run(self) -> bool:
        """Fetch what is missing; return whether nothing is missing any more."""
        pin = self._cache.pin()
        whole = [model for model in pin.models if self._cache.is_whole(pin, model)] if pin else []
        if pin is None or len(whole) + len(pin.refused) < len(pin.models):
            pin = self._look_up(pin, whole)
        self._cache.files(pin).mkdir(parents=True, exist_ok=True)
        sweep(self._cache.files(pin))
        complete = True
        for model in pin.models:
            if model.name in pin.refused or self._cache.is_whole(pin, model):
                continue
            try:
                refusal = self._fetch(pin, model)
            except Unreachable:
                raise
            except HubError as error:
                complete = False
                self._tell({"problem": error.message})
                continue
            if refusal is None:
                self._tell({"model": model.name})
            else:
                pin = replace(pin, refused=pin.refused | {model.name: refusal})
                self._cache.write_pin(pin)
                self._tell({"problem": refusal})
        return complete

    def _look_up(self, pin: Pin | None, whole: list[HubModel]) -> Pin:
        """Pin the revision; where that has been done, ask anew about what is missing at the same commit."""
        found, wrong = self._hub.resolve(self._cache.repo, pin.commit if pin else self._cache.revision)
        for text in wrong:
            self._tell({"problem": text})
        if pin is not None:  # what is here stays, whatever the Hub says now
            here = {model.name for model in whole}
            missing = (model for model in found.models if model.name not in here)
            found = replace(pin, models=(*whole, *missing))
        self._cache.write_pin(found)
        return found

    def _fetch(self, pin: Pin, model: HubModel) -> str | None:
        """Put the file of a model into its place; return why it is no model, if it is none."""
        path = self._cache.path(pin, model)
        temporary = temporary_path(path.parent)
        try:
            self._hub.download(pin, model, temporary)
            refusal = _why_no_model(temporary, model)
            if refusal is None:
                temporary.replace(path)
                flush_folder(path.parent)
            return refusal
        finally:
            temporary.unlink(missing_ok=True)


def _why_no_model(path: Path, model: HubModel) -> str | None:
    """Return what is wrong with a file that should hold a network of Hippo; None when it does."""
    file = f"{model.name}.safetensors"
    try:
        read_any(path, file)  # checks every number before it is used
        _, facts = read_model(path)  # as the server will
    except ImportRefused as error:
        return "".join(c if c.isprintable() else "?" for c in error.message)  # it may quote the file
    except DataError:
        return f"{file} is not a network that Hippo wrote."
    if "state" in facts:
        return f"{file} is the checkpoint of a run that was not over."
    return None


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Keep other processes from fetching into the same folder; the system ends it with the process."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("ab") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Unreachable("Another process is fetching models into the same cache.") from None
        yield


def main() -> None:
    """Do what the server says in one line, and end with it."""
    os.nice(5)
    sock = socket.socket(fileno=int(sys.argv[1]))
    sock.setblocking(True)
    with sock.makefile("r") as lines:
        order = json.loads(lines.readline())

    def end_with_the_server() -> None:
        sock.recv(1)  # the server sends nothing more: this returns when it is gone
        os._exit(1)

    threading.Thread(target=end_with_the_server, daemon=True).start()
    cache = HubCache(Path(order["cache_dir"]), order["endpoint"], order["repo"], order["revision"])
    fetch(cache, order["token"], lambda message: sock.sendall(json.dumps(message).encode() + b"\n"))


if __name__ == "__main__":
    main()
