"""The state tables are whole: every state can be reached, final ones have no way out, and the diagram is the table."""

from __future__ import annotations

import re
from enum import IntEnum

import pytest

from engine.ports.states import (
    DELIVERY_TRANSITIONS,
    FINAL_MESSAGE_STATES,
    MESSAGE_TRANSITIONS,
    DeliveryState,
    MessageState,
    Transition,
    may_become,
)
from tests.support.source_tree import ROOT

TABLES: list[tuple[type[IntEnum], tuple[Transition, ...], IntEnum, frozenset[IntEnum]]] = [
    (MessageState, MESSAGE_TRANSITIONS, MessageState.RECEIVED, frozenset(FINAL_MESSAGE_STATES)),
    (
        DeliveryState,
        DELIVERY_TRANSITIONS,
        DeliveryState.QUEUED,
        frozenset({DeliveryState.DELIVERED, DeliveryState.CANCELLED}),
    ),
]
tables = pytest.mark.parametrize(("states", "table", "first", "final"), TABLES, ids=["message", "delivery"])
Table = tuple[Transition, ...]
Final = frozenset[IntEnum]


@tables
def test_every_state_can_be_reached(states: type[IntEnum], table: Table, first: IntEnum, final: Final) -> None:
    reached = {first}
    while new := {t.after for t in table if t.before in reached} - reached:
        reached |= new

    assert reached == set(states)


@tables
def test_final_states_have_no_way_out_and_all_others_have(
    states: type[IntEnum], table: Table, first: IntEnum, final: Final
) -> None:
    assert {state for state in states if not any(t.before == state for t in table)} == final


@tables
def test_from_every_state_an_end_can_be_reached(
    states: type[IntEnum], table: Table, first: IntEnum, final: Final
) -> None:
    ending = set(final)
    while new := {t.before for t in table if t.after in ending} - ending:
        ending |= new

    assert ending == set(states)


@tables
def test_each_way_is_in_the_table_once(states: type[IntEnum], table: Table, first: IntEnum, final: Final) -> None:
    ways = [(t.before, t.after) for t in table]

    assert len(ways) == len(set(ways))
    assert all(t.cause for t in table)
    assert all(may_become(a, b) == ((a, b) in ways) for a in states for b in states)


@tables
def test_the_diagram_in_the_docs_is_the_table(
    states: type[IntEnum], table: Table, first: IntEnum, final: Final
) -> None:
    page = (ROOT / "docs/reference/states.md").read_text()
    diagrams = re.findall(r"```mermaid\n(.*?)```", page, re.DOTALL)
    drawn = set(re.findall(r"(\w+|\[\*\]) --> (\w+|\[\*\])", diagrams[0 if states is MessageState else 1]))

    ways = {(t.before.name, t.after.name) for t in table}
    assert drawn == ways | {("[*]", first.name)} | {(state.name, "[*]") for state in final}
