"""The npm packages that only tests need: compilers and types, which `make test` fetches and `make run` does not."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tests.docs.markdown import PROJECT
from tests.docs.test_examples import need

FOLDER = PROJECT / "node_modules"

#: As strict as a new project is today; libraries' own types are not checked again.
OPTIONS = {
    "strict": True,
    "noUncheckedIndexedAccess": True,
    "noImplicitReturns": True,
    "skipLibCheck": True,
    "target": "es2022",
    "module": "es2022",
    "moduleResolution": "bundler",
    "lib": ["es2022", "dom"],
    "types": [],
    "outDir": "out",
}


def package(name: str) -> Path:
    """Return the folder of a package; a machine without it leaves the test out, which strict mode does not accept."""
    path = FOLDER / name
    if not path.is_dir():
        pytest.skip(f"The npm package {name} is missing; make test fetches it.")
    return path


def compiled(folder: Path, *files: str, **options: object) -> str:
    """Compile TypeScript into `out` in a folder; return what the compiler says against it, nothing if all is well."""
    (folder / "tsconfig.json").write_text(json.dumps({"compilerOptions": {**OPTIONS, **options}, "files": files}))
    compiler = package("typescript") / "bin" / "tsc"
    done = subprocess.run(
        [need("node"), str(compiler), "--pretty", "false"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (done.returncode == 0) == (done.stdout == ""), done.stdout + done.stderr
    return done.stdout
