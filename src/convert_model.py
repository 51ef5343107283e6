"""Turn a model file into one of another kind: `python src/convert_model.py MODEL OUT`.

Reads what the server's import reads, by content, and writes what its export writes, by the end of OUT's name. Nothing
in a file is executed, and MODEL is not changed.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from hippo.atomic_files import write_atomically
from hippo.commands import Parser, run
from hippo.errors import ImportRefused, InvalidValue
from hippo.persistence.interchange import FORMATS, export, read_any
from hippo.persistence.npz_format import companion
from hippo.persistence.untrusted import finite_json, kept_facts

#: Bytes that the JSON beside an npz may have.
MAX_COMPANION = 1_000_000


def parser() -> argparse.ArgumentParser:
    """Return the parser of this command's arguments."""
    made = Parser(prog="convert_model.py", description="Turn a model file into one of another kind.")
    made.add_argument("model", type=Path, metavar="MODEL", help="a .safetensors that Hippo wrote, or an .npz")
    made.add_argument("out", type=Path, metavar="OUT", help="the file to write: .safetensors, .npz or .onnx")
    made.add_argument("--format", choices=FORMATS, help="unless given, what the end of OUT's name says")
    return made


def main() -> None:
    """Run the command."""
    arguments = parser().parse_args()
    form = arguments.format or by_name(arguments.out)
    if not arguments.out.parent.is_dir():
        raise InvalidValue(f"The folder of OUT is not there: {arguments.out.parent}. Make it first.")
    network, facts = read_any(arguments.model, str(arguments.model))
    facts = beside(arguments.model, facts)
    claim = facts.get("claimed_accuracy")
    if arguments.out.exists() and arguments.out.samefile(arguments.model):
        raise InvalidValue(f"OUT is MODEL itself: {arguments.out}. Choose another name.")
    written = {name: value for name, value in facts.items() if name != "format"}
    data = export(network, written if form == "safetensors" else written | {"accuracy": claim}, form)
    if form == "npz":
        note = arguments.out.with_suffix(".json")
        if note.exists() and read_note(note) is None:
            raise InvalidValue(f"{note} is there and is no description of a training. Choose another name for OUT.")
        write_atomically(note, companion(facts))
    write_atomically(arguments.out, data)
    sizes = "-".join(map(str, network.spec.layer_sizes))
    print(f"{arguments.out}: {sizes}, {network.spec.activation}, as {form}, {len(data):,} bytes")


def by_name(out: Path) -> str:
    """Return the format that the end of a name stands for; raises InvalidValue for any other."""
    for form, ending in FORMATS.items():
        if out.suffix.lower() == ending:
            return form
    raise InvalidValue(f"The name of OUT must end in .safetensors, .npz or .onnx, or --format say what it is: {out}")


def beside(model: Path, facts: dict[str, Any]) -> dict[str, Any]:
    """Return the facts of a file, with those of the JSON that other programs write beside their npz."""
    note = read_note(model.with_suffix(".json")) if facts["format"] == "npz" else None
    return facts | {name: value for name, value in kept_facts(note or {}).items() if value is not None}


def read_note(path: Path) -> dict[str, Any] | None:
    """Return the JSON object with ``training_config`` or ``final_accuracy`` in a file; None where it is none."""
    if not path.is_file() or path.stat().st_size > MAX_COMPANION:
        return None
    try:
        value = finite_json(path.read_bytes(), str(path))
    except ImportRefused:
        return None
    known = isinstance(value, dict) and ("training_config" in value or "final_accuracy" in value)
    return value if known else None


if __name__ == "__main__":
    sys.exit(run(main))
