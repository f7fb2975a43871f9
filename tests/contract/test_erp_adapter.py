"""What every ERP adapter promises: run on the double in memory, on Tryton 8.2 and on Tryton 8.0."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from decimal import Decimal

import pytest

from engine.adapters.tryton.adapter import TrytonAdapter
from engine.adapters.tryton.server import ErpServer
from engine.canonical import (
    Charge,
    CostCenter,
    Document,
    Identifier,
    Invoice,
    InvoiceKind,
    PaymentState,
    PaymentStatus,
)
from engine.core.errors import DestinationError
from engine.ports.erp import ERP_NUMBER, CarriesOut, ErpAdapter, KnowsTwins, Posted, Twin
from tests.support import tryton
from tests.support.erp_double import ErpDouble

SYSTEMS = [
    "double",
    pytest.param("8.2", marks=[pytest.mark.erp, pytest.mark.integration]),
    pytest.param("8.0", marks=[pytest.mark.erp, pytest.mark.integration, pytest.mark.slow]),
]
MAKERS = [tryton.requisition, tryton.order, tryton.invoice, tryton.journal_entry]


@pytest.fixture(scope="module", params=SYSTEMS)
def system(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ErpServer | None]:
    with ExitStack() as stack:
        if request.param == "double":
            yield None
        else:
            directory = tmp_path_factory.mktemp("erp")
            yield stack.enter_context(tryton.running_erp(directory, request.param))


@pytest.fixture
async def adapter(system: ErpServer | None) -> AsyncIterator[ErpAdapter]:
    made: ErpAdapter = system.adapter() if system else ErpDouble()
    if not system:
        await made.post(tryton.supplier(), tryton.SUPPLIER)
        await made.post(tryton.item(), tryton.ITEM)
    yield made
    await made.close()


@pytest.mark.parametrize("make", MAKERS)
async def test_the_same_document_twice_makes_one(adapter: ErpAdapter, make: type) -> None:
    document: Document = make()
    before = (await adapter.summary())[document.kind]
    first = await adapter.post(document, document.natural_key)
    second = await adapter.post(document, document.natural_key)
    after = (await adapter.summary())[document.kind]

    assert (first.already_there, second.already_there) == (False, True)
    assert first.record == second.record
    assert after[0] == before[0] + 1
    assert after[1] == before[1] + (first.total or 0)


@pytest.mark.parametrize("make", MAKERS)
async def test_inquiry_finds_what_was_posted_and_only_that(adapter: ErpAdapter, make: type) -> None:
    document: Document = make()
    absent = await adapter.find(document.kind, document.natural_key, document.natural_key)
    posted = await adapter.post(document, document.natural_key)
    found = await adapter.find(document.kind, document.natural_key, document.natural_key)

    assert absent is None
    assert found is not None
    assert (found.record, found.reference, found.state, found.total) == (
        posted.record,
        posted.reference,
        posted.state,
        posted.total,
    )


async def test_another_invoice_under_the_same_number_is_refused(adapter: ErpAdapter) -> None:
    first = tryton.invoice()
    await adapter.post(first, first.natural_key)
    with pytest.raises(DestinationError):
        await adapter.post(tryton.invoice(first.invoice_number, price="99.00"), first.natural_key)
    found = await adapter.find("Invoice", first.natural_key, first.natural_key)

    assert found is not None
    assert found.total == first.total.amount


async def test_two_suppliers_may_use_the_same_invoice_number(adapter: ErpAdapter) -> None:
    await adapter.post(tryton.supplier("S1002"), "S1002")
    first = tryton.invoice()
    second = tryton.invoice(first.invoice_number, supplier_number="S1002")
    one = await adapter.post(first, first.natural_key)
    two = await adapter.post(second, second.natural_key)

    assert not two.already_there
    assert one.record != two.record


async def test_invoice_that_does_not_add_up_is_refused(adapter: ErpAdapter) -> None:
    document = tryton.invoice().model_copy(update={"stated_total": tryton.money("1.00")})
    with pytest.raises(DestinationError):
        await adapter.post(document, document.natural_key)

    assert await adapter.find("Invoice", document.natural_key, document.natural_key) is None


async def test_freight_tax_and_half_cents_are_posted_to_the_cent(adapter: ErpAdapter) -> None:
    base = tryton.invoice(price="0.045")  # 3 boxes: 0.135, a half cent that trading documents round up
    charges = (Charge(code="D240", amount=tryton.money("7.35"), description="Freight"),)
    taxes = (Charge(code="ST", amount=tryton.money("0.99")),)
    document = base.model_copy(update={"charges": charges, "taxes": taxes, "stated_total": tryton.money("8.48")})
    posted = await adapter.post(document, document.natural_key)

    assert posted.total == Decimal("8.48")


async def test_credit_memo_lowers_what_is_owed(adapter: ErpAdapter) -> None:
    document = tryton.invoice().model_copy(update={"invoice_kind": InvoiceKind.CREDIT_MEMO})
    before = (await adapter.summary())["Invoice"]
    posted = await adapter.post(document, document.natural_key)
    after = (await adapter.summary())["Invoice"]

    assert posted.total == -document.total.amount
    assert after[1] == before[1] - document.total.amount


async def test_unknown_item_is_named_with_a_remedy(adapter: ErpAdapter) -> None:
    base = tryton.order()
    line = base.lines[0].model_copy(update={"item_number": "M99999"})
    document = base.model_copy(update={"lines": (line,)})
    with pytest.raises(DestinationError, match="M99999") as caught:
        await adapter.post(document, document.natural_key)

    assert caught.value.remedy


async def test_unknown_supplier_is_named_with_a_remedy(adapter: ErpAdapter) -> None:
    document = tryton.order(supplier_number="S9999")
    with pytest.raises(DestinationError, match="S9999") as caught:
        await adapter.post(document, document.natural_key)

    assert caught.value.remedy


async def test_units_are_never_assumed_equal(adapter: ErpAdapter) -> None:
    base = tryton.requisition()
    quantity = base.lines[0].quantity.model_copy(update={"unit": "DZ"})
    line = base.lines[0].model_copy(update={"quantity": quantity})
    document = base.model_copy(update={"lines": (line,)})
    with pytest.raises(DestinationError, match="DZ"):
        await adapter.post(document, document.natural_key)


async def test_kind_without_a_place_in_the_erp_is_refused(adapter: ErpAdapter) -> None:
    document = PaymentStatus(supplier_number="S1", invoice_number="1", state=PaymentState.OPEN, as_of=tryton.today())
    with pytest.raises(DestinationError, match="PaymentStatus"):
        await adapter.post(document, document.natural_key)

    assert "PaymentStatus" not in adapter.kinds


async def test_posted_order_is_read_back_as_it_was(adapter: ErpAdapter) -> None:
    document = tryton.order()
    await adapter.post(document, document.natural_key)
    orders = {o.order_number: o for o in await adapter.purchase_orders(tryton.today())}
    found = orders[document.order_number]

    assert found.supplier_number == document.supplier_number
    assert found.total == document.total
    for ours, theirs in zip(document.lines, found.lines, strict=True):
        assert (theirs.number, theirs.item_number, theirs.cost_center) == (
            ours.number,
            ours.item_number,
            ours.cost_center,
        )
        assert (theirs.quantity, theirs.price) == (ours.quantity, ours.price)


async def test_receipt_needs_its_order(adapter: ErpAdapter) -> None:
    ordered = tryton.order()
    early = tryton.receipt(ordered)
    with pytest.raises(DestinationError, match=ordered.order_number):
        await adapter.post(early, early.natural_key)
    await adapter.post(ordered, ordered.natural_key)
    posted = await adapter.post(early, early.natural_key)

    assert posted.state == "done"


async def test_invoice_of_an_order_is_posted_once_with_it(adapter: ErpAdapter) -> None:
    ordered = tryton.order()
    await adapter.post(ordered, ordered.natural_key)
    base = tryton.invoice()
    line = base.lines[0].model_copy(update={"order_line_number": 1})
    document = base.model_copy(update={"order_number": ordered.order_number, "lines": (line,)})
    before = (await adapter.summary())["Invoice"][0]
    await adapter.post(document, document.natural_key)

    assert (await adapter.summary())["Invoice"][0] == before + 1


async def test_payment_state_of_a_posted_invoice_is_open_with_its_amount(adapter: ErpAdapter) -> None:
    document = tryton.invoice()
    unknown = await adapter.payment_status(document.supplier_number, document.invoice_number)
    await adapter.post(document, document.natural_key)
    known = await adapter.payment_status(document.supplier_number, document.invoice_number)

    assert (unknown.state, unknown.amount_due) == (PaymentState.UNKNOWN, None)
    assert (known.state, known.amount_due) == (PaymentState.OPEN, document.total)


async def test_masters_are_made_once_and_brought_up_to_date(adapter: ErpAdapter) -> None:
    number = tryton.unique("M")
    first = await adapter.post(tryton.item(number), number)
    changed = tryton.item(number).model_copy(update={"description": "Examination gloves, new", "active": False})
    second = await adapter.post(changed, number)
    (found,) = [i for i in await adapter.items() if i.item_number == number]

    assert (first.already_there, second.already_there) == (False, True)
    assert (found.description, found.active) == ("Examination gloves, new", False)
    assert found.packaging[0].contains == 100
    assert found.supplier_item_number == f"V-{number}"


async def test_cost_center_is_known_after_it_was_sent(adapter: ErpAdapter) -> None:
    center = CostCenter(cost_center=tryton.unique("7"), name="New department")
    await adapter.post(center, center.natural_key)
    found = await adapter.find("CostCenter", center.natural_key, center.natural_key)

    assert found is not None
    assert found.state == "active"


async def test_supplier_is_read_back(adapter: ErpAdapter) -> None:
    number = tryton.unique("S")
    await adapter.post(tryton.supplier(number), number)

    assert number in {s.supplier_number for s in await adapter.suppliers()}


async def test_check_says_that_the_erp_answers(adapter: ErpAdapter) -> None:
    assert (await adapter.check()).ok


# ------------------------------------------------------------------ what is asked of documents that are there
async def asked(adapter: ErpAdapter, command: str, document: Document) -> Posted:
    assert isinstance(adapter, CarriesOut)
    return await adapter.carry_out(command, document, document.natural_key)


async def test_an_invoice_that_is_taken_back_is_gone_and_may_come_again(adapter: ErpAdapter) -> None:
    document = tryton.invoice()
    before = (await adapter.summary())["Invoice"]
    first = await adapter.post(document, document.natural_key)
    undone = await asked(adapter, "undo_post_invoice", document)
    between = (await adapter.summary())["Invoice"]
    again = await adapter.post(document, document.natural_key)

    assert (undone.state, undone.reference, undone.already_there) == ("cancelled", first.reference, False)
    assert between == before
    assert not again.already_there


async def test_what_is_not_there_or_was_taken_back_needs_no_taking_back(adapter: ErpAdapter) -> None:
    document, stranger = tryton.invoice(), tryton.invoice()
    await adapter.post(document, document.natural_key)
    await asked(adapter, "undo_post_invoice", document)
    found = [await asked(adapter, "undo_post_invoice", one) for one in (document, stranger)]

    assert [(one.state, one.already_there) for one in found] == [("cancelled", True), ("cancelled", True)]


async def test_a_payment_is_held_once_until_it_is_released(adapter: ErpAdapter) -> None:
    first, second = tryton.invoice(), tryton.invoice()
    for one in (first, second):
        await adapter.post(one, one.natural_key)
    payment = tryton.payment(first, second)
    commands = ["hold_payment", "hold_payment", "release_payment", "release_payment", "hold_payment"]
    found = [await asked(adapter, command, payment) for command in commands]

    assert [one.already_there for one in found] == [False, True, False, True, False]
    assert [one.state for one in found[1:3]] == ["held", "released"]


async def test_a_payment_of_what_the_erp_does_not_have_cannot_be_held(adapter: ErpAdapter) -> None:
    posted = tryton.invoice()
    await adapter.post(posted, posted.natural_key)
    with pytest.raises(DestinationError):
        await asked(adapter, "hold_payment", tryton.payment(posted, tryton.invoice()))
    with pytest.raises(DestinationError):
        await asked(adapter, "hold_payment", tryton.payment())

    assert not (await asked(adapter, "hold_payment", tryton.payment(posted))).already_there


async def test_what_no_adapter_does_is_a_matter_for_a_person(adapter: ErpAdapter) -> None:
    assert isinstance(adapter, CarriesOut)
    assert not adapter.commands & {"stop_payment", "undo_post_journal", "screen_supplier"}


async def test_what_names_a_master_that_is_not_there_is_refused_and_says_which(adapter: ErpAdapter) -> None:
    item, supplier = tryton.unique("M"), tryton.unique("S")
    wanted = tryton.order()
    unknown = wanted.lines[0].model_copy(update={"item_number": item})
    orders = [wanted.model_copy(update={"lines": (unknown,)}), wanted.model_copy(update={"supplier_number": supplier})]
    lacks = []
    for one in orders:
        with pytest.raises(DestinationError) as caught:
            await adapter.post(one, one.natural_key)
        lacks.append(caught.value.lacks)

    assert lacks == [("Item", item), ("Supplier", supplier)]


# ------------------------------------------------------------------ what people typed in there themselves
async def typed_in(adapter: ErpAdapter, invoice: Invoice) -> Posted:
    """By a person: it does not carry our reference."""
    return await adapter.post(invoice, "by hand")


async def cancelled_there(adapter: ErpAdapter, invoice: Invoice) -> None:
    if isinstance(adapter, TrytonAdapter):
        client = adapter._client
        (found,) = await client.read("account.invoice", [["reference", "=", invoice.invoice_number]], ["id"])
        await client.press("account.invoice", found["id"], "cancel")
    else:
        assert isinstance(adapter, ErpDouble)
        adapter.documents.pop((invoice.kind, invoice.natural_key))


async def refused_by(adapter: ErpAdapter, ours: Invoice) -> tuple[DestinationError, Twin]:
    with pytest.raises(DestinationError) as caught:
        await adapter.post(ours, ours.natural_key)
    assert isinstance(adapter, KnowsTwins)
    twin = await adapter.twin(ours, ours.natural_key, caught.value)
    assert twin is not None
    return caught.value, twin


async def twins(adapter: ErpAdapter) -> tuple[Invoice, Posted]:
    """Ours, and another one that somebody typed in under its number for a cent more a box."""
    ours = tryton.invoice(price="12.34")
    return ours, await typed_in(adapter, tryton.invoice(ours.invoice_number, price="12.35"))


async def test_what_stands_in_the_erp_in_place_of_ours_is_shown(adapter: ErpAdapter) -> None:
    ours, theirs = await twins(adapter)
    _, twin = await refused_by(adapter, ours)

    assert (twin.reference, twin.number, twin.is_posted) == (theirs.reference, ours.invoice_number, True)
    assert (twin.total, twin.currency, twin.dated) == (Decimal("37.05"), "USD", ours.invoiced_on)


async def test_theirs_is_taken_for_ours_and_nothing_new_is_made(adapter: ErpAdapter) -> None:
    ours, theirs = await twins(adapter)
    before = (await adapter.summary())["Invoice"]
    linked = ours.model_copy(update={"references": (Identifier(scheme=ERP_NUMBER, value=theirs.reference),)})
    adopted = [await asked(adapter, "adopt_invoice", linked) for _ in range(2)]

    assert {one.reference for one in adopted} == {theirs.reference}
    assert (await adapter.summary())["Invoice"] == before


async def test_what_is_not_there_as_it_was_shown_is_not_adopted(adapter: ErpAdapter) -> None:
    ours, _ = await twins(adapter)
    linked = ours.model_copy(update={"references": (Identifier(scheme=ERP_NUMBER, value="another"),)})
    for one in (ours, linked):
        with pytest.raises(DestinationError):
            await asked(adapter, "adopt_invoice", one)


async def test_ours_is_posted_once_after_theirs_was_cancelled_and_not_before(adapter: ErpAdapter) -> None:
    ours, _ = await twins(adapter)
    with pytest.raises(DestinationError):
        await asked(adapter, "repost_invoice", ours)
    await cancelled_there(adapter, ours)
    posted = [await asked(adapter, "repost_invoice", ours) for _ in range(2)]

    assert [one.already_there for one in posted] == [False, True]
    assert {one.total for one in posted} == {ours.total.amount}
