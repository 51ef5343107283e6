"""Read a frame of the live view without Hippo: with Python's standard library and NumPy.

Run it beside a server with the id of a network: `python docs/examples/read_frame.py http://127.0.0.1:8000 NETWORK_ID`.
The layout is described in docs/WEBSOCKET_API_DOCUMENTATION.md.
"""

import json
import sys
import urllib.request

import numpy as np


def split(frame):
    """Return the header (a dict) and the payload (bytes) of a frame that came over HTTP."""
    length = int.from_bytes(frame[:4], "big")
    return json.loads(frame[4 : 4 + length]), frame[4 + length :]


def arrays(header, payload):
    """Return the arrays of a frame by name; weights are numbers again."""
    found = {}
    for part in header["parts"]:
        kind = np.dtype(part["dtype"]).newbyteorder("<")
        count = int(np.prod(part["shape"]))
        array = np.frombuffer(payload, kind, count, part["offset"]).reshape(part["shape"])
        found[part["name"]] = array * part["scale"] if "scale" in part else array
    return found


if __name__ == "__main__":
    server, network_id = sys.argv[1:]
    with urllib.request.urlopen(f"{server}/api/networks/{network_id}/frame?example=0") as reply:  # noqa: S310
        header, payload = split(reply.read())
    found = arrays(header, payload)
    print(f"a {header['example']['label']}, taken for a {header['example']['predicted']}")
    for number, layer in enumerate(header["layers"], 1):
        shape = "x".join(map(str, found[f"weights.{number}"].shape))
        strongest = found[f"neurons.{number}"][found[f"a.{number}"].argmax()]
        print(f"layer {number}: {layer['activation']}, weights {shape}, most active: neuron {strongest}")
