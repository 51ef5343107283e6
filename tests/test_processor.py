"""OpenBLAS is helped only where it needs it, and never against the user's word."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from hippo.processor import VARIABLE, choose_kernels

FLAGS = "fpu sse2 avx2 avx512f avx512dq avx512cd avx512bw avx512vl"
SRC = Path(__file__).resolve().parents[1] / "src"


def cpuinfo(vendor: str, family: str, flags: str) -> str:
    core = f"processor\t: 0\nvendor_id\t: {vendor}\ncpu family\t: {family}\nflags\t\t: {flags}\n"
    return core + "\n" + core.replace("processor\t: 0", "processor\t: 1")


@pytest.mark.parametrize(
    ("text", "chosen"),
    [
        (cpuinfo("AuthenticAMD", "26", FLAGS), "SkylakeX"),
        (cpuinfo("AuthenticAMD", "26", FLAGS.replace("avx512vl", "")), None),
        (cpuinfo("AuthenticAMD", "25", FLAGS), None),
        (cpuinfo("GenuineIntel", "6", FLAGS), None),
        ("Processor: ARM", None),
        ("", None),
    ],
)
def test_the_choice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, chosen: str | None) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    (tmp_path / "cpuinfo").write_text(text)
    choose_kernels(tmp_path / "cpuinfo")
    assert os.environ.pop(VARIABLE, None) == chosen


def test_the_user_decides(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "Haswell")
    (tmp_path / "cpuinfo").write_text(cpuinfo("AuthenticAMD", "26", FLAGS))
    choose_kernels(tmp_path / "cpuinfo")
    assert os.environ[VARIABLE] == "Haswell"


def test_without_cpuinfo_nothing_is_chosen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    choose_kernels(tmp_path / "missing")
    assert VARIABLE not in os.environ


def test_hippo_chooses_before_numpy_is_imported() -> None:
    code = "import sys, hippo; assert 'numpy' not in sys.modules; import hippo.nn"
    subprocess.run([sys.executable, "-c", code], env={"PYTHONPATH": str(SRC)}, check=True)
