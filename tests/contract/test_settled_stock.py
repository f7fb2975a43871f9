"""Stock that lasts for years: what is old is settled and not read again, and every decision is that over all of it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import pytest

from engine.canonical import (
    Consumption,
    ConsumptionLine,
    Document,
    InventoryLevel,
    InventoryMovement,
    Item,
    MovementKind,
    Packaging,
    Quantity,
    Receipt,
    ReceiptLine,
)
from engine.channel.policies import Policies
from engine.ports.measures import Period
from engine.ports.procure import CaseQuery
from engine.procure import process, settled
from engine.procure.measures.check import differences
from engine.procure.process import Process
from engine.store.open import Store, open_store
from tests.support.connector_doubles import Clock

START = datetime(2026, 9, 1, tzinfo=UTC)
NOW = START + timedelta(days=90)
PLACE = "stock:CS/M1"
ITEM = Item(
    item_number="M1", description="glove", supplier_number="S1", packaging=(Packaging(unit="BX", contains=Decimal(10)),)
)


@pytest.fixture
async def stores(tmp_path: Path) -> AsyncIterator[tuple[Store, Store]]:
    """One for a process that settles, one for a process that always reads everything."""
    opened = [await open_store(f"sqlite:///{tmp_path}/{name}.db", Clock(NOW)) for name in ("settled", "whole")]
    yield opened[0], opened[1]
    for one in opened:
        await one.close()


@pytest.fixture
async def store(stores: tuple[Store, Store]) -> Store:
    return stores[0]


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """What takes hundreds of documents is seen with few."""
    monkeypatch.setattr(settled, "_AT_LEAST", 3)
    monkeypatch.setattr(settled, "_LOOK_EVERY", 1)


def of(amount: int, unit: str = "EA") -> Quantity:
    return Quantity(amount=Decimal(amount), unit=unit)


def level(amount: int = 100, hours: float = 0, **more: Any) -> InventoryLevel:
    given = {"order_point": Decimal(8), "maximum": Decimal(120), "facility": "MAIN"} | more
    return InventoryLevel(
        item_number="M1", location="CS", on_hand=of(amount), as_of=START + timedelta(hours=hours), **given
    )


def moved(number: int, amount: int, hours: float, **more: Any) -> InventoryMovement:
    given: dict[str, Any] = {"movement_kind": MovementKind.ISSUE, "location": "CS", "quantity": of(amount)} | more
    at = START + timedelta(hours=hours)
    return InventoryMovement(movement_number=f"M{number}", item_number="M1", moved_at=at, **given)


def used(number: int, amount: int, hours: float) -> Consumption:
    line = ConsumptionLine(number=1, quantity=of(amount), item_number="M1", location="CS")
    return Consumption(consumption_number=f"U{number}", used_at=START + timedelta(hours=hours), lines=(line,))


def came(number: int, amount: int, hours: float) -> Receipt:
    line = ReceiptLine(order_line_number=1, item_number="M1", quantity=of(amount), location="CS")
    day = (START + timedelta(hours=hours)).date()
    return Receipt(
        receipt_number=f"R{number}", order_number=f"PO{number}", supplier_number="S1", received_on=day, lines=(line,)
    )


async def started(store: Store, *documents: Document) -> Process:
    made = Process(store.records, Clock(NOW), Policies)
    for one in (ITEM, *documents):
        await made.take(one)
    return made


async def stand(store: Store) -> dict[str, Any]:
    found: dict[str, Any] = msgspec.json.decode((await store.records.load(PLACE)).state)
    return found


async def decided(store: Store) -> tuple[Any, ...]:
    """How it stands, what people are asked, and what was wished for."""
    cases = {(one.case_id, str(one.facts.get("on_hand"))) for one in await store.records.cases(CaseQuery())}
    wishes = {one.command.key for one in await store.records.given(0, ("raise_requisition",), 999)}
    return await stand(store), cases, wishes, await happened(store)


async def happened(store: Store) -> set[tuple[Any, ...]]:
    """Rows of the place: counts, and when nothing lay there."""
    text = "SELECT what, key, detail, type, began, ended, amount, facility FROM p2p_milestones WHERE dossier = :dossier"
    return {tuple(row) for row in await store.measures.measured(text, {"dossier": PLACE})}


async def read_in_whole(store: Store) -> int:
    """How many documents a decision reads that nothing reaches back to."""
    (found,), _ = await store.records.together([PLACE], settled=False)
    return len(found.records)


def _of_days(random: Random, units: Sequence[str]) -> list[Document]:
    """Four weeks of one place: what was taken, used, counted, given away, told twice, told anew."""
    made: list[Document] = []
    for n in range(45):
        hours = n * 14 + random.choice((0, 0, 0, 5, 30))
        kind = random.choice(("issue",) * 6 + ("use", "use", "count", "transfer", "level", "receipt", "told", "retold"))
        unit = random.choice(units)
        if kind == "use":
            made.append(used(n, random.randint(1, 9), hours))
        elif kind == "count":
            made.append(moved(n, random.randint(0, 60), hours, movement_kind=MovementKind.COUNT))
        elif kind == "transfer":
            more = {"movement_kind": MovementKind.TRANSFER, "to_location": random.choice(("WARD", None))}
            made.append(moved(n, -random.randint(1, 9), hours, **more))
        elif kind == "level":
            made.append(level(random.randint(0, 90), hours, facility=random.choice(("MAIN", "MAIN", "NORTH"))))
        elif kind == "receipt":
            made += [came(n, 20, hours), moved(n, 20, hours + 3, source_kind="Receipt", source_key=f"R{n}")]
        elif kind == "told":  # by two systems
            made += [used(n, 4, hours), moved(n, -4, hours + 1, source_kind="Consumption", source_key=f"U{n}")]
        elif kind == "retold" and made and isinstance(made[-1], InventoryMovement):
            told = {"moved_at": START + timedelta(hours=hours), "quantity": of(-7), "source_key": None}
            name = random.choice(sorted(told))
            made.append(made[-1].model_copy(update={name: told[name]}))
        else:
            made.append(moved(n, random.choice((-9, -5, -3, 2)), hours, quantity=of(-random.randint(1, 5), unit)))
    return made


@pytest.mark.parametrize("seed", range(2))
async def test_every_decision_is_the_one_over_all_documents_whatever_came_first(
    stores: tuple[Store, Store], monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    random = Random(seed)
    documents = _of_days(random, ("EA",) if seed % 2 else ("EA", "EA", "BX", "BX"))
    for _ in range(8):  # some come late
        early, late = sorted(random.sample(range(len(documents)), 2))
        documents.insert(late, documents.pop(early))
        documents.insert(late, random.choice(documents[:late]))  # and some are told again
    settling = await started(stores[0], level())
    monkeypatch.setattr(process, "Settled", lambda records: records)
    plain = await started(stores[1], level())
    reached = 0
    for one in documents:
        await settling.take(one)
        await plain.take(one)
        assert await decided(stores[0]) == await decided(stores[1]), one
        reached += await read_in_whole(stores[0]) < len((await stores[1].records.load(PLACE)).records)

    assert reached > len(documents) / 4
    settled_ones, whole = [(await one.records.load(PLACE)).records for one in stores]
    assert [(one.kind, one.key, one.version, one.body) for one in settled_ones] == [
        (one.kind, one.key, one.version, one.body) for one in whole
    ]


async def test_a_decision_reads_no_more_after_years_than_after_days(store: Store) -> None:
    place = await started(store, level(500, -1))
    read = []
    for n in range(80):
        await place.take(moved(n, -1, 6 * n))
        read.append(await read_in_whole(store))

    assert max(read[40:]) == max(read[:40]) < 20
    assert (await stand(store))["on_hand"] == "420"
    assert len((await store.records.load(PLACE)).records) == 81


async def test_what_lay_there_every_night_is_not_decided_over_for_years(store: Store) -> None:
    place, seen = await started(store), []
    for n in range(60):
        await place.take(level(500 - n, 24 * n))
        (one,), _ = await settled.Settled(store.records).together([PLACE])
        seen.append(len(one.records))

    assert max(seen[30:]) == max(seen[:30]) < 12
    await place.take(moved(1, -3, 24 * 59 + 1))
    assert (await stand(store))["on_hand"] == "438"

    await place.take(moved(2, -1, 24 * 57 + 1))  # in what lay there the night after
    await place.take(level(100, 24 * 58 + 1))  # told late, and the newest word
    assert (await stand(store))["on_hand"] == "438"
    await place.take(level(90, 24 * 60))
    assert (await stand(store))["on_hand"] == "90"
    assert len((await store.records.load(PLACE)).records) == 64


async def test_what_reaches_back_is_decided_over_all_of_it_and_then_settled_again(store: Store) -> None:
    place = await started(store, level(500, -1), *(moved(n, -1, 6 * n) for n in range(40)))
    before = await read_in_whole(store)
    await place.take(moved(2, -5, 12))  # corrected after weeks
    assert (await stand(store))["on_hand"] == "456"
    await place.take(moved(90, 300, 31, movement_kind=MovementKind.COUNT))  # counted weeks ago, told today
    assert (await stand(store))["on_hand"] == str(300 - 34)

    assert await read_in_whole(store) <= before + 2
    await place.take(moved(91, -1, 241))
    assert (await stand(store))["on_hand"] == str(300 - 35)


async def test_rows_are_what_all_documents_say_though_few_are_read(store: Store) -> None:
    documents = [moved(n, -9, 7 * n, movement_kind=MovementKind.COUNT if n % 9 == 8 else MovementKind.ISSUE,
                       quantity=of(30 if n % 9 == 8 else -9)) for n in range(50)]  # fmt: skip
    await started(store, level(30), *documents)

    found = await differences(store.measures, store.records, Period(START, NOW), NOW)

    assert (len(await happened(store)) > 8, found) == (True, [])
    assert await read_in_whole(store) < 20


async def test_what_a_person_wrote_and_what_is_not_clear_is_not_settled(store: Store) -> None:
    place = await started(store, level(500, -1))
    await place.take(moved(0, -1, 1), who="ana")
    await place.take(moved(1, -1, 2, movement_kind=MovementKind.TRANSFER))
    for n in range(2, 30):
        await place.take(moved(n, -1, 6 * n))

    (found,), _ = await store.records.together([PLACE], settled=False)
    assert {"M0", "M1"} <= {one.key for one in found.records} < {f"M{n}" for n in range(30)} | {"CS/M1"}
    assert [one.type for one in await store.records.cases(CaseQuery())] == ["stock_transfer_unclear"]


async def test_past_a_unit_that_nobody_can_convert_nothing_is_settled(store: Store) -> None:
    await started(store, level(500, -1), moved(0, -1, 1, quantity=of(-1, "PL")),
                  *(moved(n, -1, 6 * n) for n in range(1, 30)))  # fmt: skip

    (case,) = await store.records.cases(CaseQuery())
    assert (case.type, case.facts["documents"], await read_in_whole(store)) == ("unit_conversion_unknown", ["M0"], 31)


async def test_what_is_told_again_reaches_back_to_nothing(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    place = await started(store, level(500, -1), *(moved(n, -1, 6 * n) for n in range(40)))
    before = (await store.records.load(PLACE)).revision
    whole: list[str] = []
    monkeypatch.setattr(store.records, "load", whole.append)
    for n in (2, 39):  # settled, and not yet
        await place.take(moved(n, -1, 6 * n))
    monkeypatch.undo()

    assert (whole, (await store.records.load(PLACE)).revision) == ([], before)
