"""Crosswalk rows with days: a message is read by the rows that held on the day it came in."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from engine.channel.load import load_site
from engine.channel.revision import program_of, revision_of
from engine.core.errors import MappingMissingError
from engine.core.ids import first_id_at
from engine.ports.script import Limits, Program, WorkItem, WorkResult
from engine.ports.states import MessageState
from engine.script.program import Compiled
from engine.script.runner import run_one
from engine.sdk import Lookup

SCRIPT = """
from engine.sdk import *
def transform(message, items):
    return Supplier(supplier_number=items["a"], name="x")
"""
DATED = {"a": [(None, "2026-06-30", "old"), ("2026-07-01", "2026-12-31", "new")]}
HL7 = b"MSH|^~\\&|A|B|C|D|20260101||ADT^A01|1|P|2.5\rPID|1||4711\r"


def _run(received: datetime | None, zone: str = "UTC") -> WorkResult:
    program = Program(
        key="demo@1",
        channel="demo",
        format="hl7v2",
        script_name="transforms/demo.py",
        script=SCRIPT,
        lookups={"items": {"a": "new", "b": "plain"}},
        dated_lookups={"items": DATED},
        destinations={"out": {"send": None, "order_by": None, "when": None}},
        zone=zone,
    )
    identifier = 0 if received is None else first_id_at(received)
    return run_one(Compiled(program, Limits()), WorkItem(identifier, "demo@1", HL7, "ADT^A01"))


@pytest.mark.parametrize(
    ("received", "zone", "number"),
    [
        (datetime(2026, 6, 30, 23, 59, tzinfo=UTC), "UTC", b"old"),
        (datetime(2026, 7, 1, 0, 0, tzinfo=UTC), "UTC", b"new"),
        (datetime(2026, 7, 1, 3, 0, tzinfo=UTC), "America/Chicago", b"old"),  # there it is still June
        (None, "UTC", b"new"),  # a case has no day: what holds last
    ],
)
def test_the_row_of_the_day_of_receipt_counts(received: datetime | None, zone: str, number: bytes) -> None:
    result = _run(received, zone)

    assert result.state is MessageState.QUEUED, result.reason
    assert b'"supplier_number":"' + number + b'"' in result.documents[0].body


def test_a_code_whose_rows_have_ended_is_missing_and_told() -> None:
    result = _run(datetime(2027, 1, 1, tzinfo=UTC))

    assert result.state is MessageState.HELD
    assert ("missing_items", "a") in result.keys
    assert result.reason is not None
    assert "on this day" in result.reason.text


def test_a_script_may_ask_for_another_day() -> None:
    items = Lookup("items", {"a": "new", "b": "plain"}, DATED)
    then = items.on(date(2026, 1, 1))

    assert (then["a"], then["b"], items["a"]) == ("old", "plain", "new")
    with pytest.raises(MappingMissingError):
        items.on(date(2030, 1, 1))["a"]
    assert items.missed == "a"


def test_a_lookup_is_a_mapping_of_what_holds() -> None:
    later = Lookup("items", {"a": "new", "b": "plain"}, DATED).on(date(2030, 1, 1))

    assert (list(later), len(later), "a" in later, later.get("a")) == (["b"], 1, False, None)


def test_rows_with_days_are_part_of_a_revision(tmp_path: Path) -> None:
    for folder in ("channels/demo", "config/crosswalks", "transforms"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "transforms/demo.py").write_text(SCRIPT)
    (tmp_path / "channels/demo/demo.yaml").write_text(
        "channel: demo\ntitle: Demo\nversion: 1\nsource: {type: http}\ntransform: demo\n"
        "lookups: {items: items}\ndestinations: []\n"
    )
    table = tmp_path / "config/crosswalks/items.csv"
    table.write_text("from,to\na,new\n")
    site = load_site(tmp_path)
    plain = revision_of(site.channels["demo"], site)
    table.write_text("from,to,valid_from,valid_to\na,old,,2026-06-30\na,new,2026-07-01,2026-12-31\n")
    site = load_site(tmp_path)
    dated = revision_of(site.channels["demo"], site)

    assert b"dated_lookups" not in plain.content  # revisions of before keep their digest
    assert plain.digest != dated.digest
    assert [tuple(row) for row in program_of(dated.content, 1).dated_lookups["items"]["a"]] == DATED["a"]
