"""Thousands of damaged model files: each is refused in words or read to finite weights, in little memory and time."""

from __future__ import annotations

import io
import random
import re
import time
import tracemalloc
import zipfile
from collections import Counter
from collections.abc import Callable

import numpy as np
import pytest

from hippo.errors import ImportRefused
from hippo.persistence.interchange import export, read_any
from tests.persistence.foreign_files import columns, network, npz, npz_of, rows

COUNT = 2_000
MEMORY, SECONDS = 50_000_000, 1.0
SMALL = network((784, 3, 10))
FILES = {
    "safetensors": export(SMALL, {"history": [{"epoch": 1, "loss": 0.5}], "accuracy": 0.5}, "safetensors"),
    "npz": npz(columns(SMALL)),
    "npz packed": npz(columns(SMALL), packed=True),
    "npz-layers": export(SMALL, {"accuracy": 0.5}, "npz-layers"),
    "npz-layers packed": npz(rows(SMALL, transposed=True), packed=True),
}
_NUMBERS = [0, 1, 2, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 2**31 - 1, 2**31, 2**32 - 1, 2**63 - 1, 2**64 - 1]
_DIGITS = re.compile(rb"\d+")


def some_bytes(data: bytearray, rng: random.Random) -> None:
    for _ in range(rng.choice((1, 1, 2, 8, 64))):
        data[rng.randrange(len(data))] = rng.randrange(256)


def early_bytes(data: bytearray, rng: random.Random) -> None:
    """Spoil where the headers are."""
    for _ in range(rng.choice((1, 2, 4))):
        data[rng.randrange(min(len(data), 600))] = rng.randrange(256)


def late_bytes(data: bytearray, rng: random.Random) -> None:
    """Spoil the directory of a zip file."""
    for _ in range(rng.choice((1, 2, 4))):
        data[-1 - rng.randrange(min(len(data), 700))] = rng.randrange(256)


def a_bit(data: bytearray, rng: random.Random) -> None:
    data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)


def an_end(data: bytearray, rng: random.Random) -> None:
    del data[rng.randrange(len(data)) :]


def a_hole(data: bytearray, rng: random.Random) -> None:
    begin = rng.randrange(len(data))
    del data[begin : begin + rng.choice((1, 4, 16, 256))]


def a_repetition(data: bytearray, rng: random.Random) -> None:
    begin, place = rng.randrange(len(data)), rng.randrange(len(data))
    data[place:place] = data[begin : begin + rng.choice((1, 4, 64, 1024))]


def a_number(data: bytearray, rng: random.Random) -> None:
    width = rng.choice((2, 4, 8))
    at = rng.randrange(len(data) - width)
    data[at : at + width] = (rng.choice(_NUMBERS) % 2 ** (8 * width)).to_bytes(width, "little")


def digits(data: bytearray, rng: random.Random) -> None:
    """Put another number for one that stands in a header as text."""
    found = rng.choice(list(_DIGITS.finditer(data)))
    data[found.start() : found.end()] = str(rng.choice([*_NUMBERS, 3, 4, 784, 9999, 10**30, -1])).encode()


def same_digits(data: bytearray, rng: random.Random) -> None:
    """Do so without changing where anything lies."""
    found = rng.choice(list(_DIGITS.finditer(data)))
    data[found.start() : found.end()] = str(rng.randrange(10 ** len(found[0]))).zfill(len(found[0])).encode()


SPOILERS: tuple[Callable[[bytearray, random.Random], None], ...] = (
    some_bytes,
    early_bytes,
    late_bytes,
    a_bit,
    an_end,
    a_hole,
    a_repetition,
    a_number,
    digits,
    same_digits,
)


def outcome(data: bytes) -> str:
    """Read a file as an import does; return "refused" or "read"."""
    try:
        found, facts = read_any(data, "model.x")
    except ImportRefused as error:
        assert re.match(r"model\.x[: ].+\.$", error.message, re.DOTALL), error.message
        assert len(error.message) < 600
        return "refused"
    assert all(np.isfinite(array).all() for array in found.model.parameters.values())
    assert set(facts) >= {"format", "claimed_accuracy"}
    export(found, {**facts, "accuracy": facts["claimed_accuracy"]}, "safetensors")  # as it will be kept
    return "read"


def dearest(files: list[bytes]) -> tuple[Counter[str], int, float]:
    """Return how many files ended how, and the most bytes and seconds of the processor that one of them took."""
    outcomes: Counter[str] = Counter()
    memory, seconds = 0, 0.0
    tracemalloc.start()
    try:
        for data in files:
            tracemalloc.reset_peak()
            before, began = tracemalloc.get_traced_memory()[0], time.process_time()
            outcomes[outcome(data)] += 1
            seconds = max(seconds, time.process_time() - began)
            memory = max(memory, tracemalloc.get_traced_memory()[1] - before)
    finally:
        tracemalloc.stop()
    return outcomes, memory, seconds


def spoiled(data: bytes, number: int, rng: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        if len(changed) > 16 and _DIGITS.search(changed):
            SPOILERS[number % len(SPOILERS)](changed, rng)
    return bytes(changed)


def spoiled_within(data: bytes, number: int, rng: random.Random) -> bytes:
    """Spoil one array of an npz and zip it again, so that its checksum is right."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    name = rng.choice(list(members))
    return npz_of(members | {name: spoiled(members[name], number, rng)}, compression=zipfile.ZIP_STORED)


@pytest.mark.parametrize("name", [*FILES, "npz within", "npz-layers within"])
def test_damaged_files_are_refused_or_read(name: str) -> None:
    rng = random.Random(f"{name} 1")  # noqa: S311 - the same files every time
    spoil, whole = (spoiled_within if name.endswith(" within") else spoiled), FILES[name.removesuffix(" within")]
    files = [spoil(whole, number, rng) for number in range(COUNT)]
    outcomes, memory, seconds = dearest(files)
    print(f"{name}: {dict(outcomes)}, {memory / 1e6:.1f} MB, {1000 * seconds:.0f} ms")  # noqa: T201 - see with -s
    assert outcomes.total() == COUNT
    assert outcomes["refused"] > COUNT // 3
    assert memory < MEMORY
    assert seconds < SECONDS


def test_whole_files_are_read_and_noise_is_refused() -> None:
    assert {outcome(data) for data in FILES.values()} == {"read"}
    rng = random.Random(2)  # noqa: S311
    beginnings = (b"PK\x03\x04", b"\x80\x04", b"\x93NUMPY", b"\x10\0\0\0\0\0\0\0{", b"")
    noise = [rng.choice(beginnings) + rng.randbytes(rng.randrange(2_000)) for _ in range(COUNT)]
    assert dearest(noise)[0] == {"refused": COUNT}


def test_a_file_that_costs_too_much_would_be_seen() -> None:
    large = export(network((784, 8_000, 10)), {}, "npz")
    assert dearest([large])[1] > MEMORY
