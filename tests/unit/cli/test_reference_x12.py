"""Every finding that an X12 reader or validator can make is in the reference, and nothing else."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from engine.cli.reference_x12 import NOTES, x12_lines
from engine.protocols.x12.envelope import _ISA_NOTES
from engine.protocols.x12.findings import Finding, Level
from engine.protocols.x12.outcome import _NAMES
from engine.protocols.x12.validate import _ELEMENT_WORDS, _SEGMENT_WORDS
from tests.support.source_tree import dotted, modules

MAKERS = {"_fault": Level.INTERCHANGE, "_group_fault": Level.GROUP, "_set_fault": Level.SET}


def made() -> Iterator[tuple[Level, int]]:
    """Codes written in the calls that make findings, and those of the tables that the others are made from."""
    for module in modules("engine/protocols/x12"):
        for call in (node for node in ast.walk(module.tree) if isinstance(node, ast.Call)):
            name, first = dotted(call.func), call.args[0] if call.args else None
            if name in MAKERS and isinstance(first, ast.Constant):
                yield MAKERS[name], int(str(first.value))
            if name == "Finding" and len(call.args) > 1 and isinstance(call.args[1], ast.Constant):
                yield Level[dotted(call.args[0]).removeprefix("Level.")], int(str(call.args[1].value))
    yield from ((Level.INTERCHANGE, note) for note in (*_ISA_NOTES, *_NAMES))
    yield from ((Level.SEGMENT, note) for note in _SEGMENT_WORDS)
    yield from ((Level.ELEMENT, note) for note in _ELEMENT_WORDS)


def test_every_finding_is_in_the_reference() -> None:
    written = {(level, note) for level, notes in NOTES.items() for note, _, _ in notes}

    assert set(made()) - written == set()
    assert {one for one in written if one[0] is not Level.REMARK} - set(made()) - {
        (Level.GROUP, 19),
        (Level.GROUP, 6),
    } == set()


def test_the_codes_are_those_of_the_findings_themselves() -> None:
    page = "\n".join(x12_lines())

    for level, notes in NOTES.items():
        for note, _, _ in notes:
            assert f"| `{Finding(level, note, '', 0, '').code}` |" in page
