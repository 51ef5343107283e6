"""Helps NumPy's linear algebra to know the processor, where it does not.

OpenBLAS looks at the processor when NumPy is first imported and chooses among kernels made for different ones. A
processor newer than the library falls back to kernels without AVX-512 although it has it: measured on an AMD processor
of family 26 (Zen 5) with the OpenBLAS 0.3.31 in NumPy 2.4, a step of training then takes a third longer. The choice can
be made for it by an environment variable, as long as NumPy is not imported yet, so this runs when ``hippo`` is. Workers
inherit it.

Other kernels add up in another order, which changes the last bits of the weights: they are the same on the same kind of
processor, for whoever imports ``hippo`` before NumPy. Whoever sets OPENBLAS_CORETYPE decides alone.
"""

from __future__ import annotations

import os
from pathlib import Path

VARIABLE = "OPENBLAS_CORETYPE"
#: What the kernels for Skylake-X use; a processor that lacks one would stop at the first instruction of it.
_NEEDED = frozenset({"avx512f", "avx512cd", "avx512bw", "avx512dq", "avx512vl"})
_OVERLOOKED = ("AuthenticAMD", "26")


def choose_kernels(cpuinfo: Path = Path("/proc/cpuinfo")) -> None:
    """Set OPENBLAS_CORETYPE where it is not set and the processor is one that OpenBLAS underrates."""
    try:
        first, _, _ = cpuinfo.read_text().partition("\n\n")
    except OSError:
        return  # not Linux: OpenBLAS is left to itself
    facts = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in first.splitlines())}
    if (facts.get("vendor_id"), facts.get("cpu family")) == _OVERLOOKED and set(
        facts.get("flags", "").split()
    ) >= _NEEDED:
        os.environ.setdefault(VARIABLE, "SkylakeX")
