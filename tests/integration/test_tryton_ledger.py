"""What the ERP holds after our postings, read past the adapter: accounts, cost centers, orders, payments, keys."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from engine.adapters.tryton.adapter import TrytonAdapter
from engine.adapters.tryton.client import TrytonClient
from engine.adapters.tryton.rpc import RpcSession
from engine.adapters.tryton.server import ErpServer
from engine.adapters.tryton.wire import created
from engine.canonical import Address, PaymentState
from engine.core.errors import DestinationError, TransportError
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


@pytest.fixture
def client(adapter: TrytonAdapter) -> TrytonClient:
    return adapter._client


async def _analytic(client: TrytonClient, cost_center: str) -> Decimal:
    lines = await client.read("analytic_account.line", [["account.code", "=", cost_center]], ["debit", "credit"])
    return sum((Decimal(line["debit"]) - Decimal(line["credit"]) for line in lines), Decimal(0))


async def test_invoice_reaches_its_cost_center_and_natural_account(
    adapter: TrytonAdapter, client: TrytonClient
) -> None:
    before = await _analytic(client, "6110")
    document = tryton.invoice()
    posted = await adapter.post(document, document.natural_key)
    lines = await client.read(
        "account.move.line", [["move.origin", "=", f"account.invoice,{posted.record}"]], ["account.code", "debit"]
    )

    assert await _analytic(client, "6110") == before + Decimal("37.02")
    assert [line["debit"] for line in lines if line["account"]["code"] == "5100"] == [Decimal("37.02")]


async def test_allocation_moves_money_between_accounts_and_onto_the_cost_center(
    adapter: TrytonAdapter, client: TrytonClient
) -> None:
    before = await _analytic(client, "6120")
    document = tryton.journal_entry()
    posted = await adapter.post(document, document.natural_key)
    lines = await client.read(
        "account.move.line", [["move", "=", int(posted.record)]], ["account.code", "debit", "credit"]
    )

    assert await _analytic(client, "6120") == before + Decimal("123.45")
    assert {(x["account"]["code"], x["debit"], x["credit"]) for x in lines} == {
        ("5100", Decimal("123.45"), Decimal(0)),
        ("1300", Decimal(0), Decimal("123.45")),
    }


async def test_requisition_becomes_purchase_requests(adapter: TrytonAdapter, client: TrytonClient) -> None:
    document = tryton.requisition()
    posted = await adapter.post(document, document.natural_key)
    (found,) = await client.read(
        "purchase.requisition", [["id", "=", int(posted.record)]], ["lines.purchase_requests.quantity"]
    )

    assert [r["quantity"] for line in found["lines"] for r in line["purchase_requests"]] == [Decimal(200)]


async def test_requisition_without_prices_is_taken(adapter: TrytonAdapter) -> None:
    base = tryton.requisition()
    line = base.lines[0].model_copy(update={"anticipated_price": None})
    document = base.model_copy(update={"lines": (line,)})
    posted = await adapter.post(document, document.natural_key)

    assert (posted.state, posted.total) == ("processing", Decimal(0))


async def test_units_and_terms_are_made_once_by_documents_side_by_side(
    adapter: TrytonAdapter, client: TrytonClient
) -> None:
    packaging = tuple(p.model_copy(update={"contains": Decimal(77)}) for p in tryton.item().packaging)
    items = [tryton.item(tryton.unique("M")).model_copy(update={"packaging": packaging}) for _ in range(3)]
    await asyncio.gather(*(adapter.post(item, item.natural_key) for item in items))

    assert await client.count("product.uom", [["name", "=", "BX of 77"]]) == 1


async def _order_of_a_user(client: TrytonClient) -> dict[str, Any]:
    """As the ERP's own buyers make them: numbered by the ERP, which drafts an invoice on its own."""
    (party,) = await client.read("party.party", [["code", "=", tryton.SUPPLIER]], ["addresses.id"])
    (product,) = await client.read("product.product", [["code", "=", tryton.ITEM]], ["default_uom.id"])
    (warehouse,) = await client.read("stock.location", [["type", "=", "warehouse"]], ["name"])
    line = {"type": "line", "product": product["id"], "unit": product["default_uom"]["id"], "quantity": 40,
            "unit_price": Decimal("0.25")}  # fmt: skip
    made = await client.create(
        "purchase.purchase",
        {"party": party["id"], "invoice_address": party["addresses"][0]["id"], "warehouse": warehouse["id"],
         "purchase_date": tryton.today(), "invoice_method": "order", "lines": created(line)},
    )  # fmt: skip
    for button in ("quote", "confirm"):
        await client.press("purchase.purchase", made["id"], button)
    return await client.get("purchase.purchase", made["id"], ["number", "state", "invoices.state"])


