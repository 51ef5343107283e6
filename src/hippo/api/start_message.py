"""What the server says when it is up: where it listens, how to get in, how to reach it from another machine."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import TYPE_CHECKING

from hippo import __version__
from hippo.api.logs import json_line
from hippo.settings import PROJECT_DIR, WILDCARD_HOSTS

if TYPE_CHECKING:
    from hippo.settings import Settings


def announce(settings: Settings, port: int) -> None:
    """Print the message: lines for people, or JSON lines in production."""
    for line in start_message(settings, port):
        print(json_line("INFO", "hippo.server", line) if settings.production else line, flush=True)


def start_message(settings: Settings, port: int) -> list[str]:
    """Put the message together."""
    host = settings.listen_host
    local = f"http://{_in_url('127.0.0.1' if host in WILDCARD_HOSTS else host)}:{port}"
    entrance = _entrance(settings)
    lines = [f"Hippo {__version__} is ready at {local}{entrance}"]
    if settings.listens_on_loopback:
        lines.append("Only this machine can reach it; for others, stop it and run: HOST=0.0.0.0 make run")
    else:
        address = _own_address() if host in WILDCARD_HOSTS else host
        lines.append(f"From another machine: http://{_in_url(address)}:{port}{entrance}")
    if entrance:
        lines.append(
            "The token was made for this start; set HIPPO_TOKEN to keep one."
            if settings.token_was_made
            else "The token is the one set as HIPPO_TOKEN."
        )
    elif not settings.listens_on_loopback:
        lines.append("No token is wanted (HIPPO_AUTH=off): whoever can reach this address can use the server.")
    lines.append(f"Networks are kept in {_shown(settings.models_dir)}, MNIST in {_shown(settings.data_dir)}.")
    return lines


def _entrance(settings: Settings) -> str:
    if not settings.wants_token:
        return ""
    return f"/#token={settings.token}" if settings.token_was_made else "/#token=YOUR_HIPPO_TOKEN"


def _in_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _own_address() -> str:
    """Return the address by which others reach this machine; to connect a datagram socket sends nothing."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
            return str(probe.getsockname()[0])
        except OSError:
            return socket.gethostname()


def _shown(folder: Path) -> str:
    return str(folder.relative_to(PROJECT_DIR)) if folder.is_relative_to(PROJECT_DIR) else str(folder)
