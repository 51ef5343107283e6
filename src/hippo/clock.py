"""Time as Hippo keeps and shows it: seconds since 1970, and ISO 8601 in UTC with milliseconds."""

import time
from datetime import UTC, datetime
from typing import overload

now = time.time


@overload
def iso_time(seconds: float) -> str: ...
@overload
def iso_time(seconds: None) -> None: ...
def iso_time(seconds: float | None) -> str | None:
    """Return `seconds` since 1970 as text such as ``2026-01-31T12:00:00.000Z``; None stays None."""
    if seconds is None:
        return None
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
