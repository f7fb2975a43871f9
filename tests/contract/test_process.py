"""The process over a real store: documents in any order, the same again, late ones; commands once; cases that go."""

from __future__ import annotations

import asyncio
import itertools
from datetime import date, timedelta
from decimal import Decimal

from engine.canonical import (
    Document,
    Invoice,
    InvoiceLine,
    Money,
    OrderLine,
    PurchaseOrder,
    Quantity,
    Receipt,
    ReceiptLine,
)
from engine.core.clock import to_micros
from engine.ports.procure import CaseQuery
from engine.procure.process import Process
from engine.store.open import Store
from tests.support.connector_doubles import Clock


def order(price: str = "10.00") -> PurchaseOrder:
    line = OrderLine(
        number=1, item_number="M1", quantity=Quantity(amount=Decimal(6)), price=Money(amount=Decimal(price))
    )
    return PurchaseOrder(order_number="PO-1", supplier_number="S1", ordered_on=date(2026, 11, 20), lines=(line,))


def receipt(amount: int = 6) -> Receipt:
    line = ReceiptLine(order_line_number=1, item_number="M1", quantity=Quantity(amount=Decimal(amount)))
    return Receipt(
        receipt_number="R-1", order_number="PO-1", supplier_number="S1", received_on=date(2026, 11, 21), lines=(line,)
    )


def invoice(price: str = "10.00") -> Invoice:
    line = InvoiceLine(
        number=1, quantity=Quantity(amount=Decimal(6)), price=Money(amount=Decimal(price)), item_number="M1"
    )
    return Invoice(
        invoice_number="INV-1", supplier_number="S1", invoiced_on=date(2026, 11, 22), lines=(line,),
        stated_total=line.extended, order_number="PO-1",
    )  # fmt: skip


def process(store: Store) -> Process:
    return Process(store.records, Clock(), lambda: None)


async def commands(store: Store) -> list[str]:
    return [one.command.key for one in await store.records.given(0, (), 100)]


async def test_whatever_comes_first_the_invoice_is_posted_once(store: Store) -> None:
    documents: list[Document] = [order(), receipt(), invoice()]
    for turn in itertools.permutations(documents):
        for document in turn:
            await process(store).take(document)

    assert await commands(store) == ["post_invoice:S1/INV-1"]


async def test_an_invoice_that_is_too_high_is_a_case_until_the_order_is_changed(store: Store) -> None:
    for document in (order("9.00"), receipt(), invoice("10.00")):
        await process(store).take(document)
    (case,) = await store.records.cases(CaseQuery())
    assert (case.type, case.amount, case.supplier) == ("price_above_tolerance", "6.00", "S1")
    assert await commands(store) == []

    await process(store).take(order("10.00"))

    assert await store.records.cases(CaseQuery()) == []
    assert [one.state for one in await store.records.cases(CaseQuery(states=("gone",)))] == ["gone"]
    assert await commands(store) == ["post_invoice:S1/INV-1"]


async def test_a_case_that_opens_again_is_as_old_as_its_new_spell(store: Store) -> None:
    clock = Clock()
    over = Process(store.records, clock, lambda: None)
    for document in (order("9.00"), receipt(), invoice("10.00")):
        await over.take(document)
    (first,) = await store.records.cases(CaseQuery())
    await over.take(order("10.00").model_copy(update={"supplier_number": "S2"}))  # another fault in its place

    clock.advance(timedelta(days=2))
    await over.take(order("9.00"))

    (again,) = await store.records.cases(CaseQuery())
    assert again.case_id == first.case_id
    assert again.opened_micros == to_micros(clock.now()) == first.opened_micros + 2 * 86_400_000_000
    assert again.facts["spells"] == [[first.opened_micros, first.opened_micros]]


async def test_documents_of_one_dossier_that_come_at_once_are_all_kept(store: Store) -> None:
    both = [process(store), process(store)]
    await asyncio.gather(*(both[n % 2].take(one) for n, one in enumerate((order(), receipt(), invoice()))))

    found = await store.records.load("order:PO-1")
    assert sorted(one.kind for one in found.records) == ["Invoice", "PurchaseOrder", "Receipt"]
    assert await commands(store) == ["post_invoice:S1/INV-1"]


async def test_the_same_document_again_is_no_new_version(store: Store) -> None:
    for _ in range(3):
        await process(store).take(order())

    found = await store.records.load("order:PO-1")
    assert (found.revision, len(found.records)) == (1, 1)
