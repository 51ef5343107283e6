"""What Hippo's /predict is measured beside: the same network behind FastAPI and NumPy, and nothing else.

``python -m benchmarks.bare_endpoint WEIGHTS.npz DESCRIPTOR`` serves POST /predict with uvicorn on an open listening
socket. It knows one network, which it has in memory, checks its input with pydantic and answers with the same fields.
"""

from __future__ import annotations

import socket
import sys
from typing import Annotated, Any

import numpy as np
import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel, Field

Pixel = Annotated[float, Field(ge=0, le=1)]


class Image(BaseModel):
    """An image, 784 numbers from 0 to 1."""

    pixels: Annotated[list[Pixel], Field(min_length=784, max_length=784)]


def make_app(weights: list[np.ndarray], biases: list[np.ndarray]) -> FastAPI:
    """Return the app that answers with a network of sigmoid layers."""
    app = FastAPI()

    @app.post("/predict")
    async def predict(image: Image) -> dict[str, Any]:
        x = np.array(image.pixels, np.float32)
        for w, b in zip(weights, biases, strict=True):
            x = 1 / (1 + np.exp(-(x @ w + b)))
        p = x / x.sum()
        digit = int(p.argmax())
        return {"predicted_digit": digit, "confidence": float(p[digit]), "probabilities": p.tolist()}

    return app


def main() -> None:
    """Serve until a signal comes."""
    with np.load(sys.argv[1], allow_pickle=False) as arrays:
        count = len(arrays.files) // 2
        app = make_app([arrays[f"w{i}"] for i in range(count)], [arrays[f"b{i}"] for i in range(count)])
    # Not `uvicorn.run(fd=...)`, which takes the socket for a Unix one and leaves Nagle's algorithm on.
    listener = socket.socket(fileno=int(sys.argv[2]))
    uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False)).run(sockets=[listener])


if __name__ == "__main__":
    main()
