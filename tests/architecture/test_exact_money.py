"""No float comes near money and quantity. Source: docs of canonical/money.py; the engine's promise 6."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest

from tests.support.source_tree import Module, dotted, modules

FOLDERS = ("engine/canonical", "engine/mapping", "engine/procure", "transforms")


def floats(module: Module) -> Iterator[str]:
    """Float literals, calls and annotations of float, and true division, which makes floats of whole numbers."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, float | complex):
            yield f"{module.at(node)}: a float literal"
        if isinstance(node, ast.Call) and dotted(node.func) in {"float", "math.fsum", "statistics.mean"}:
            yield f"{module.at(node)}: {dotted(node.func)}()"
        if isinstance(node, ast.arg | ast.AnnAssign) and node.annotation is not None:
            names = (n for n in ast.walk(node.annotation) if dotted(n) == "float")
            yield from (f"{module.at(node)}: annotated as float" for _ in names)


def test_no_float_in_documents_mappings_and_transforms() -> None:
    assert [fault for module in modules(*FOLDERS) for fault in floats(module)] == []


@pytest.mark.parametrize("text", ["price = 0.1", "price = float(text)", "def pay(amount: float) -> None: ..."])
def test_the_gate_sees_each_kind_of_float(text: str) -> None:
    assert list(floats(Module("transforms/invented.py", text, ast.parse(text)))) != []
