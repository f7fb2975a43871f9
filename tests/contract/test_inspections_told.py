"""Inspections as their shipped door tells them: what is compared four ways is paid for what was accepted."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from engine.canonical import Document, Receipt, ReceiptLine
from engine.channel.load import load_policies
from engine.core.errors import RecordOwnerError
from engine.ports.procure import CaseQuery, Reference
from engine.procure.papers import read
from engine.procure.process import Process
from engine.store.open import Store, open_store
from tests.support.connector_doubles import Clock
from tests.support.purchases import SUPPLIER, billed, invoice, of, order, ordered

ROOT = Path(__file__).parents[2]
NOW = datetime(2026, 11, 20, 15, tzinfo=UTC)
IMPLANT = order(ordered(category="implants"))


def _door(channel: str) -> dict[str, Any]:
    """How the process is told by a shipped channel."""
    said = yaml.safe_load((ROOT / f"channels/purchasing/{channel}.yaml").read_text())
    first = next(one for one in said["destinations"] if one["type"] == "procure")
    return {"system": first["system"], "fields": tuple(first["fields"])}


DOCK, QUALITY = _door("warehouse_receipts_in"), _door("goods_inspections_in")


def line(amount: str, lot: str | None = None, **more: Any) -> ReceiptLine:
    return ReceiptLine(order_line_number=1, item_number="M1", quantity=of(amount), lot=lot, **more)


def inspected(accepted: str, rejected: str, lot: str | None = None) -> ReceiptLine:
    return line("10", lot, accepted=of(accepted), rejected=of(rejected))


def came(*lines: ReceiptLine) -> Receipt:
    return Receipt(
        receipt_number="R-1", order_number="PO-1", supplier_number="S1", received_on=date(2026, 11, 18), lines=lines
    )


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    """What is decided does not differ by the kind of store."""
    opened = await open_store(f"sqlite:///{tmp_path}/process.db", Clock(NOW))
    yield opened
    await opened.close()


@pytest.fixture
async def process(store: Store) -> Process:
    policies = load_policies(ROOT)
    made = Process(store.records, Clock(NOW), lambda: policies)
    await made.take(SUPPLIER)
    for source in ("orders", "receipts", "invoices", "inspections"):
        await made.told_until(source, NOW + timedelta(days=1))
    return made


async def outcome(store: Store) -> tuple[list[str], list[str]]:
    """Invoices to post, and what people are asked."""
    given = [one.command.natural_key for one in await store.records.given(0, ("post_invoice",), 9)]
    return given, sorted(one.type for one in await store.records.cases(CaseQuery()))


async def booked(store: Store) -> Receipt:
    reference = Reference("Receipt", "R-1")
    found = read((await store.records.latest([reference]))[reference])
    assert isinstance(found, Receipt)
    return found


async def test_what_nobody_inspected_is_a_case_until_it_is_accepted(process: Process, store: Store) -> None:
    for one in (IMPLANT, invoice(billed(item_number="M1"))):
        await process.take(one)
    await process.take(came(line("10", "L1")), **DOCK)
    assert await outcome(store) == ([], ["quantity_not_accepted"])

    await process.take(came(inspected("10", "0", "L1")), **QUALITY)

    assert await outcome(store) == (["S1/I-1"], [])


async def test_what_was_rejected_in_part_is_held(process: Process, store: Store) -> None:
    for one in (IMPLANT, invoice(billed(item_number="M1"))):
        await process.take(one)
    await process.take(came(line("10", "L1")), **DOCK)
    await process.take(came(inspected("8", "2", "L1")), **QUALITY)

    assert await outcome(store) == ([], ["quantity_not_accepted"])


@pytest.mark.parametrize("turn", [(0, 1, 2, 3), (3, 2, 1, 0), (1, 3, 0, 2), (3, 0, 1, 2)])
async def test_it_is_matched_whatever_came_first(process: Process, store: Store, turn: tuple[int, ...]) -> None:
    told: list[tuple[Document, dict[str, Any]]] = [
        (IMPLANT, {}), (invoice(billed(item_number="M1")), {}), (came(line("10", "L1")), DOCK),
        (came(inspected("10", "0", "L1")), QUALITY),
    ]  # fmt: skip
    for place in turn:
        await process.take(told[place][0], **told[place][1])

    assert await outcome(store) == (["S1/I-1"], [])


async def test_of_a_receipt_only_what_was_inspected_changes(process: Process, store: Store) -> None:
    until = date(2028, 11, 30)
    await process.take(came(line("6", "L1", expires_on=until), line("4", "L2")), **DOCK)
    await process.take(came(inspected("5", "1", "L1")), **QUALITY)

    first, second = (await booked(store)).lines
    assert (first.quantity, first.expires_on, first.accepted, first.rejected) == (of("6"), until, of("5"), of("1"))
    assert (second.lot, second.accepted) == ("L2", None)


async def test_what_was_inspected_stays_when_the_dock_corrects_its_receipt(process: Process, store: Store) -> None:
    await process.take(came(line("10", "L1")), **DOCK)
    await process.take(came(inspected("9", "1", "L1")), **QUALITY)
    await process.take(came(line("9", "L1"), line("1", "L2")), **DOCK)

    first, second = (await booked(store)).lines
    assert (first.quantity, first.accepted, first.rejected) == (of("9"), of("9"), of("1"))
    assert (second.quantity, second.accepted) == (of("1"), None)


async def test_a_lot_is_found_where_only_one_of_them_names_it(process: Process, store: Store) -> None:
    await process.take(came(line("10")), **DOCK)
    await process.take(came(inspected("10", "0", "L1")), **QUALITY)

    assert [(one.quantity, one.accepted) for one in (await booked(store)).lines] == [(of("10"), of("10"))]


async def test_a_lot_that_nobody_booked_does_not_come_in_by_its_inspection(process: Process, store: Store) -> None:
    await process.take(came(line("10", "L1")), **DOCK)
    with pytest.raises(RecordOwnerError, match="a line that is not there"):
        await process.take(came(inspected("10", "0", "L9")), **QUALITY)

    assert [one.lot for one in (await booked(store)).lines] == ["L1"]
