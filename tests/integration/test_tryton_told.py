"""What the ERP's own users do there is told: receipts with their order's lines, and what became of payments."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from datetime import date, timedelta

import pytest

from engine.adapters.tryton.adapter import TrytonAdapter
from engine.adapters.tryton.server import ErpServer
from engine.canonical import Document, PaymentState, PaymentStatus, Receipt
from tests.support import tryton

pytestmark = [pytest.mark.integration, pytest.mark.erp]


@pytest.fixture(scope="module")
def erp(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ErpServer]:
    with tryton.running_erp(tmp_path_factory.mktemp("erp")) as server:
        yield server


@pytest.fixture
async def adapter(erp: ErpServer) -> AsyncIterator[TrytonAdapter]:
    made = erp.adapter()
    yield made
    await made.close()


def yesterday() -> date:
    return tryton.today() - timedelta(days=1)


async def told(adapter: TrytonAdapter, kind: str, since: date | None = None) -> list[Document]:
    return [one.document for one in await adapter.told(kind, since or yesterday())]


async def test_a_receipt_that_was_sent_there_is_told_as_it_was_sent(adapter: TrytonAdapter) -> None:
    ordered = tryton.order()
    sent = tryton.receipt(ordered)
    for document in (ordered, sent):
        await adapter.post(document, document.natural_key)

    (found,) = [one for one in await told(adapter, "Receipt") if one.natural_key == sent.natural_key]
    assert found == sent


async def test_a_receipt_that_a_user_booked_there_is_told_with_its_orders_lines(adapter: TrytonAdapter) -> None:
    ordered = tryton.order()
    await adapter.post(ordered, ordered.natural_key)
    sent = tryton.receipt(ordered)
    await adapter.post(sent, sent.natural_key)
    client = adapter._client
    (shipment,) = await client.read("stock.shipment.in", [["reference", "=", sent.receipt_number]], ["number"])
    await client.write("stock.shipment.in", shipment["id"], {"reference": None})

    (found,) = [one for one in await told(adapter, "Receipt") if one.natural_key == shipment["number"]]
    assert isinstance(found, Receipt)
    assert (found.order_number, found.lines) == (ordered.order_number, sent.lines)


async def test_two_deliveries_under_one_delivery_note_are_two_receipts(adapter: TrytonAdapter) -> None:
    ordered = tryton.order()
    first, second = tryton.receipt(ordered), tryton.receipt(ordered)
    for document in (ordered, first, second):
        await adapter.post(document, document.natural_key)
    client = adapter._client
    (shipment,) = await client.read("stock.shipment.in", [["reference", "=", second.receipt_number]], ["number"])
    await client.write("stock.shipment.in", shipment["id"], {"reference": first.receipt_number})

    of_order = [
        one for one in await told(adapter, "Receipt") if getattr(one, "order_number", "") == ordered.order_number
    ]
    assert sorted(one.natural_key for one in of_order) == sorted([first.receipt_number, shipment["number"]])


async def test_what_was_done_long_ago_is_not_looked_at_and_open_invoices_always_are(adapter: TrytonAdapter) -> None:
    posted = tryton.invoice()
    await adapter.post(posted, posted.natural_key)
    tomorrow = tryton.today() + timedelta(days=2)
    (status,) = [one for one in await told(adapter, "PaymentStatus", tomorrow) if one.natural_key == posted.natural_key]

    assert await told(adapter, "Receipt", tomorrow) == []
    assert isinstance(status, PaymentStatus)
    assert (status.state, status.amount_due) == (PaymentState.OPEN, posted.total)


async def test_suppliers_and_items_are_told(adapter: TrytonAdapter) -> None:
    assert tryton.SUPPLIER in {one.natural_key for one in await told(adapter, "Supplier")}
    assert tryton.ITEM in {one.natural_key for one in await told(adapter, "Item")}


async def test_the_books_show_what_was_posted_and_what_was_done_by_hand(adapter: TrytonAdapter) -> None:
    """Ours and a user's: the first under its number, the other one to the cent, cancelled ones not at all."""
    ours, theirs = tryton.invoice(), tryton.invoice(price="1.10")
    for document in (ours, theirs):
        await adapter.post(document, document.natural_key)
    client = adapter._client
    (by_hand,) = await client.read("account.invoice", [["reference", "=", theirs.invoice_number]], ["id"])
    await client.press("account.invoice", by_hand["id"], "cancel")
    found = {one.key: one.amount for one in await adapter.book_entries("Invoice", f"{tryton.today():%Y-%m}")}

    assert found[ours.natural_key] == "37.02"
    assert theirs.natural_key not in found
    assert await adapter.book_entries("Invoice", "2001-01") == []
