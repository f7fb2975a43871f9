"""The parts of `isthmus demo` that judge: they must see what is wrong, or their yes is worth nothing."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from rich.console import Console

from engine.canonical import Document
from engine.cli.demo import command, desk, edi, reconcile, report
from engine.cli.demo.doors import NO_ANSWER, FolderDoor, MllpDoor, acknowledgement_code
from engine.cli.demo.parcel import Ending, Parcel, Phase, Raised
from engine.cli.demo.story import Pace, Story
from engine.cli.demo.suppliers import Suppliers
from engine.cli.demo.tally import Tally
from engine.cli.demo.traffic import plan_day
from engine.cli.demo.workplace import Workplace, connect_erp, furnish, shipped_site
from engine.core.errors import TransportError
from engine.ports.connector import Reason
from engine.ports.erp import Posted
from engine.ports.journal import MessageRow
from engine.ports.operations import ChannelStatus
from engine.ports.procure import Case
from engine.ports.states import MessageState

TODAY = date(2026, 11, 20)
EXPECTED = {("Invoice", "S1001/I1"): Decimal("10.00"), ("Invoice", "S1001/I2"): Decimal("5.50"), ("Item", "M1"): None}


class ErpInMemory:
    """Holds what it is given; `extra` documents are counted but were never asked for."""

    def __init__(self, totals: Mapping[tuple[str, str], Decimal | None], extra: int = 0) -> None:
        self._totals, self._extra = totals, extra

    async def find(self, kind: str, natural_key: str, reference: str) -> Posted | None:
        if (kind, natural_key) not in self._totals:
            return None
        return Posted(kind, natural_key, natural_key, "1", "posted", self._totals[kind, natural_key])

    async def summary(self) -> Mapping[str, tuple[int, Decimal]]:
        held: dict[str, tuple[int, Decimal]] = {}
        for (kind, _), total in self._totals.items():
            count, amount = held.get(kind, (self._extra, self._extra * Decimal(7)))
            held[kind] = count + 1, amount + (total or 0)
        return held

    async def post(self, document: Document, reference: str) -> Posted:
        raise AssertionError("comparing posts nothing")


async def lines(erp: ErpInMemory, before: reconcile.Held | None = None) -> dict[str, reconcile.KindLine]:
    found: Any = erp
    return {line.kind: line for line in await reconcile.kinds(found, EXPECTED, before or {})}


# ------------------------------------------------------------------ the comparison with the ERP
async def test_an_erp_that_holds_all_agrees() -> None:
    found = await lines(ErpInMemory(EXPECTED))

    assert all(line.agrees for line in found.values())
    assert found["Invoice"].erp_total == Decimal("15.50")


async def test_one_cent_is_a_difference() -> None:
    found = await lines(ErpInMemory(EXPECTED | {("Invoice", "S1001/I2"): Decimal("5.51")}))

    assert not found["Invoice"].agrees
    assert found["Invoice"].difference == Decimal("0.01")


async def test_two_errors_that_cancel_out_are_still_errors() -> None:
    swapped = {("Invoice", "S1001/I1"): Decimal("5.50"), ("Invoice", "S1001/I2"): Decimal("10.00")}

    found = await lines(ErpInMemory(EXPECTED | swapped))

    assert found["Invoice"].difference == 0
    assert not found["Invoice"].agrees


async def test_a_missing_document_is_named() -> None:
    found = await lines(ErpInMemory({pair: total for pair, total in EXPECTED.items() if pair[1] != "S1001/I2"}))

    assert found["Invoice"].wrong == ("S1001/I2 is not there",)


async def test_a_document_that_nobody_sent_is_seen_in_count_and_total() -> None:
    found = await lines(ErpInMemory(EXPECTED, extra=1))

    assert not found["Item"].agrees
    assert found["Invoice"].difference == Decimal(7)


async def test_what_the_erp_held_before_does_not_count() -> None:
    found = await lines(ErpInMemory(EXPECTED, extra=3), before={"Invoice": (3, Decimal(21)), "Item": (3, Decimal(21))})

    assert all(line.agrees for line in found.values())


# ------------------------------------------------------------------ the comparison with the engine
def status(counts: Mapping[str, int]) -> ChannelStatus:
    return ChannelStatus("visit_context", "t", None, "mllp", "running", 1, 0.0, 3, counts, (), None, None)


def tally_of(*endings: Ending) -> Tally:
    tally = Tally()
    tally.plan(tuple(Parcel(Phase.DAY, "visit_context", str(n), b"", e) for n, e in enumerate(endings)))
    return tally


def test_a_channel_agrees_when_every_message_ended_as_planned() -> None:
    tally = tally_of(Ending.DELIVERED, Ending.FILTERED, Ending.REPEATED)

    (line,) = reconcile.channels([status({"DELIVERED": 1, "FILTERED": 1})], tally)

    assert line.agrees


@pytest.mark.parametrize(
    "counts",
    [{"DELIVERED": 2}, {"DELIVERED": 1}, {"DELIVERED": 1, "HELD": 1}, {"DELIVERED": 1, "FILTERED": 1, "QUEUED": 1}],
)
def test_a_channel_with_another_ending_does_not_agree(counts: Mapping[str, int]) -> None:
    (line,) = reconcile.channels([status(counts)], tally_of(Ending.DELIVERED, Ending.FILTERED))

    assert not line.agrees


def test_an_answer_other_than_the_expected_one_is_a_surprise() -> None:
    tally = Tally()
    parcel = Parcel(Phase.DAY, "visit_context", "A1", b"", Ending.DELIVERED, "AA")

    tally.note(parcel, "AA")
    tally.note(parcel, "AE")

    assert tally.surprises == ["visit_context: A1 was answered AE instead of AA"]


def test_troubles_are_grouped_by_reason_without_script_lines() -> None:
    now = datetime(2026, 11, 20, tzinfo=UTC)
    reasons = (Reason("D003", "wrong sum", "FT1-11, transforms/x.py:5"), Reason("D003", "wrong sum", "FT1-11"))
    rows = [
        MessageRow(n, "supply_charges", 1, MessageState.HELD, now, now, 1, "c", None, None, reason, None)
        for n, reason in enumerate(reasons)
    ]

    (trouble,) = reconcile.troubles(rows)

    assert (trouble.messages, trouble.reason.where) == (2, "FT1-11")


def test_a_patient_identifier_in_a_file_is_found(tmp_path: Path) -> None:
    (tmp_path / "erp.sqlite").write_bytes(b"\x00\x01MRN9000007\x00")
    (tmp_path / "order.edi").write_bytes(b"nothing of a patient")

    assert reconcile.leaks(("MRN9000007", "Quillfeather"), [tmp_path]) == ["erp.sqlite"]


def test_answers_to_partners_are_counted_by_code(tmp_path: Path) -> None:
    seen = edi.Seen("ALDERBROOK", "000000001", "1", "0001", "HH-1")
    for number, accepted in enumerate((True, True, False)):
        body = edi.acknowledgement(edi.DIALECTS["S1005"], seen, number + 1, TODAY, accepted=accepted)
        (tmp_path / f"{number}.edi").write_bytes(body)
    parcels = [
        Parcel(Phase.DAY, "supplier_invoice_in", "x", b"", Ending.DELIVERED, told=t) for t in ("A", "A", "TA1 R")
    ]

    found = {line.code: line for line in reconcile.answers(parcels, tmp_path)}

    assert found["A"].agrees
    assert (found["R"].expected, found["R"].found) == (0, 1)
    assert not found["TA1 R"].agrees


# ------------------------------------------------------------------ the desk
def open_case(type_: str, amount: str) -> Case:
    return Case(f"d#{type_}#{amount}", "d", type_, "open", 1, "t", owner="buyer", amount=amount, currency="USD")


def test_cases_agree_by_number_and_money() -> None:
    (line,) = desk.case_lines([Raised("no_order", Decimal("7.50"))], [open_case("no_order", "7.50")])

    assert line.agrees
    assert line.owners == ("buyer",)


@pytest.mark.parametrize(
    "found",
    [
        [],
        [open_case("no_order", "7.51")],
        [open_case("no_order", "7.50"), open_case("no_order", "0.00")],
        [open_case("no_order", "7.50"), open_case("unforeseen", "1.00")],
    ],
)
def test_a_case_too_many_too_few_or_of_other_money_is_seen(found: list[Case]) -> None:
    lines = desk.case_lines([Raised("no_order", Decimal("7.50"))], found)

    assert not desk.Desk(cases=lines).agrees


def test_an_invoice_that_stands_elsewhere_is_named() -> None:
    key = ("order:O1", "S1/I1")

    invoices = desk.invoices({key: "matched"}, {key: "exception"})

    assert invoices.wrong == ("invoice S1/I1 is exception, not matched",)
    assert not desk.Desk(invoices).agrees


def test_the_planned_day_says_where_every_invoice_stands() -> None:
    day = plan_day(1, 300, TODAY).day
    states = day.matters().values()

    assert {"matched", "exception"} == set(states)
    posted = {key[1] for key, state in day.matters().items() if state == "matched"}
    assert posted == {effect.natural_key for p in day.parcels for effect in p.effects if effect.kind == "Invoice"}


# ------------------------------------------------------------------ the report
def outcome(**facts: Any) -> report.Outcome:
    kind = reconcile.KindLine("Invoice", 1, 1, Decimal("10.00"), Decimal("10.00"), 1)
    known: dict[str, Any] = {
        "seconds": 9.0, "sent": 3, "channels": (), "kinds": (kind,), "troubles": (), "surprises": (), "leaks": (),
        "canaries": 5, "outage_seconds": 4.0, "queued_at_restart": 2, "answers": (), "directory": Path("demo"),
        "orders": {"sent": 1, "accepted": 1, "rejected": 0, "unanswered": 0},
        "ledger": {"sent": 1, "accepted": 1, "rejected": 0, "unanswered": 0},
    }  # fmt: skip
    return report.Outcome(**(known | facts))


def test_the_verdict_needs_every_part_to_agree() -> None:
    wrong = reconcile.AnswerLine("A", 2, 1)

    assert outcome().agrees
    assert not outcome(surprises=("x",)).agrees
    assert not outcome(leaks=("erp.sqlite",)).agrees
    assert not outcome(answers=(wrong,)).agrees
    assert not outcome(ledger={"sent": 1, "accepted": 0, "rejected": 0, "unanswered": 1}).agrees


def test_money_in_the_data_is_exact_text() -> None:
    data = report.as_data(outcome())

    assert data["money"] == {"expected": "10.00", "erp": "10.00", "difference": "0.00"}
    assert data["erp"][0]["erp_total"] == "10.00"


def test_the_report_shows_what_does_not_agree() -> None:
    kind = reconcile.KindLine("Invoice", 1, 1, Decimal("10.00"), Decimal("9.99"), 1, ("S1/I1 is 9.99, not 10.00",))
    out = StringIO()

    report.show(Console(file=out, width=140), outcome(kinds=(kind,)))

    assert "They do not agree" in out.getvalue()
    assert "S1/I1 is 9.99, not 10.00" in out.getvalue()


def test_the_report_says_that_all_agrees() -> None:
    out = StringIO()

    report.show(Console(file=out, width=140), outcome())

    assert "agree to the cent: $10.00 in 1 documents, difference $0.00" in out.getvalue()


@pytest.mark.parametrize(("agrees", "status"), [(True, 0), (False, 1)])
@pytest.mark.parametrize(("options", "leaves"), [(["--exit"], True), (["--json"], True), (["--json", "--keep"], False)])
def test_the_status_tells_whether_all_agrees(
    agrees: bool, status: int, options: list[str], leaves: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[bool] = []

    async def played(wishes: object, *, leave: bool, as_json: bool) -> bool:
        asked.append(leave)
        return agrees

    monkeypatch.setattr(importlib.import_module("engine.cli.demo.command"), "_run", played)

    done = CliRunner().invoke(command, [*options, "--directory", str(tmp_path)])

    assert (done.exit_code, asked) == (status, [leaves])


# ------------------------------------------------------------------ doors
def test_the_acknowledgement_code_is_read_from_the_frame() -> None:
    assert acknowledgement_code(b"\x0bMSH|^~\\&|A\rMSA|AE|1\r\x1c\r") == "AE"
    assert acknowledgement_code(b"\x0bMSH|^~\\&|A\r\x1c\r") == "?"


async def test_a_peer_that_hangs_up_gives_no_answer() -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(10)
        writer.close()

    server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
    door = MllpDoor(server.sockets[0].getsockname()[1])

    answer = await door.send(Parcel(Phase.DAY, "visit_context", "A1", b"hello", Ending.REFUSED))
    await door.close()
    server.close()

    assert answer == NO_ANSWER


def test_a_dropped_file_never_shows_half_written(tmp_path: Path) -> None:
    FolderDoor(tmp_path / "in").drop("a.edi", b"whole")

    assert [path.name for path in (tmp_path / "in").iterdir()] == ["a.edi"]


# ------------------------------------------------------------------ the suppliers' side
def test_suppliers_answer_each_order_once_and_one_not_at_all(tmp_path: Path) -> None:
    outbox, inbox, tally = tmp_path / "out", tmp_path / "in", Tally()
    outbox.mkdir()
    clinic = [p for p in plan_day(1, 300, TODAY)[0].parcels if p.phase is Phase.ORDERS]
    for number in range(8):
        body = clinic[number % len(clinic)].body.replace(b"HARBORHEALTH   ", b"ALDERBROOK     ")
        (outbox / f"{number}.edi").write_bytes(body)
    suppliers = Suppliers(outbox, inbox, TODAY, tally)

    suppliers.look()
    suppliers.look()

    assert (suppliers.accepted, suppliers.rejected, suppliers.silent) == (6, 1, 1)
    assert suppliers.talkative == len(list((tmp_path / "responses").glob("*.edi"))) == 2
    assert len(list(inbox.glob("*.edi"))) == tally.acknowledged == 7


# ------------------------------------------------------------------ the copy of the site
def test_the_copy_of_the_site_listens_on_ports_of_its_own(tmp_path: Path) -> None:
    place = furnish(tmp_path, shipped_site(), port_base=20_000)

    assert sorted(place.ports.values()) == list(range(20_000, 20_000 + len(place.ports)))
    text = (place.root / "channels/supply_usage/supply_charges.yaml").read_text()
    assert f"127.0.0.1:{place.ports['supply_charges']}" in text
    assert "console" in place.ports


def test_the_erp_key_reaches_the_engine_by_environment_only(tmp_path: Path) -> None:
    place = connect_erp(furnish(tmp_path, shipped_site()), "http://127.0.0.1:4711", "erp", "very-secret-key")

    files = [path.read_bytes() for path in place.root.rglob("*") if path.is_file()]
    assert place.environment["HARBOR_ERP_KEY"] == "very-secret-key"
    assert not [body for body in files if b"very-secret-key" in body]
    assert "http://127.0.0.1:4711" in (place.root / "config/connections.yaml").read_text()


def test_fresh_state_replaces_an_earlier_copy(tmp_path: Path) -> None:
    (tmp_path / "site" / "var").mkdir(parents=True)
    (tmp_path / "site" / "var" / "isthmus.db").write_bytes(b"old")

    furnish(tmp_path, shipped_site())

    assert not (tmp_path / "site" / "var").exists()


# ------------------------------------------------------------------ the story
class ErpThatStaysDown:
    async def kill(self) -> None:
        """It is gone."""

    async def restart(self) -> None:
        raise TransportError("the ERP does not come up")


async def test_an_erp_that_does_not_come_back_is_told_in_words(tmp_path: Path) -> None:
    nobody: Any = None
    pace = Pace(day=0.02, dies_at=0.1, returns_at=0.2)
    story = Story(Workplace(tmp_path, {}, {}), nobody, Tally(), pace)

    with pytest.raises(TransportError, match="does not come up"):
        await story.busy_day([], ErpThatStaysDown())


async def test_a_day_that_does_not_come_to_rest_ends_with_words(tmp_path: Path) -> None:
    nobody: Any = None
    story = Story(Workplace(tmp_path, {}, {}), nobody, Tally(), Pace(patience=0.01))

    with pytest.raises(TransportError, match="come to rest"):
        await story.settled()
