"""X12 bodies for scripts: each transaction set of an interchange is one message."""

from __future__ import annotations

from typing import Any

from engine.ports.script import Program


def open_sets(program: Program, body: bytes) -> list[Any]:
    from engine.protocols.x12 import read_file

    return [t for i in read_file(body).interchanges for g in i.groups for t in g.sets]
