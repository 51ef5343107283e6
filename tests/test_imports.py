"""Who may import whom, held by reading the imports of every file under src/ (also those inside functions)."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

SRC = Path(__file__).resolve().parents[1] / "src"

#: The units of hippo, lowest first: each may import those named here and everything that these may import.
MAY_IMPORT: dict[str, tuple[str, ...]] = {
    "errors": (),
    "clock": (),
    "atomic_files": (),
    "strict_json": (),
    "commands": ("errors",),
    "nn": (),
    "datasets": ("errors", "clock", "atomic_files"),
    "training": ("nn", "datasets"),
    "network_spec": ("training",),
    "network": ("network_spec",),
    "figures": ("network",),
    "logged_network": ("network",),
    "sklearn_estimator": ("network",),
    "persistence": ("network",),
    "recipes": ("network",),
    "run_files": ("atomic_files",),
    "experiment": (
        "run_files",
        "persistence",
    ),
    "experiment_arguments": ("experiment", "recipes"),
    "progress_bar": ("training",),
    "comparison": ("experiment",),
    "settings": ("errors", "clock"),
    "pixels": ("network", "strict_json"),
    "pictures": ("errors",),
    "portraits": ("network",),
    "jobs": ("persistence", "settings", "pixels", "pictures", "portraits"),
    "answers": ("jobs",),
    "network_registry": ("answers",),
    "model_choice": ("network_registry",),
    "inference": ("model_choice",),
    "outcomes": ("inference",),
    "current_network": ("network_registry",),
    "live_view": ("network_registry",),
    "engine": ("inference", "current_network", "live_view"),
    "api": ("engine", "outcomes"),
    "servers": ("api",),
}

#: Packages that only one place may import: by the beginning of the name, the file or folder under src/.
ONLY_IN = {
    "flask": "hippo/api/",
    "eventlet": "hippo/servers/",
    "gevent": "hippo/servers/",
    "matplotlib": "hippo/figures/",
    "huggingface_hub": "hippo/persistence/hub_client.py",
    "httpx2": "hippo/persistence/hub_client.py",
    "sklearn": "hippo/sklearn_estimator.py",
}


def allowed(unit: str) -> set[str]:
    """All units that `unit` may import, itself included."""
    return {unit}.union(*(allowed(lower) for lower in MAY_IMPORT[unit]))


def imported(path: Path, src: Path) -> Iterator[str]:
    """Every module the file imports, by its full name; ``from a import b`` counts as ``a.b``."""
    package = path.relative_to(src).parent.parts
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) + 1 - node.level] if node.level else ()
            base = ".".join([*above, *([node.module] if node.module else [])])
            yield from (f"{base}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] in (
            "import_module",
            "__import__",
        ):
            # By a name that is computed, anything could come in.
            name = node.args[0] if node.args else None
            yield name.value if isinstance(name, ast.Constant) and isinstance(name.value, str) else "?"


def unit_of(module: str) -> str:
    """The unit a module of hippo belongs to; "" for hippo itself (its version)."""
    name = module.removeprefix("hippo").removeprefix(".").partition(".")[0]
    return "" if name.startswith("__") else name


def violations(src: Path) -> list[str]:
    """Every import that is not allowed, as ``file imports module``."""
    found = []
    for path in sorted(src.rglob("*.py")):
        name = path.relative_to(src).as_posix()
        parts = path.relative_to(src).with_suffix("").parts
        inside = parts[0] == "hippo"
        unit = unit_of(".".join(parts)) if inside else None
        if unit and unit not in MAY_IMPORT:
            found.append(f"{name} belongs to no known unit")
            continue
        # "" is hippo itself, its version: for everybody but nn.
        reachable = allowed(unit) | ({""} if unit != "nn" else set()) if unit else set()
        for module in imported(path, src):
            top = module.partition(".")[0]
            if top == "?":
                wrong = True
            elif top == "hippo":
                wrong = inside and unit_of(module) not in reachable
            else:
                wrong = unit == "nn" and top != "numpy" and top not in sys.stdlib_module_names
                wrong |= any(top.startswith(package) and not name.startswith(at) for package, at in ONLY_IN.items())
            if wrong:
                found.append(f"{name} imports {module}")
    return found


def nn_order(src: Path) -> list[str]:
    """The files of nn in the order in which its opening paragraph says to read them."""
    text = ast.get_docstring(ast.parse((src / "hippo/nn/__init__.py").read_text())) or ""
    return re.findall(r"^\d+\. ``(\w+)``", text, re.MULTILINE)


def out_of_order(src: Path) -> list[str]:
    """Every import within nn that goes against the reading order."""
    order = nn_order(src)
    return [
        f"{name} imports {module}"
        for name in order
        for module in imported(src / f"hippo/nn/{name}.py", src)
        if module.startswith("hippo.nn.") and module.split(".")[2] not in order[: order.index(name)]
    ]


# ---- The house as it is


def test_nobody_imports_what_is_not_below() -> None:
    assert violations(SRC) == []


def test_nn_is_read_in_the_order_in_which_it_imports() -> None:
    assert sorted(nn_order(SRC)) == sorted(path.stem for path in (SRC / "hippo/nn").glob("[!_]*.py"))
    assert out_of_order(SRC) == []


def test_nothing_of_others_is_imported_before_the_async_mode_is_chosen() -> None:
    code = "import sys; before = set(sys.modules); import api_server; print(*sorted(set(sys.modules) - before))"
    done = subprocess.run([sys.executable, "-c", code], cwd=SRC, capture_output=True, text=True, check=True)
    others = {name for name in done.stdout.split() if name.partition(".")[0] not in sys.stdlib_module_names}
    assert others == {"api_server", "hippo", "hippo.servers", "hippo.servers.async_mode"}


def test_every_unit_that_is_named_exists() -> None:
    units = {path.stem for path in (SRC / "hippo").iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}
    assert units - {"__init__"} == MAY_IMPORT.keys()


def test_the_table_says_what_the_design_says() -> None:
    chain = ["nn", "training", "network", "persistence", "jobs", "network_registry", "engine", "api", "servers"]
    for place, unit in enumerate(chain):
        assert {"nn", *chain[:place]} <= allowed(unit)
        assert not allowed(unit) & set(chain[place + 1 :])
        assert ("datasets" in allowed(unit)) == (unit != "nn")
        assert ("settings" in allowed(unit)) == (place >= chain.index("jobs"))
        assert ({"errors", "clock", "atomic_files"} <= allowed(unit)) == (unit != "nn")
    assert allowed("nn") == {"nn"}


# ---- The checker itself, on made trees


@pytest.mark.parametrize(
    ("file", "line", "module"),
    [
        ("hippo/nn/layers.py", "import scipy.linalg", "scipy.linalg"),
        ("hippo/nn/layers.py", "from hippo.errors import InvalidValue", "hippo.errors.InvalidValue"),
        ("hippo/nn/layers.py", "from hippo import clock", "hippo.clock"),
        ("hippo/nn/layers.py", "from hippo import __version__", "hippo.__version__"),
        ("hippo/nn/layers.py", "from .. import training", "hippo.training"),
        ("hippo/nn/layers.py", "from ..training.loop import train", "hippo.training.loop.train"),
        ("hippo/errors.py", "import hippo.nn", "hippo.nn"),
        ("hippo/__init__.py", "from hippo.network import NeuralNetwork", "hippo.network.NeuralNetwork"),
        ("hippo/datasets/download.py", "from hippo.nn import Array", "hippo.nn.Array"),
        ("hippo/datasets/download.py", "from hippo.settings import Settings", "hippo.settings.Settings"),
        ("hippo/training/loop.py", "from hippo.network import NeuralNetwork", "hippo.network.NeuralNetwork"),
        ("hippo/training/loop.py", "import flask", "flask"),
        ("hippo/network.py", "from hippo.persistence import model_persistence", "hippo.persistence.model_persistence"),
        ("hippo/persistence/files.py", "import hippo.jobs.store", "hippo.jobs.store"),
        ("hippo/persistence/files.py", "from hippo import settings", "hippo.settings"),
        ("hippo/jobs/manager.py", "from hippo.engine import Engine", "hippo.engine.Engine"),
        ("hippo/jobs/manager.py", "from hippo import network_registry", "hippo.network_registry"),
        ("hippo/jobs/manager.py", "def f():\n    import flask_socketio", "flask_socketio"),
        ("hippo/jobs/manager.py", "try:\n    import eventlet\nexcept ImportError:\n    pass", "eventlet"),
        ("hippo/jobs/manager.py", "import importlib\nimportlib.import_module('gevent.lock')", "gevent.lock"),
        ("hippo/jobs/manager.py", "import importlib\nimportlib.import_module('hippo.' + 'api')", "?"),
        ("hippo/jobs/manager.py", "__import__('flask')", "flask"),
        ("hippo/network_registry.py", "from hippo.engine import Engine", "hippo.engine.Engine"),
        ("hippo/engine.py", "from flask import Flask", "flask.Flask"),
        ("hippo/api/app.py", "from eventlet import wsgi", "eventlet.wsgi"),
        ("hippo/api/app.py", "import gevent", "gevent"),
        ("hippo/api/app.py", "from hippo.servers import async_mode", "hippo.servers.async_mode"),
        ("hippo/servers/one.py", "from flask import request", "flask.request"),
        ("train_mnist.py", "import flask", "flask"),
        ("evaluate.py", "from matplotlib.figure import Figure", "matplotlib.figure.Figure"),
        ("hippo/persistence/model_manager.py", "import huggingface_hub", "huggingface_hub"),
        ("hippo/figures/curves.py", "from hippo.persistence import arrays_file", "hippo.persistence.arrays_file"),
        ("train_mnist.py", "import eventlet", "eventlet"),
        ("api_server.py", "import eventlet", "eventlet"),
        ("hippo/network.py", "from sklearn.base import BaseEstimator", "sklearn.base.BaseEstimator"),
    ],
)
def test_a_forbidden_import_is_found(file: str, line: str, module: str, tmp_path: Path) -> None:
    _write(tmp_path, file, f'"""A file."""\nimport numpy\n{line}\n')
    assert violations(tmp_path) == [f"{file} imports {module}"]


@pytest.mark.parametrize(
    ("file", "line"),
    [
        ("hippo/nn/layers.py", "import math\nimport numpy as np\nfrom collections.abc import Iterator"),
        (
            "hippo/nn/layers.py",
            "from hippo.nn.module import Module\nfrom .initializers import he\nfrom . import losses",
        ),
        ("hippo/datasets/dataset.py", "from hippo.errors import InvalidValue\nimport hippo.clock"),
        ("hippo/training/loop.py", "from hippo.datasets.dataset import Dataset\nimport threadpoolctl\nimport hippo.nn"),
        ("hippo/jobs/run.py", "from hippo.nn import Array\nfrom hippo.settings import Settings"),
        (
            "hippo/api/app.py",
            "import flask\nimport flask_cors\nfrom hippo.engine import Engine\nfrom hippo import jobs",
        ),
        ("hippo/api/openapi.py", "from hippo import __version__"),
        ("hippo/servers/one.py", "import eventlet\nimport gevent.monkey\nfrom hippo.api.errors import error_body"),
        ("api_server.py", "from hippo.api.app import create_app\nfrom hippo.servers import async_mode"),
    ],
)
def test_an_allowed_import_is_not_found(file: str, line: str, tmp_path: Path) -> None:
    _write(tmp_path, file, line)
    assert violations(tmp_path) == []


def test_a_new_unit_must_be_given_its_place(tmp_path: Path) -> None:
    _write(tmp_path, "hippo/novelty.py", "")
    _write(tmp_path, "hippo/more/part.py", "")
    assert violations(tmp_path) == [
        "hippo/more/part.py belongs to no known unit",
        "hippo/novelty.py belongs to no known unit",
    ]


def test_an_import_against_the_reading_order_is_found(tmp_path: Path) -> None:
    _write(tmp_path, "hippo/nn/__init__.py", '"""Read:\n\n1. ``module``  first\n2. ``layers``  second\n"""\n')
    _write(tmp_path, "hippo/nn/module.py", "from hippo.nn.layers import Linear")
    _write(tmp_path, "hippo/nn/layers.py", "from hippo.nn.module import Module")
    assert out_of_order(tmp_path) == ["module imports hippo.nn.layers.Linear"]


def _write(src: Path, file: str, text: str) -> None:
    path = src / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
