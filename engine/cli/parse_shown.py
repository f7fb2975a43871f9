"""What `isthmus parse` tells of a file, and how values are shown as a tree."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from engine.cli.workspace import printable

_TREE_LIMIT = 2000


class Parsed(msgspec.Struct, frozen=True):
    """`tree` gives lines for people; `encode` writes the file again from what was read.

    `broken`: those findings because of which it is not the whole file that its sender wrote.
    """

    summary: str
    findings: tuple[str, ...]
    encode: Callable[[], bytes]
    tree: Callable[[], Iterator[str]]
    broken: tuple[str, ...] = ()


def counted(count: int, what: str, several: str | None = None) -> str:
    return f"{count} {what if count == 1 else several or what + 's'}"


def json_tree(value: Any) -> Iterator[str]:
    lines = json.dumps(value, indent=2, ensure_ascii=False, default=str).splitlines()
    yield from map(printable, lines[:_TREE_LIMIT])
    if len(lines) > _TREE_LIMIT:
        yield f"… {len(lines) - _TREE_LIMIT} more lines"
