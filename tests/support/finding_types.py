"""Every type of exception that a decider can make, read from the code itself: no list that somebody forgets to extend.

A call of `Finding` names the type. Where that is a parameter, the callers of that function name it, and so on.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

FOLDER = Path(__file__).parents[2] / "engine" / "procure"


_Named = dict[tuple[str, str], set[tuple[int, str]]]  # module and function to its arguments that are types


class Found(NamedTuple):
    """`types`: literal ones; `{}` in it: a part is put in. `unclear`: places where the type cannot be read."""

    types: frozenset[str]
    unclear: tuple[str, ...]


class _Function(NamedTuple):
    module: str
    name: str
    node: ast.FunctionDef
    tree: ast.Module

    @property
    def parameters(self) -> list[str]:
        names = [one.arg for one in (*self.node.args.posonlyargs, *self.node.args.args)]
        return names[1:] if names[:1] in (["self"], ["cls"]) else names


def finding_types(folder: Path = FOLDER) -> Found:
    trees = {path: ast.parse(path.read_text()) for path in sorted(folder.rglob("*.py"))}
    functions = [
        _Function(_module(path), node.name, node, tree)
        for path, tree in trees.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef)
    ]
    return _Reading(functions).run()


def _module(path: Path) -> str:
    return ".".join(path.relative_to(FOLDER.parents[1]).with_suffix("").parts)


class _Reading:
    def __init__(self, functions: list[_Function]) -> None:
        self._functions = functions
        self._named: _Named = {("", "Finding"): {(0, "type")}}  # which argument is a type
        self._types: set[str] = set()
        self._unclear: set[str] = set()
        self._seen: set[int] = set()
        self._own = {one.module: _tables(one.tree) for one in functions}
        self._tables = {name: table for own in self._own.values() for name, table in own.items()}

    def run(self) -> Found:
        before = -1
        while before != sum(map(len, self._named.values())):
            before = sum(map(len, self._named.values()))
            for one in self._functions:
                for argument in list(_arguments(one, self._named)):
                    self._read(one, argument)
        return Found(frozenset(self._types), tuple(sorted(self._unclear)))

    def _read(self, one: _Function, value: ast.expr) -> None:
        if id(value) in self._seen:
            return
        self._seen.add(id(value))
        if isinstance(value, ast.Constant) and isinstance(value.value, str):
            self._types.add(value.value)
        elif isinstance(value, ast.JoinedStr):
            self._types.add("".join(str(p.value) if isinstance(p, ast.Constant) else "{}" for p in value.values))
        elif isinstance(value, ast.Name) and value.id in one.parameters:
            self._named.setdefault((one.module, one.name), set()).add((one.parameters.index(value.id), value.id))
        else:
            found = list(_parts(value)) or list(self._assigned(one, value)) or list(self._faults(value))
            for part in found:
                self._read(one, part)
            if not found:
                self._unclear.add(f"{one.module} {one.name}: {ast.unparse(value)}")

    def _assigned(self, one: _Function, value: ast.expr) -> Iterator[ast.expr]:
        """By the tables of its own module before those of others."""
        return _assigned(one, value, self._tables | self._own[one.module])

    def _faults(self, value: ast.expr) -> Iterator[ast.expr]:
        """Of `*fault`: the first of each tuple in the functions that say that they give a `Fault`."""
        if not isinstance(value, ast.Starred):
            return
        for one in self._functions:
            if (
                "Fault" in _tables(one.tree)
                and one.node.returns is not None
                and re.search(r"\bFault\b", ast.unparse(one.node.returns))
            ):
                tuples = [node for node in ast.walk(one.node) if isinstance(node, ast.Tuple) and len(node.elts) > 1]
                yield from (node.elts[0] for node in tuples if isinstance(node.elts[0], ast.Constant))


def _parts(value: ast.expr) -> Iterator[ast.expr]:
    """Of an either-or."""
    if isinstance(value, ast.IfExp):
        yield from (value.body, value.orelse)
    if isinstance(value, ast.BoolOp):
        yield from value.values


def _arguments(one: _Function, named: _Named) -> Iterator[ast.expr]:
    lines = [node for node in one.tree.body if isinstance(node, ast.ImportFrom)]
    imported = {word.name: node.module for node in lines for word in node.names}
    for call in ast.walk(one.node):
        if not isinstance(call, ast.Call):
            continue
        called = call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")
        home = imported.get(called) or ""
        places = {*named.get(("", called), ()), *named.get((one.module, called), ()), *named.get((home, called), ())}
        for place, name in places:
            by_name = [word.value for word in call.keywords if word.arg == name]
            yield from by_name or call.args[place : place + 1]


def _tables(tree: ast.Module) -> dict[str, ast.expr]:
    """What a module's own names stand for."""
    plain = {one.id: node.value for node in tree.body if isinstance(node, ast.Assign) for one in node.targets
             if isinstance(one, ast.Name)}  # fmt: skip
    typed = {node.target.id: node.value for node in tree.body if isinstance(node, ast.AnnAssign) and node.value
             and isinstance(node.target, ast.Name)}  # fmt: skip
    pairs = [
        pair
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Tuple)
        for target in node.targets
        if isinstance(target, ast.Tuple)
        for pair in zip(target.elts, node.value.elts, strict=False)
    ]
    return plain | typed | {one.id: value for one, value in pairs if isinstance(one, ast.Name)}


