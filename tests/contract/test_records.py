"""The store of the procure-to-pay process: versions, dossiers, cases, commands, saved together or not at all."""

from __future__ import annotations

import asyncio
from decimal import Decimal

import pytest

from engine.core.errors import ChecksumError
from engine.ports.procure import Case, CaseQuery, Change, Command, Record, Reference
from engine.store.open import Store
from tests.support.stores import sql

ORDER = Record("PurchaseOrder", "PO-1", 1, b'{"order_number":"PO-1"}', 100, 7)
INVOICE = Record("Invoice", "S1/INV-1", 1, b'{"invoice_number":"INV-1"}', 200, 8)
CASE = Case(
    case_id="order:PO-1#price#1", dossier="order:PO-1", type="price", state="open", opened_micros=200,
    title="The price differs", owner="procurement", due_micros=900, amount="12.50", currency="USD", supplier="S1",
    rank=5, facts={"line": 1},
)  # fmt: skip
POST = Command("post_invoice:S1/INV-1", "post_invoice", "Invoice", "S1/INV-1", b"{}")
KEY = "order:PO-1"


async def test_a_decision_is_saved_with_all_that_follows(store: Store) -> None:
    waits = [Reference("Item", "M1"), Reference("Supplier", "S1")]
    change = Change(KEY, 0, 200, [ORDER, INVOICE], b'{"match":"open"}', [CASE], [POST], waits, 1000)

    assert await store.records.save(change)

    found = await store.records.load(KEY)
    assert (found.revision, found.records, found.state) == (1, (INVOICE, ORDER), b'{"match":"open"}')
    assert (found.cases, found.given) == ((CASE,), frozenset({POST.key}))
    assert await store.records.due(999, 10) == []
    assert await store.records.due(1000, 10) == [KEY]
    assert await store.records.dossiers_with(Reference("Item", "M1")) == [KEY]
    assert await store.records.dossiers_with(Reference("Invoice", "S1/INV-1")) == [KEY]


async def test_a_decision_over_an_old_state_saves_nothing(store: Store) -> None:
    assert await store.records.save(Change(KEY, 0, 100, [ORDER]))
    late = Change(KEY, 0, 200, [INVOICE], b"{}", [CASE], [POST])

    assert not await store.records.save(late)

    found = await store.records.load(KEY)
    assert (found.records, found.cases, found.given) == ((ORDER,), (), frozenset())
    assert await store.records.given(0, (), 10) == []


async def test_of_two_who_decide_at_once_one_is_told_to_decide_again(store: Store) -> None:
    await store.records.save(Change(KEY, 0, 100, [ORDER]))

    told = await asyncio.gather(*(store.records.save(Change(KEY, 1, 200, [INVOICE])) for _ in range(5)))

    assert sorted(told) == [False] * 4 + [True]


async def test_the_newest_version_is_the_one_that_counts(store: Store) -> None:
    versions = [Record("Supplier", "S1", n, b'{"n":%d}' % n, n, who="ana" if n == 2 else None) for n in (1, 2, 3)]
    for revision, one in enumerate(versions):
        await store.records.save(Change("supplier:S1", revision, one.at_micros, [one]))

    latest = await store.records.latest([Reference("Supplier", "S1"), Reference("Supplier", "S2")])

    assert latest == {Reference("Supplier", "S1"): versions[2]}
    assert await store.records.versions(Reference("Supplier", "S1")) == versions


async def test_a_command_is_given_once_and_in_order(store: Store) -> None:
    await store.records.save(Change(KEY, 0, 100, [ORDER], commands=[POST]))
    other = Command("create_order:R-1", "create_order", "PurchaseOrder", "PO-2", b"{}")
    await store.records.save(Change(KEY, 1, 200, commands=[POST, other]))

    given = await store.records.given(0, (), 10)

    assert [(one.dossier, one.command) for one in given] == [(KEY, POST), (KEY, other)]
    assert await store.records.given(given[0].number, (), 10) == given[1:]
    assert await store.records.given(0, ["create_order"], 10) == given[1:]


async def test_a_case_that_is_found_again_stays_one_and_counts_from_its_last_opening(store: Store) -> None:
    await store.records.save(Change(KEY, 0, 200, cases=[CASE]))
    again = Case(**{name: getattr(CASE, name) for name in CASE.__struct_fields__} | {"opened_micros": 500, "rank": 9})
    await store.records.save(Change(KEY, 1, 500, cases=[again]))

    (found,) = await store.records.cases(CaseQuery(owner="procurement"))

    assert (found.opened_micros, found.rank) == (500, 9)
    assert Decimal(str(found.amount)) == Decimal("12.50")
    assert await store.records.cases(CaseQuery(owner="nobody")) == []


