"""A small part of FHIRPath, compiled once: names, positions, `where(name='text')`, `first()`, `last()`.

    Invoice.totalNet.value          entry[0].resource.id
    identifier.where(system='urn:x').value          item.reference.first()

A leading resource type is a check: of another type nothing is found. Positions count from 0, as in FHIRPath.
A name that is a choice (`value`) finds the typed element (`valueQuantity`). Source: hl7.org/fhirpath, section 3.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any

from engine.core.errors import ExpressionError

Step = Callable[[list[Any]], list[Any]]
Find = Callable[[Any], list[Any]]
MAX_LENGTH = 500

_TOKEN = re.compile(
    r"""\.?(?:
      where\(\s*(?P<key>[A-Za-z_][\w.]*)\s*=\s*'(?P<text>[^'\\]*)'\s*\)
    | (?P<function>first|last|exists|count)\(\)
    | (?P<name>[A-Za-z_]\w*)
    )(?P<positions>(?:\[\d{1,6}\])*)""",
    re.VERBOSE | re.ASCII,
)


@lru_cache(maxsize=2048)
def compile_path(path: str) -> Find:
    """The finder of a path.

    Raises:
        ExpressionError: not of the part that is understood; names the column.
    """
    if not path or len(path) > MAX_LENGTH or path.startswith("."):
        raise ExpressionError(f"a path has 1 to {MAX_LENGTH} characters and begins with a name", where="column 1")
    steps, position = [], 0
    while position < len(path):
        match = _TOKEN.match(path, position)
        if match is None or (position and path[position] != "."):
            raise ExpressionError("not understood in a path", where=f"column {position + 1}")
        steps += _steps(match, first=position == 0)
        position = match.end()
    return lambda tree: _walk(steps, tree)


def _walk(steps: list[Step], tree: Any) -> list[Any]:
    found = [tree]
    for step in steps:
        found = step(found)
    return found


def _steps(match: re.Match[str], *, first: bool) -> list[Step]:
    name, function, key = match["name"], match["function"], match["key"]
    if key:
        steps = [_where(compile_path(key), match["text"])]
    elif function:
        steps = [_FUNCTIONS[function]]
    elif first and name[0].isupper():
        steps = [lambda found: [one for one in found if isinstance(one, dict) and one.get("resourceType") == name]]
    else:
        steps = [lambda found: _children(found, name)]
    return steps + [_at(int(text)) for text in re.findall(r"\d+", match["positions"])]


def _children(found: Iterable[Any], name: str) -> list[Any]:
    children: list[Any] = []
    for one in found:
        if not isinstance(one, dict):
            continue
        value = one.get(name)
        if value is None:
            value = _choice(one, name)
        children += value if isinstance(value, list) else [] if value is None else [value]
    return children


def _choice(one: dict[str, Any], name: str) -> Any:
    length = len(name)
    return next((v for k, v in one.items() if len(k) > length and k.startswith(name) and k[length].isupper()), None)


def _where(find: Find, text: str) -> Step:
    return lambda found: [one for one in found if any(str(value) == text for value in find(one))]


def _at(position: int) -> Step:
    return lambda found: found[position : position + 1]


_FUNCTIONS: dict[str, Step] = {
    "first": lambda found: found[:1],
    "last": lambda found: found[-1:],
    "exists": lambda found: [bool(found)],
    "count": lambda found: [len(found)],
}