def _assigned(one: _Function, value: ast.expr, tables: dict[str, ast.expr]) -> Iterator[ast.expr]:
    """What a name, or an entry of a table, may be: by the assignments of the function, then of all modules."""
    if isinstance(value, ast.Subscript) and isinstance(value.value, ast.Name):
        table = tables.get(value.value.id)
        yield from table.values if isinstance(table, ast.Dict) else getattr(table, "elts", ())
    if not isinstance(value, ast.Name):
        return
    found = [part for node in ast.walk(one.node) for part in _values_of(node, value.id, tables)]
    yield from found or [part for node in ast.walk(one.node) for part in _looped(one.node, node, value.id)]
    if not found and value.id in tables:
        yield tables[value.id]


def _values_of(node: ast.AST, name: str, tables: dict[str, ast.expr]) -> Iterator[ast.expr]:
    if isinstance(node, ast.AnnAssign) and node.value is not None:
        targets, value = [node.target], node.value
    elif isinstance(node, ast.Assign):
        targets, value = list(node.targets), node.value
    else:
        return
    for target in targets:
        if isinstance(target, ast.Name) and target.id == name:
            yield value
        elif isinstance(target, ast.Tuple):
            yield from _unpacked(target, value, name, tables)


def _unpacked(target: ast.Tuple, value: ast.expr, name: str, tables: dict[str, ast.expr]) -> Iterator[ast.expr]:
    names = [getattr(one, "id", None) for one in target.elts]
    if name not in names:
        return
    whole = [value.body, value.orelse] if isinstance(value, ast.IfExp) else [value]
    if isinstance(value, ast.Subscript) and isinstance(value.value, ast.Name):
        table = tables.get(value.value.id)
        whole = list(table.values) if isinstance(table, ast.Dict) else []
    yield from (part.elts[names.index(name)] for part in whole if isinstance(part, ast.Tuple))


def _looped(scope: ast.AST, node: ast.AST, name: str) -> Iterator[ast.expr]:
    """What a loop's name may be: that place of every tuple of this length in the function."""
    if not (isinstance(node, ast.For | ast.comprehension) and isinstance(node.target, ast.Tuple)):
        return
    names = [getattr(one, "id", None) for one in node.target.elts]
    if name in names:
        tuples = [one for one in ast.walk(scope) if isinstance(one, ast.Tuple) and len(one.elts) == len(names)]
        found = [one.elts[names.index(name)] for one in tuples if one is not node.target]
        yield from (one for one in found if isinstance(one, ast.Constant | ast.IfExp | ast.JoinedStr))
