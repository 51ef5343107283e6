"""What the commands share: arguments and failures that end in one line on standard error and a code for the shell.

Every command is `sys.exit(run(main))` around a `main` that parses with `Parser`, calls hippo and prints. What a command
does, and how its report looks, is its own matter.
"""

from __future__ import annotations

import argparse
import io
import logging
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

from hippo.errors import HippoError

OK = 0
#: Bad arguments, a bad file, or output that cannot be written.
REFUSED = 2
#: What a shell reports for a program that Ctrl-C (signal 2) or a closed pipe (signal 13) has ended: 128 + the number.
INTERRUPTED = 128 + 2
PIPE_CLOSED = 128 + 13


class Parser(argparse.ArgumentParser):
    """An argparse parser whose complaint is one line; options must be written in full.

    Parameters
    ----------
    **settings
        As for `argparse.ArgumentParser`.
    """

    def __init__(self, **settings: Any) -> None:
        # An abbreviation that works today is ambiguous once a longer option with the same beginning exists.
        super().__init__(**({"allow_abbrev": False} | settings))

    def error(self, message: str) -> NoReturn:
        """Say what is wrong with the arguments, and end with code 2."""
        self.exit(REFUSED, f"{self.prog}: {one_line(message)} (--help names all arguments)\n")


def run(command: Callable[[], int | None]) -> int:
    """Run a command and return its exit code; whatever fails in a foreseen way costs one line on standard error.

    Parameters
    ----------
    command
        Returns its exit code, None for 0. May leave by SystemExit, as argparse does.

    Returns
    -------
    int
        The command's own code; 2 for a HippoError or OSError; 130 after Ctrl-C; 141, in silence, when who reads the
        output has closed it, as `head` does.
    """
    # What the library logs is for a server; without this, Python would print its warnings between the lines.
    logging.getLogger("hippo").addHandler(logging.NullHandler())
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a name of a file need not be text of this terminal
    try:
        code = _code(command)
        # Here and not while Python ends, where a full disk would go by as a warning.
        if sys.stdout is not None:
            sys.stdout.flush()
    except BrokenPipeError:
        code = PIPE_CLOSED
    except KeyboardInterrupt:
        code = _fail("Interrupted.", INTERRUPTED)
    except HippoError as error:
        code = _fail(error.message)
    except OSError as error:
        at = f"{error.filename}: " if error.filename is not None else ""
        code = _fail(f"{at}{error.strerror or error}.")
    _settle_output()
    return code


def one_line(text: str) -> str:
    """Return `text` as one line of printable characters; others, such as those in a name of a file, are escaped."""
    line = " ".join(text.split())
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in line)


def _code(command: Callable[[], int | None]) -> int:
    try:
        return command() or OK
    except SystemExit as end:
        if end.code is None or isinstance(end.code, int):
            return end.code or OK
        return _fail(str(end.code), 1)


def _fail(message: str, code: int = REFUSED) -> int:
    if sys.stderr is not None:
        sys.stderr.write(f"{Path(sys.argv[0]).name}: {one_line(message)}\n")
    return code


def _settle_output() -> None:
    """Write what is still to be written, or see to it that Python does not try once more as it ends."""
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except (OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
