"""How large a file and a function may grow, and what says in words what it is. Source: docs/contributing.md."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tests.support.source_tree import Module, dotted, functions, lines_of, modules

LONGEST_MODULE = 400
LONGEST_FUNCTION = 60


def test_no_module_is_longer_than_400_lines() -> None:
    long = {module.name: module.text.count("\n") for module in modules("engine", "transforms")}

    assert {name: lines for name, lines in long.items() if lines > LONGEST_MODULE} == {}


def test_no_function_is_longer_than_60_lines() -> None:
    found = [(m.at(f), f.name, lines_of(f)) for m in modules("engine", "transforms") for f in functions(m)]

    assert [one for one in found if one[2] > LONGEST_FUNCTION] == []


def test_functions_stay_short_on_the_whole() -> None:
    lengths = sorted(lines_of(f) for m in modules("engine") for f in functions(m))

    assert lengths[len(lengths) // 2] <= 8


def test_every_module_says_what_it_is() -> None:
    silent = [m.name for m in modules("engine", "transforms") if m.text.strip() and not ast.get_docstring(m.tree)]

    assert silent == []


def test_every_public_class_that_acts_says_what_it_is() -> None:
    """Values, enums and errors are told by their fields; the one acting class of a module by the module's docstring."""
    assert [name for module in modules("engine") for name in _silent_classes(module)] == []


def _silent_classes(module: Module) -> Iterator[str]:
    public = [n for n in module.tree.body if isinstance(n, ast.ClassDef) and not n.name.startswith("_")]
    acting = [one for one in public if any(_is_action(node) for node in one.body)]
    if len(acting) > 1:
        yield from (f"{module.at(one)} {one.name}" for one in acting if not _told(one))


def _told(one: ast.ClassDef) -> bool:
    """By its own docstring, or by one at each of its actions, as ports do."""
    actions = [n for n in one.body if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef) and _is_action(n)]
    return ast.get_docstring(one) is not None or all(ast.get_docstring(action) for action in actions)


def _is_action(node: ast.stmt) -> bool:
    """A method that is no property, validator, serializer or special method."""
    if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) or node.name.startswith("_"):
        return False
    return all("staticmethod" in ast.dump(d) or "classmethod" in ast.dump(d) for d in node.decorator_list)


def test_what_raises_out_of_a_public_contract_says_so() -> None:
    """The public face of transform scripts and ports: a function there that raises names its errors."""
    silent = [
        f"{module.at(function)} {function.name}"
        for module in modules("engine/ports", "engine/canonical")
        for function in functions(module)
        if not function.name.startswith("_") and not _is_validator(function)
        if any(isinstance(node, ast.Raise) and _is_an_outcome(node) for node in ast.walk(function))
        if "Raises:" not in (ast.get_docstring(function) or "")
    ]

    assert silent == []


def _is_an_outcome(node: ast.Raise) -> bool:
    """Any error but a programmer's mistake, which TypeError and NotImplementedError tell."""
    raised = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
    return raised is not None and dotted(raised) not in {"TypeError", "NotImplementedError", "AssertionError"}


def _is_validator(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    return any("validator" in ast.dump(decorator) for decorator in function.decorator_list)