async def test_the_queue_shows_what_matters_most_first(store: Store) -> None:
    def case(number: int, rank: int, due: int | None) -> Case:
        return Case(f"c{number}", KEY, "price", "open", 1, "t", "ap", due, rank=rank)

    await store.records.save(Change(KEY, 0, 1, cases=[case(1, 1, 5), case(2, 9, None), case(3, 9, 7), case(4, 9, 6)]))

    assert [one.case_id for one in await store.records.cases(CaseQuery())] == ["c4", "c3", "c2", "c1"]


async def test_waits_follow_the_last_decision(store: Store) -> None:
    await store.records.save(Change(KEY, 0, 1, waits=[Reference("Item", "M1")]))
    await store.records.save(Change(KEY, 1, 2, waits=[Reference("Item", "M2")]))

    assert await store.records.dossiers_with(Reference("Item", "M1")) == []
    assert await store.records.dossiers_with(Reference("Item", "M2")) == [KEY]


async def test_a_watermark_never_goes_back(store: Store) -> None:
    for until in (100, 50, 120):
        await store.records.set_watermark("receipts", until)

    assert await store.records.watermarks() == {"receipts": 120}


async def test_a_document_that_was_changed_in_the_store_is_not_decided_from(store_url: str, store: Store) -> None:
    await store.records.save(Change(KEY, 0, 100, [ORDER]))
    literal = "x'7b7d'" if store_url.startswith("sqlite") else "'\\x7b7d'::bytea"
    sql(store_url, f"UPDATE p2p_records SET body = {literal}")

    with pytest.raises(ChecksumError, match="PurchaseOrder, version 1"):
        await store.records.load(KEY)


async def test_of_what_only_gathers_the_head_is_read_alone(store: Store) -> None:
    gathered = Change("commitments:CC1/2026-11", 0, 100, [ORDER])
    assert await store.records.save_all([Change(KEY, 0, 100, [ORDER], b'{"state":"open"}'), gathered])

    (whole, head, absent), _ = await store.records.together([KEY], [gathered.dossier, "alike:S1/1"])

    assert (whole.key, whole.revision, whole.records) == (KEY, 1, (ORDER,))
    assert (head.key, head.revision, head.records) == (gathered.dossier, 1, ())
    assert (absent.key, absent.revision) == ("alike:S1/1", 0)
    assert (await store.records.load(gathered.dossier)).records == (ORDER,)


async def test_what_is_settled_is_read_in_sums_or_with_all_the_rest(store: Store) -> None:
    place = "stock:CS/M1"
    moves = [Record("InventoryMovement", f"M{n}", 1, b"{}", 100 + n) for n in range(4)]
    names = [Reference(one.kind, one.key) for one in moves]
    assert await store.records.save(Change(place, 0, 100, moves))
    assert await store.records.save(Change(place, 1, 200, settles=names[:3], opening=b'{"a":1}'))

    (short,), _ = await store.records.together([place], settled=False)
    (whole,), _ = await store.records.together([place])
    assert (short.records, short.opening, short.revision) == ((moves[3],), b'{"a":1}', 2)
    assert (whole.records, whole.opening) == (tuple(moves), b"")
    assert await store.records.load(place) == whole
    assert await store.records.settled(names) == {place: set(names[:3])}
    assert (
        await store.records.dossiers_with(names[0]) == await store.record_search.dossiers_holding(names[0]) == [place]
    )
    assert await store.records.held_since(0, "", 9) == [place]
    assert await store.records.held_since(0, place, 9) == []


async def test_what_was_settled_is_opened_again(store: Store) -> None:
    place = "stock:CS/M1"
    moves = [Record("InventoryMovement", f"M{n}", 1, b"{}", 100 + n) for n in range(3)]
    names = [Reference(one.kind, one.key) for one in moves]
    await store.records.save(Change(place, 0, 100, moves))
    await store.records.save(Change(place, 1, 200, settles=names[:2], opening=b"{}"))
    again = Record("InventoryMovement", "M0", 2, b"[]", 300)
    await store.records.save(Change(place, 2, 300, [again], reopens=names[:1], opening=b'{"b":1}'))

    (short,), _ = await store.records.together([place], settled=False)
    assert (short.records, short.opening) == ((moves[0], again, moves[2]), b'{"b":1}')
    assert (await store.records.load(place)).records == (moves[0], again, *moves[1:])
    await store.records.save(Change(place, 3, 400, reopens=names[1:2], opening=b""))
    (short,), _ = await store.records.together([place], settled=False)
    assert (len(short.records), short.opening) == (4, b"")
