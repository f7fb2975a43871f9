"""Imports go downward, and the cores do no I/O: the contracts of pyproject hold, and they cover every part."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
import tomllib

import pytest

from tests.support.source_tree import ROOT, modules

OPENS_IN_MEMORY = {"engine/protocols/archive.py"}  # members of an archive that is bytes already
CORES = ("engine/protocols", "engine/canonical", "engine/mapping")


def test_the_contracts_between_the_layers_hold() -> None:
    pytest.importorskip("importlinter", reason="import-linter is not installed")
    # A process of its own: the linter keeps the graph in module-level state and changes the import path.
    call = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(no_cache=True))"
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", call], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]
    assert "0 broken" in done.stdout


def test_every_part_of_the_engine_has_its_layer() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    layers = next(contract for contract in contracts if contract["type"] == "layers")
    named = {part.strip() for line in layers["layers"] for part in line.split("|")}
    parts = {
        path.stem for path in (ROOT / "engine").iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()
    }

    assert layers["exhaustive"] is True
    assert named == parts - {"__init__"}


def test_cores_await_nothing_and_ask_no_clock() -> None:
    asks = {"now", "utcnow", "today", "monotonic", "perf_counter", "urandom", "uuid4", "getenv", "print"}
    found = []
    for module in modules(*CORES):
        for node in ast.walk(module.tree):
            if isinstance(node, ast.AsyncFunctionDef | ast.Await | ast.AsyncFor | ast.AsyncWith):
                found.append(f"{module.at(node)}: awaits")
            if isinstance(node, ast.Call):
                called = getattr(node.func, "attr", getattr(node.func, "id", ""))
                in_memory = isinstance(node.func, ast.Attribute) and module.name in OPENS_IN_MEMORY
                if called in asks or (called == "open" and not in_memory):
                    found.append(f"{module.at(node)}: asks the world")

    assert found == []