async def test_order_made_in_the_erp_is_read_under_the_erps_number(
    adapter: TrytonAdapter, client: TrytonClient
) -> None:
    made = await _order_of_a_user(client)
    orders = {order.order_number: order for order in await adapter.purchase_orders(tryton.today())}
    order = orders[made["number"]]

    assert order.total.amount == Decimal("10.00")
    assert order.lines[0].identifiers[0].value == f"V-{tryton.ITEM}"


async def test_suppliers_invoice_takes_the_place_of_the_erps_own_draft(
    adapter: TrytonAdapter, client: TrytonClient
) -> None:
    made = await _order_of_a_user(client)
    base = tryton.invoice(price="0.25")
    quantity = base.lines[0].quantity.model_copy(update={"amount": Decimal(40), "unit": "EA"})
    line = base.lines[0].model_copy(update={"quantity": quantity})
    document = base.model_copy(
        update={"order_number": made["number"], "lines": (line,), "stated_total": tryton.money("10.00")}
    )
    await adapter.post(document, document.natural_key)
    order = await client.get("purchase.purchase", made["id"], ["invoices.state", "invoices.reference", "invoice_state"])

    assert [i["state"] for i in made["invoices"]] == ["draft"]
    assert [(i["state"], i["reference"]) for i in order["invoices"]] == [("posted", document.invoice_number)]


async def test_partial_receipts_add_up_and_a_second_of_the_same_is_refused(
    adapter: TrytonAdapter, client: TrytonClient
) -> None:
    order = tryton.order()
    posted = await adapter.post(order, order.natural_key)
    first = tryton.receipt(order)
    await adapter.post(first, first.natural_key)
    rest = tryton.receipt(order)
    line = rest.lines[0].model_copy(update={"quantity": tryton.boxes("6")})
    await adapter.post(rest.model_copy(update={"lines": (line,)}), rest.natural_key)
    over = tryton.receipt(order)
    found = await client.get(
        "purchase.purchase", int(posted.record), ["lines.sequence", "lines.moves.quantity", "lines.moves.state"]
    )
    moves = [m for line in found["lines"] if line["sequence"] == 1 for m in line["moves"]]

    assert sorted((m["state"], m["quantity"]) for m in moves) == [("done", Decimal(4)), ("done", Decimal(6))]
    with pytest.raises(DestinationError, match="waits for no such item"):
        await adapter.post(over, over.natural_key)


async def test_invoice_is_paid_when_the_erp_paid_it(erp: ErpServer, adapter: TrytonAdapter) -> None:
    document = tryton.invoice()
    posted = await adapter.post(document, document.natural_key)
    rpc = RpcSession(f"{erp.url}/{erp.database}")
    try:
        await rpc.sign_in("admin", erp.template.admin_password)
        await _pay(rpc, int(posted.record), document.total.amount)
    finally:
        await rpc.close()
    status = await adapter.payment_status(document.supplier_number, document.invoice_number)

    assert status.state is PaymentState.PAID
    assert status.amount_due == tryton.money("0.00").model_copy(update={"amount": Decimal(0)})
    with pytest.raises(DestinationError, match="has paid"):
        await adapter.carry_out("undo_post_invoice", document, document.natural_key)
    with pytest.raises(DestinationError, match="nothing of this invoice"):
        await adapter.carry_out("hold_payment", tryton.payment(document), "x")


async def _pay(rpc: RpcSession, invoice: int, amount: Decimal) -> None:
    (found,) = await rpc.read("account.invoice", [["id", "=", invoice]], "lines_to_pay", "party", "reference")
    (journal, *_) = await rpc.read("account.payment.journal", [])
    payment = await rpc.create(
        "account.payment", journal=journal["id"], kind="payable", party=found["party"],
        line=found["lines_to_pay"][0], amount=amount, reference=found["reference"],
    )  # fmt: skip
    for button in ("submit", "approve"):
        await rpc.model("account.payment", button, [payment])
    active = {"active_model": "account.payment", "active_id": payment, "active_ids": [payment]}
    await rpc.wizard("account.payment.process", [], active)
    await rpc.wizard("account.payment.succeed", [({"start": {"date": tryton.today()}}, "succeed")], active)


