"""One line and a code for every way to end: run in processes of their own, as the shell sees them, and inline."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from hippo.commands import Parser, one_line, run
from hippo.errors import DataError

SRC = Path(__file__).resolve().parents[2] / "src"
HEAD = "import sys\nfrom hippo.commands import Parser, run\n"


def shell(code: str, output: int = subprocess.PIPE) -> subprocess.CompletedProcess[str]:
    """Run Python code as a command that is called made.py."""
    text = f"{HEAD}sys.argv = ['/somewhere/made.py']\n{code}"
    return subprocess.run(
        [sys.executable, "-c", text], stdout=output, stderr=subprocess.PIPE, text=True, env={"PYTHONPATH": str(SRC)}
    )


def test_what_is_wrong_with_the_arguments_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    parser = Parser(prog="made.py")
    parser.add_argument("--a-very-long-option-that-makes-the-usage-long", type=int)
    parser.add_argument("--another-very-long-option-that-makes-the-usage-longer", type=int)
    with pytest.raises(SystemExit) as end:
        parser.parse_args(["--nonsense", "a\nb"])
    assert end.value.code == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err == "made.py: unrecognized arguments: --nonsense a b (--help names all arguments)\n"


def test_options_are_not_guessed_from_their_beginning() -> None:
    parser = Parser(prog="made.py")
    parser.add_argument("--epochs", type=int)
    with pytest.raises(SystemExit):
        parser.parse_args(["--epo", "3"])


@pytest.mark.parametrize(
    ("code", "status", "said"),
    [
        ("def main(): return None", 0, ""),
        ("def main(): return 3", 3, ""),
        ("def main(): sys.exit()", 0, ""),
        ("def main(): sys.exit(4)", 4, ""),
        ("def main(): sys.exit('Enough.')", 1, "made.py: Enough.\n"),
        ("def main(): raise KeyboardInterrupt", 130, "made.py: Interrupted.\n"),
        ("def main(): open('/nowhere/x')", 2, "made.py: /nowhere/x: No such file or directory.\n"),
        ("def main(): raise OSError('odd')", 2, "made.py: odd.\n"),
        ("def main(): raise BrokenPipeError", 141, ""),
        (
            "from hippo.errors import DataError\ndef main(): raise DataError('x is\\ncut off.')",
            2,
            "made.py: x is cut off.\n",
        ),
    ],
)
def test_every_way_to_end_has_its_code_and_at_most_one_line(code: str, status: int, said: str) -> None:
    ended = shell(f"{code}\nsys.exit(run(main))")
    assert (ended.returncode, ended.stdout, ended.stderr) == (status, "", said)


def test_what_was_printed_before_a_failure_is_not_lost() -> None:
    ended = shell("def main():\n    print('so far')\n    raise OSError('odd')\nsys.exit(run(main))")
    assert (ended.returncode, ended.stdout, ended.stderr) == (2, "so far\n", "made.py: odd.\n")


@pytest.mark.parametrize("size", [10, 1_000_000])
def test_output_that_nobody_reads_ends_the_command_in_silence(size: int) -> None:
    # The reader's end is closed before the command starts, so that its first write meets a broken pipe.
    code = "import os\nread, write = os.pipe()\nos.close(read)\nos.dup2(write, 1)\nos.close(write)\n"
    ended = shell(f"{code}def main(): print('x' * {size})\nsys.exit(run(main))")
    assert (ended.returncode, ended.stderr) == (141, "")


@pytest.mark.parametrize("size", [10, 1_000_000])
def test_output_that_cannot_be_written_is_one_line(size: int) -> None:
    with Path("/dev/full").open("w") as full:
        ended = shell(f"def main(): print('x' * {size})\nsys.exit(run(main))", full.fileno())
    assert (ended.returncode, ended.stderr) == (2, "made.py: No space left on device.\n")


def test_an_error_of_the_program_itself_is_not_hidden() -> None:
    def wrong() -> int:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run(wrong)


def test_the_code_is_returned_inline_too(capsys: pytest.CaptureFixture[str]) -> None:
    def refused() -> int:
        raise DataError("x is missing.")

    assert run(lambda: None) == 0
    assert run(refused) == 2
    assert capsys.readouterr().err.endswith(": x is missing.\n")


def test_a_line_holds_nothing_that_moves_the_cursor() -> None:
    assert one_line("a\n\tb \x1b[2J\udcff") == "a b \\x1b[2J\\udcff"
