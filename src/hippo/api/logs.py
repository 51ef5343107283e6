"""How the server logs: one line per event, for people in text, in production as JSON. The token never appears."""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hippo.settings import Settings


def set_up(settings: Settings) -> None:
    """Send the log to standard error, as the settings say."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Formatter(as_json=settings.production, secrets=(settings.token, settings.huggingface_token)))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("hippo").setLevel(settings.log_level)


def json_line(level: str, logger: str, message: str, **more: str) -> str:
    """Write one event as a line of JSON."""
    time = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return json.dumps({"time": time, "level": level, "logger": logger, "message": message, **more})


class _Formatter(logging.Formatter):
    def __init__(self, *, as_json: bool, secrets: tuple[str | None, ...]) -> None:
        super().__init__("%(asctime)s %(levelname)-7s %(name)s: %(message)s")
        self._as_json = as_json
        self._secrets = [secret for secret in secrets if secret]

    def format(self, record: logging.LogRecord) -> str:
        if self._as_json:
            trace = {"exception": self.formatException(record.exc_info)} if record.exc_info else {}
            line = json_line(record.levelname, record.name, record.getMessage(), **trace)
        else:
            # A line break in what a client sent must not begin an entry of its own.
            line = super().format(record).replace("\r", "\\r").replace("\n", "\n    ")
        for secret in self._secrets:
            line = line.replace(secret, "***")
        return line