async def test_changed_supplier_is_brought_up_to_date(adapter: TrytonAdapter) -> None:
    number = tryton.unique("S")
    first = tryton.supplier(number).model_copy(update={"address": Address(city="Springfield", state="IL")})
    await adapter.post(first, number)
    changed = first.model_copy(
        update={
            "name": "Renamed",
            "address": Address(street="2 Elm St", city="Shelbyville", state="IL", postal_code="62565"),
            "email": "ap@renamed.example",
            "tax_identifier": "12-3456789",
            "payment_terms_days": 45,
        }
    )
    await adapter.post(changed, number)
    again = await adapter.post(changed, number)
    (found,) = [s for s in await adapter.suppliers() if s.supplier_number == number]

    assert again.already_there
    assert (found.name, found.address, found.email) == (changed.name, changed.address, changed.email)
    assert (found.tax_identifier, found.payment_terms_days) == ("12-3456789", 45)


async def test_closed_period_is_named_before_anything_is_made(adapter: TrytonAdapter) -> None:
    document = tryton.journal_entry().model_copy(update={"posted_on": tryton.today().replace(year=1999, day=1)})
    with pytest.raises(DestinationError, match="period"):
        await adapter.post(document, document.natural_key)

    assert await adapter.find("JournalEntry", document.natural_key, document.natural_key) is None


async def test_key_that_the_erp_does_not_know_lets_deliveries_wait_for_a_new_one(erp: ErpServer) -> None:
    stranger = TrytonAdapter(erp.settings(), "not-the-key")
    health = await stranger.check()
    with pytest.raises(TransportError, match="issue a new key"):
        await stranger.post(tryton.invoice(), "x")
    await stranger.close()

    assert not health.ok


async def test_bulk_seeding_makes_masters_once(adapter: TrytonAdapter) -> None:
    suppliers = [tryton.supplier(tryton.unique("S")) for _ in range(8)]
    items = [tryton.item(tryton.unique("M")) for _ in range(45)]
    first = await adapter.seed([*suppliers, *items])
    second = await adapter.seed([*suppliers, *items])

    assert (first, second) == (53, 0)


async def test_what_a_person_cancelled_does_not_come_again_by_itself(
    adapter: TrytonAdapter, client: TrytonClient
) -> None:
    document = tryton.invoice()
    posted = await adapter.post(document, document.natural_key)
    await client.press("account.invoice", int(posted.record), "cancel")
    with pytest.raises(DestinationError, match="similar"):
        await adapter.post(document, document.natural_key)


async def test_what_a_person_entered_under_our_number_is_not_taken_back(adapter: TrytonAdapter) -> None:
    document = tryton.invoice()
    await adapter.post(document, "entered by hand")
    undone = await adapter.carry_out("undo_post_invoice", document, document.natural_key)

    assert undone.already_there
    assert await adapter.find("Invoice", document.natural_key, document.natural_key) is not None


async def test_a_held_invoice_is_in_no_payment_run_of_the_erp(adapter: TrytonAdapter, client: TrytonClient) -> None:
    document = tryton.invoice()
    posted = await adapter.post(document, document.natural_key)
    line: list[Any] = [["move.origin", "=", f"account.invoice,{posted.record}"], ["payment_blocked", "=", True]]
    await adapter.carry_out("hold_payment", tryton.payment(document), "x")
    held = await client.count("account.move.line", line)
    await adapter.carry_out("release_payment", tryton.payment(document), "x")

    assert (held, await client.count("account.move.line", line)) == (1, 0)


async def test_an_invoice_of_a_closed_period_counts_on_the_day_that_it_is_posted_on(
    adapter: TrytonAdapter, client: TrytonClient
) -> None:
    written, counts = tryton.today() - timedelta(days=62), tryton.today()
    document = tryton.invoice().model_copy(update={"invoiced_on": written, "posted_on": counts})
    posted = await adapter.post(document, document.natural_key)
    found = await client.get("account.invoice", int(posted.record), ["invoice_date", "move.date"])

    assert (found["invoice_date"], found["move"]["date"]) == (written, counts)
