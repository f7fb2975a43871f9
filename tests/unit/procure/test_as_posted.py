"""What the ERP is given adds up to what is owed: in one unit a line, with the cents that rounding leaves."""

from __future__ import annotations

from decimal import Decimal

import pytest

from engine.canonical import CaseAction, CaseVerb, Identifier, Invoice, InvoiceKind, Item, Packaging
from engine.channel.policies import Policies
from engine.channel.policy_matching import Limit, Tolerance, Tolerances
from engine.procure.matching.purchase import decide_purchase
from tests.support.papers import NOW, papers, world
from tests.support.purchases import SUPPLIER, billed, invoice, of, order, ordered, receipt, usd

CASE_OF_40 = Item(
    item_number="M1", description="glove", unit="EA", packaging=(Packaging(unit="CA", contains=Decimal(40)),)
)
CASE_OF_3 = CASE_OF_40.model_copy(update={"packaging": (Packaging(unit="CA", contains=Decimal(3)),)})


def given(item: Item, amount: str, unit: str, price: str, price_unit: str, total: str) -> Invoice:
    asked = order(ordered(amount=amount, unit=unit, price=price, price_unit=price_unit))
    told = invoice(billed(amount, price, unit, price_unit=price_unit), total=total)
    known = world(SUPPLIER, item, watermarks={"receipts": NOW, "orders": NOW})
    decision = decide_purchase(papers(asked, receipt(amount, unit=unit), told), known)
    (wish,) = decision.intents
    assert isinstance(wish.document, Invoice)
    return wish.document


@pytest.mark.parametrize(
    ("item", "told", "quantity", "price"),
    [
        (CASE_OF_40, ("2", "CA", "4.00", "EA", "320.00"), ("2", "CA"), "160"),
        (CASE_OF_40, ("80", "EA", "160.00", "CA", "320.00"), ("80", "EA"), "4"),
        (CASE_OF_3, ("6", "EA", "10.00", "CA", "20.00"), ("2", "CA"), "10.00"),  # 3.33 has no end: the quantity changes
    ],
)
def test_the_erp_gets_prices_of_the_units_that_it_multiplies(
    item: Item, told: tuple[str, str, str, str, str], quantity: tuple[str, str], price: str
) -> None:
    document = given(item, *told)
    (line,) = document.lines

    assert (line.quantity, line.price.amount, line.price_unit) == (of(*quantity), Decimal(price), None)
    assert document.total == document.stated_total


def test_what_is_priced_per_its_own_unit_is_given_as_it_was_written() -> None:
    told = given(CASE_OF_40, "2", "CA", "160.00", "CA", "320.00")

    assert told.lines[0].price_unit == "CA"


SMALL = Policies(tolerances=Tolerances(rules=(
    Tolerance(rule="small_differences", upper=Limit(absolute=Decimal("0.05")), lower=Limit(absolute=Decimal("0.05"))),
)))  # fmt: skip


@pytest.mark.parametrize("kind", InvoiceKind)
@pytest.mark.parametrize(("total", "gap"), [("40.05", "0.05"), ("39.95", "-0.05"), ("40.00", None)])
def test_cents_that_the_policies_let_pass_are_a_charge_so_that_the_total_is_what_is_owed(
    kind: InvoiceKind, total: str, gap: str | None
) -> None:
    documents = [order(), receipt(), invoice(total=total)]
    if kind is InvoiceKind.CREDIT_MEMO:
        documents = [order(), receipt(), invoice(), invoice(number="C-1", total=total, invoice_kind=kind)]
    known = world(SUPPLIER, watermarks={"receipts": NOW, "orders": NOW}, policies=SMALL)
    told = decide_purchase(papers(*documents), known).intents[-1].document

    assert isinstance(told, Invoice)
    assert told.total == told.stated_total == usd(total)
    assert [str(one.amount.amount) for one in told.charges] == ([gap] if gap else [])


def test_a_total_that_a_person_let_pass_is_what_is_owed() -> None:
    let_pass = CaseAction(
        action_number="1", case_id="c", dossier="order:PO-1", action=CaseVerb.ACCEPT, place="S1/I-1", who="ana", at=NOW,
        case_type="total_out_of_balance",
    )  # fmt: skip
    known = world(SUPPLIER, watermarks={"receipts": NOW, "orders": NOW}, policies=SMALL)
    held = decide_purchase(papers(order(), receipt(), invoice(total="41.00")), known)
    decision = decide_purchase(papers(order(), receipt(), invoice(total="41.00"), let_pass), known)

    assert [one.type for one in held.findings] == ["total_out_of_balance"]
    (wish,) = decision.intents
    assert isinstance(wish.document, Invoice)
    assert wish.document.total == usd("41.00")


GTIN = Identifier(scheme="GTIN", value="00614141000036")
THEIRS = Identifier(scheme="VENDOR_ITEM", value="X-9")


@pytest.mark.parametrize(
    ("told", "known", "number"),
    [
        (GTIN, (), "M1"),
        (Identifier(scheme="UPC", value="614141000036"), (), "M1"),
        (THEIRS, (), "M1"),
        (THEIRS, (Item(item_number="X-9", description="of ours"),), "X-9"),  # our number, as it happens
    ],
)
@pytest.mark.parametrize("beside", [1, None])
def test_the_erp_gets_our_number_of_what_the_supplier_names_by_another(
    told: Identifier, known: tuple[Item, ...], number: str, beside: int | None
) -> None:
    line = billed(item_number=told.value, identifiers=(told,), order_line_number=beside)
    asked = order(ordered(identifiers=(GTIN, THEIRS)))
    of = world(SUPPLIER, *known, watermarks={"receipts": NOW, "orders": NOW})
    (wish,) = decide_purchase(papers(asked, receipt(), invoice(line)), of).intents

    assert isinstance(wish.document, Invoice)
    assert [one.item_number for one in wish.document.lines] == [number]
