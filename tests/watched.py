"""What tests read frames with: the example of the documents, which knows nothing of the server's own code."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import numpy as np

_example = runpy.run_path(str(Path(__file__).resolve().parents[1] / "docs/examples/read_frame.py"))


def arrays(header: dict[str, Any], payload: bytes) -> dict[str, np.ndarray]:
    """Return the arrays of a frame by name."""
    found: dict[str, np.ndarray] = _example["arrays"](header, payload)
    return found


def split(content: bytes) -> tuple[dict[str, Any], bytes]:
    """Return header and payload of a frame that came in one."""
    header, payload = _example["split"](content)
    return header, payload
