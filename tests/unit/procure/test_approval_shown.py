"""Who approves sees all of the document, however long it is."""

from __future__ import annotations

from decimal import Decimal

import pytest

from engine.canonical import Quantity, Requisition, RequisitionLine
from engine.ports.procure import Case, Record
from engine.procure.approvals import shown
from engine.procure.papers import Papers

CASE = Case("c1", "requisition:REQ-1", "approval_wanted", "open", 0, "A requisition waits", facts={})


def _papers(lines: int) -> Papers:
    made = Requisition(
        requisition_number="REQ-1",
        lines=tuple(
            RequisitionLine(number=n, item_number=f"M{n}", quantity=Quantity(amount=Decimal(n)))
            for n in range(1, lines + 1)
        ),
    )
    return Papers([Record(made.kind, made.natural_key, 1, made.model_dump_json().encode(), 1)])


def test_every_line_of_a_long_requisition_is_shown() -> None:
    found = dict(shown.content_of(CASE, _papers(120)))

    assert [found[f"lines[{n}].item_number"] for n in range(1, 121)] == [f"M{n}" for n in range(1, 121)]
    assert "not shown" not in found


def test_what_is_left_out_of_an_endless_one_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = len(shown.content_of(CASE, _papers(3)))
    monkeypatch.setattr(shown, "MOST_FIELDS", whole - 2)

    assert shown.content_of(CASE, _papers(3))[-1] == ("not shown", "2 more values of the document")
