"""Invoices against their orders: what is posted, what waits, and what people must look at."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from engine.canonical import (
    AcknowledgedLine,
    CaseAction,
    CaseVerb,
    Charge,
    Contract,
    ContractLine,
    ContractMember,
    Correction,
    CostCenter,
    Document,
    Identifier,
    Invoice,
    InvoiceKind,
    Item,
    LineAction,
    LineAnswer,
    LineKind,
    MatchRule,
    Money,
    OrderAcknowledgement,
    OrderChange,
    OrderChangeAction,
    OrderChangeLine,
    Packaging,
    PriceBreak,
    PurchaseOrder,
    Receipt,
    ReceiptKind,
    SplitPart,
    Supplier,
    SupplierStatus,
    Terms,
    UnitConversion,
)
from engine.canonical.guarded import Guarded
from engine.channel.policies import Policies
from engine.channel.policy_matching import Limit, Matching, TaxRate, Tolerance, Tolerances
from engine.channel.policy_people import People, Person
from engine.channel.policy_routing import Exceptions
from engine.procure.decision import Decision, World
from engine.procure.matching.purchase import decide_purchase
from engine.procure.papers import Papers, dossiers_of, releases_dossier
from tests.support.papers import NOW, papers, world
from tests.support.purchases import SUPPLIER, billed, invoice, of, order, ordered, receipt, usd

PASSED = {"receipts": NOW, "orders": NOW, "inspections": NOW}


def decide(*documents: Document, known: tuple[Document, ...] = (SUPPLIER,), **more: Any) -> Decision:
    return decide_purchase(papers(*documents), world(*known, **({"watermarks": PASSED} | more)))


def types(decision: Decision) -> list[str]:
    return sorted(one.type for one in decision.findings)


def posted(decision: Decision) -> list[str]:
    return [one.key for one in decision.intents if one.what == "post_invoice"]


def act(
    verb: CaseVerb, case_type: str | None = None, place: str = "S1/I-1", number: str = "1", **more: Any
) -> CaseAction:
    values: dict[str, Any] = {"who": "ana", "at": NOW} | more
    return CaseAction(
        action_number=number, case_id="c", dossier="order:PO-1", action=verb, case_type=case_type, place=place, **values
    )


def test_what_was_ordered_received_and_invoiced_is_posted() -> None:
    decision = decide(order(), receipt(), invoice())

    assert (types(decision), posted(decision)) == ([], ["post_invoice:S1/I-1"])


def four_ways() -> Document:
    return order(match_rule=MatchRule.FOUR_WAY)


AMOUNTS = Tolerances(rules=(
    Tolerance(rule="price", upper=Limit(percent=Decimal(2))),
    Tolerance(rule="line_amount", upper=Limit(absolute=Decimal("0.10"))),
    Tolerance(rule="quantity_received", upper=Limit(percent=Decimal(50)), lower=Limit(unlimited=True)),
))  # fmt: skip


@pytest.mark.parametrize(
    ("before", "amount", "price", "at"),
    [
        ((receipt("4"),), "12", "4.00", "6"),
        ((receipt("8"),), "12", "4.00", "10"),
        ((receipt("4"),), "9", "4.00", "6"),
        ((receipt("8", accepted="5"),), "10", "4.00", "5"),
        ((receipt(),), "10", "4.20", "4.01"),
        ((receipt(),), "7", "4.20", "4.014285"),  # a third decimal that would round beyond the limit
    ],
)
def test_what_would_have_flipped_a_decision_flips_it(
    before: tuple[Document, ...], amount: str, price: str, at: str
) -> None:
    inspected = any(line.accepted for one in before if isinstance(one, Receipt) for line in one.lines)
    asked = order(match_rule=MatchRule.FOUR_WAY if inspected else MatchRule.THREE_WAY)
    told = {"policies": Policies(tolerances=AMOUNTS)}
    (found,) = decide(asked, *before, invoice(billed(amount, price)), **told).findings
    flipped = billed(amount, at) if found.type.startswith("price") else billed(at, price)

    assert found.flip.startswith(f"{at} instead of ")
    assert posted(decide(asked, *before, invoice(flipped), **told)) == ["post_invoice:S1/I-1"]


CASES: list[tuple[str, list[Document], list[str]]] = [
    ("two ways need no receipt", [order(match_rule=MatchRule.TWO_WAY), invoice()], []),
    ("not received", [order(), invoice()], ["quantity_not_received"]),
    ("accepted", [four_ways(), receipt(accepted="10"), invoice()], []),
    ("not all accepted", [four_ways(), receipt(accepted="9"), invoice()], ["quantity_not_accepted"]),
    ("not inspected", [four_ways(), receipt(), invoice()], ["quantity_not_accepted"]),
    ("parts", [order(), receipt("4"), invoice(billed("4"))], []),
    ("two parts", [order(), receipt(), invoice(billed("4")), invoice(billed("6"), number="I-2")], []),
    ("more than ordered", [order(), receipt("12"), invoice(billed("12"))], ["quantity_above_ordered"]),
    ("over-receipt is not paid", [order(), receipt("12"), invoice()], []),
    ("returned", [order(), receipt(), receipt("2", "R-2", receipt_kind=ReceiptKind.RETURN), invoice()],
     ["quantity_not_received"]),
    ("receipt taken back", [order(), receipt(cancelled=True), invoice()], ["quantity_not_received"]),
    ("free goods", [order(ordered(), ordered(2, "1", "0.00")), receipt(), receipt("1", "R-2", line=2),
                    invoice(billed(), billed("1", "0.00", line=2))], []),
    ("freight agreed", [order(charges=(Charge(code="D240", amount=usd("9.00")),)), receipt(),
                        invoice(charges=(Charge(code="D240", amount=usd("9.00")),))], []),
    ("freight not agreed", [order(), receipt(), invoice(charges=(Charge(code="D240", amount=usd("9.00")),))],
     ["freight_above_ordered"]),
    ("price above", [order(), receipt(), invoice(billed(price="4.01"))], ["price_above_tolerance"]),
    ("total does not add up", [order(), receipt(), invoice(total="41.00")], ["total_out_of_balance"]),
    ("another line", [order(), receipt(), invoice(billed(line=7))], ["line_not_ordered"]),
    ("cancelled", [order(purpose="01"), receipt(), invoice()], ["quantity_above_ordered"]),
    ("deleted", [order(purpose="03"), receipt(), invoice()], ["quantity_above_ordered"]),
    ("of another supplier", [order(supplier_number="S2"), receipt(), invoice()], ["supplier_differs"]),
]  # fmt: skip


@pytest.mark.parametrize(("documents", "wanted"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_each_way_that_an_invoice_differs_has_its_own_name(documents: list[Document], wanted: list[str]) -> None:
    decision = decide(*documents)

    assert types(decision) == wanted
    assert bool(posted(decision)) is not bool(wanted)
    assert all(one.flip for one in decision.findings)


def test_a_credit_memo_frees_what_it_credits() -> None:
    credit = invoice(number="C-1", invoice_kind=InvoiceKind.CREDIT_MEMO, invoiced_on=date(2026, 11, 11))
    again = invoice(number="I-2", invoiced_on=date(2026, 11, 12))

    decision = decide(order(), receipt(), invoice(), credit, again)

    assert len(posted(decision)) == 3
    assert types(decide(order(), receipt(), credit)) == ["credit_exceeds_invoiced"]


def credit_of(original: str) -> Invoice:
    """Two of what was invoiced, that went back."""
    return invoice(
        billed("2"), number="C-1", invoice_kind=InvoiceKind.CREDIT_MEMO, invoiced_on=date(2026, 11, 11),
        original_invoice_number=original,
    )  # fmt: skip


RETURNED = receipt("2", "R-2", receipt_kind=ReceiptKind.RETURN)


@pytest.mark.parametrize("original", ["I-1", "i1", "I 1"])
def test_a_credit_of_a_known_invoice_is_posted_however_its_number_is_written(original: str) -> None:
    decision = decide(order(), receipt(), invoice(), credit_of(original), RETURNED)

    assert posted(decision) == ["post_invoice:S1/I-1", "post_invoice:S1/C-1"]


def test_a_credit_of_an_invoice_that_nobody_knows_waits_for_it_and_is_then_asked_about() -> None:
    documents = (order(), receipt(), invoice(), credit_of("I-7"))

    told = decide(*documents, watermarks=PASSED | {"invoices": NOW})
    waits = decide(*documents, watermarks=PASSED | {"invoices": NOW - timedelta(minutes=5)})
    known = decide(
        *documents, RETURNED, watermarks=PASSED | {"invoices": NOW}, beside={"alike:S1/7": [invoice(number="I-7")]}
    )

    assert (types(told), posted(told)) == (["credit_original_unknown"], ["post_invoice:S1/I-1"])
    assert (types(waits), waits.state["invoices"]["S1/C-1"]["for"]) == ([], "invoices")
    assert types(known) == []
    assert "alike:S1/7" in dossiers_of(invoice(number="I-7"))


def test_a_credit_of_an_invoice_that_was_refused_lowers_no_other_invoice() -> None:
    refused = act(CaseVerb.REJECT, "price_above_tolerance", "S1/I-1/1")
    credit = credit_of("I-1").model_copy(update={"lines": (billed(),), "stated_total": usd("40.00")})
    again = invoice(number="I-2", invoiced_on=date(2026, 11, 12))
    decision = decide(order(), receipt(), invoice(billed(price="5.00")), refused, credit, again)

    assert (types(decision), posted(decision)) == (["credit_original_refused"], ["post_invoice:S1/I-2"])


def test_the_original_that_a_credit_names_by_reference_counts_too() -> None:
    named = {"original_invoice_number": None, "references": (Identifier(scheme="OI", value="I-7"),)}
    by_reference = credit_of("I-1").model_copy(update=named)
    told = decide(order(), receipt(), invoice(), by_reference, watermarks=PASSED | {"invoices": NOW})

    assert types(told) == ["credit_original_unknown"]


def glove(**more: Any) -> Item:
    return Item(item_number="M1", description="glove", unit="EA", **more)


def test_units_are_converted_exactly_and_never_assumed() -> None:
    documents = (order(ordered(amount="2", price="10.00", unit="BX")), receipt("200"), invoice(billed("200", "0.10")))
    box = Packaging(unit="BX", contains=Decimal(100))

    assert posted(decide(*documents, known=(SUPPLIER, glove(packaging=(box,))))) == ["post_invoice:S1/I-1"]
    assert types(decide(*documents)) == ["unit_unknown"]


def test_the_suppliers_own_conversion_of_the_day_counts() -> None:
    def holds(count: int, **more: Any) -> UnitConversion:
        return UnitConversion(from_unit="BX", to_unit="EA", numerator=count, **more)

    item = glove(conversions=(
        holds(100), holds(30, supplier_number="S1", valid_to=date(2026, 10, 31)),
        holds(3, supplier_number="S1", valid_from=date(2026, 11, 1)),
    ))  # fmt: skip
    documents = (order(ordered(amount="3", price="1.00")), receipt("1", unit="BX"), invoice(billed("1", "3.00", "BX")))

    assert posted(decide(*documents, known=(SUPPLIER, item))) == ["post_invoice:S1/I-1"]


@pytest.mark.parametrize("other", [{"supplier_number": "S1"}, {}])
def test_two_packages_that_hold_at_once_convert_nothing(other: dict[str, Any]) -> None:
    told = [UnitConversion(from_unit="CA", to_unit="EA", numerator=n, **other) for n in (10, 12)]
    item = Item(item_number="M1", description="Gloves", unit="EA", conversions=tuple(told))
    asked = invoice(billed("1", "40.00", "CA"))

    assert types(decide(order(), receipt(), asked, known=(SUPPLIER, item))) == ["unit_unknown"]
    again = item.model_copy(update={"conversions": (told[0], told[0])})
    assert types(decide(order(), receipt(), asked, known=(SUPPLIER, again))) == []


def test_a_price_per_another_unit_than_the_quantity() -> None:
    box = Packaging(unit="BX", contains=Decimal(100))
    line = billed("200", "10.00", price_unit="BX")
    documents = (order(ordered(amount="200", price="10.00", price_unit="BX")), receipt("200"))

    decision = decide(*documents, invoice(line, total="20.00"), known=(SUPPLIER, glove(packaging=(box,))))

    assert (types(decision), posted(decision)) == ([], ["post_invoice:S1/I-1"])


def contract(**more: Any) -> Contract:
    line = more.pop("line", {})
    values: dict[str, Any] = {"number": 1, "unit": "EA", "price": usd("4.00"), "item_number": "M1"} | line
    return Contract(**{"contract_number": "C1", "supplier_number": "S1", "lines": (ContractLine(**values),)} | more)


@pytest.mark.parametrize(
    ("agreed", "failed"),
    [
        (contract(active=False), "contract"),
        (contract(valid_to=date(2026, 10, 1)), "dates"),
        (contract(members=(ContractMember(facility="OTHER"),)), "member"),
        (contract(line={"tier": "T1"}), "tier"),
        (contract(line={"unit": "BX"}), "unit"),
        (contract(line={"item_number": "M9"}), "item"),
        (contract(line={"price": usd("3.50")}), "price"),
        (contract(supplier_number="S2"), "supplier"),
        (contract(currency="EUR"), "currency"),
        (contract(line={"price": Money(amount=Decimal(4), currency="EUR")}), "currency"),
    ],
)
def test_a_contract_says_which_of_its_conditions_failed(agreed: Contract, failed: str) -> None:
    documents = (order(contract_number="C1", facility="MAIN"), receipt(), invoice())

    (finding,) = decide(*documents, known=(SUPPLIER, agreed)).findings

    assert (finding.type, finding.facts["failed"]) == ("contract_price_differs", failed)


@pytest.mark.parametrize(
    ("ordered_amount", "price", "wanted"),
    [("100", "3.00", []), ("99", "3.00", []), ("99", "3.01", ["contract_price_differs"]), ("99", "4.00", []),
     ("100", "4.00", ["contract_price_differs"])],
)  # fmt: skip
def test_a_price_break_is_reached_by_what_was_ordered_not_by_what_is_invoiced(
    ordered_amount: str, price: str, wanted: list[str]
) -> None:
    breaks = (PriceBreak(minimum=Decimal(100), price=usd("3.00")),)
    lower = Policies(tolerances=Tolerances(rules=(Tolerance(rule="price", lower=Limit(unlimited=True)),)))
    at_break = order(ordered(amount=ordered_amount, price=price), contract_number="C1")

    decision = decide(
        at_break, receipt("40"), invoice(billed("40", price)), known=(SUPPLIER, contract(line={"breaks": breaks})),
        policies=lower if wanted == [] else Policies(),
    )  # fmt: skip

    assert types(decision) == wanted


# ------------------------------------------------------------------ returned and credited
def returned(amount: str = "10") -> Receipt:
    return receipt(amount, "RET-1", receipt_kind=ReceiptKind.RETURN)


def credited(amount: str = "10", **more: Any) -> Invoice:
    return invoice(billed(amount), number="C-1", invoice_kind=InvoiceKind.CREDIT_MEMO, **more)


GIVEN: list[tuple[str, frozenset[str]]] = [
    ("nothing was posted yet", frozenset()),
    ("the invoice was", frozenset({"post_invoice:S1/I-1"})),
    ("both were", frozenset({"post_invoice:S1/I-1", "post_invoice:S1/C-1"})),
]


@pytest.mark.parametrize("amount", ["10", "4"])
@pytest.mark.parametrize("posted_before", [one[1] for one in GIVEN], ids=[one[0] for one in GIVEN])
@pytest.mark.parametrize("credit_on", [date(2026, 11, 1), date(2026, 11, 10), date(2026, 11, 19)])
def test_what_went_back_and_was_credited_leaves_nothing_open(
    amount: str, posted_before: frozenset[str], credit_on: date
) -> None:
    papers_now = papers(order(), receipt(), returned(amount), invoice(), credited(amount, invoiced_on=credit_on))
    decision = decide_purchase(papers_now, world(SUPPLIER, watermarks=PASSED, given=posted_before))

    assert decision.findings == ()
    assert {*posted(decision), *posted_before} == {"post_invoice:S1/I-1", "post_invoice:S1/C-1"}
    assert {one["state"] for one in decision.state["invoices"].values()} == {"matched"}


def test_what_went_back_and_is_not_credited_is_told() -> None:
    back = papers(order(), receipt(), returned("4"), invoice())
    decision = decide_purchase(back, world(SUPPLIER, watermarks=PASSED, given=frozenset({"post_invoice:S1/I-1"})))

    (late,) = decision.findings
    assert (late.type, late.facts["because"]) == ("decided_otherwise_since", ["quantity_not_received"])


def test_more_credits_than_invoices_hold_the_last_credit_only() -> None:
    both = [credited(), invoice(number="C-2", invoice_kind=InvoiceKind.CREDIT_MEMO, invoiced_on=date(2026, 11, 12))]

    decision = decide(order(), receipt(), invoice(), *both)

    assert [(one.type, one.place) for one in decision.findings] == [("credit_exceeds_invoiced", "S1/C-2/1")]
    assert sorted(posted(decision)) == ["post_invoice:S1/C-1", "post_invoice:S1/I-1"]


@pytest.mark.parametrize(("price", "wanted"), [("4.08", []), ("4.09", ["above"]), ("3.92", []), ("3.91", ["below"])])
def test_a_credit_is_for_what_it_cost_neither_more_nor_less(price: str, wanted: list[str]) -> None:
    two = Tolerance(rule="price", upper=Limit(percent=Decimal(2)), lower=Limit(unlimited=True))
    credit = invoice(billed("2", price), number="C-1", invoice_kind=InvoiceKind.CREDIT_MEMO)
    decision = decide(order(), receipt(), invoice(), credit, policies=Policies(tolerances=Tolerances(rules=(two,))))

    assert types(decision) == [f"price_{side}_tolerance" for side in wanted]
    assert ("post_invoice:S1/C-1" in posted(decision)) is not bool(wanted)


@pytest.mark.parametrize(
    ("price", "wanted"), [("5.00", []), ("4.00", ["price_below_tolerance"]), ("6.00", ["price_above_tolerance"])]
)
def test_a_credit_of_what_was_paid_at_another_price_is_for_that_price(price: str, wanted: list[str]) -> None:
    let_pass = act(CaseVerb.ACCEPT, "price_above_tolerance", "S1/I-1/1")
    credit = invoice(billed("2", price), number="C-1", invoice_kind=InvoiceKind.CREDIT_MEMO)
    documents = (order(), receipt(), invoice(billed(price="5.00")), let_pass, credit)

    assert types(decide(*documents, given=frozenset({"post_invoice:S1/I-1"}))) == wanted


def test_an_invoice_at_a_price_below_zero_is_no_good_news() -> None:
    free = Policies(tolerances=Tolerances(rules=(Tolerance(rule="price", lower=Limit(unlimited=True)),)))

    assert types(decide(order(), receipt(), invoice(billed(price="-4.00")), policies=free)) == ["price_below_tolerance"]
    assert types(decide(order(), receipt(), invoice(billed(price="0.00")), policies=free)) == []


@pytest.mark.parametrize(("amount", "wanted"), [("9.00", []), ("9.01", ["credit_exceeds_invoiced"])])
def test_no_more_freight_is_credited_than_was_asked_for(amount: str, wanted: list[str]) -> None:
    freight = (Charge(code="D240", amount=usd("9.00")),)
    credit = invoice(charged(amount), number="C-1", invoice_kind=InvoiceKind.CREDIT_MEMO)

    assert types(decide(order(charges=freight), receipt(), invoice(charges=freight), credit)) == wanted


def test_a_credit_of_a_part_of_the_price_gives_no_goods_back_that_could_be_invoiced_again() -> None:
    credit = invoice(billed("10", "0.40"), number="C-1", invoice_kind=InvoiceKind.CREDIT_MEMO)
    again = invoice(number="I-2", invoiced_on=date(2026, 11, 12))
    let_pass = act(CaseVerb.ACCEPT, "price_below_tolerance", "S1/C-1/1")
    decision = decide(order(), receipt(), invoice(), credit, again, let_pass)

    assert (sorted(posted(decision)), types(decision)) == (
        ["post_invoice:S1/C-1", "post_invoice:S1/I-1"],
        ["quantity_above_ordered"],
    )


@pytest.mark.parametrize(
    ("lines", "wanted"),
    [
        ([billed("-5")], ["credit_exceeds_invoiced"]),
        ([billed(), billed("-10", line=2)], ["credit_exceeds_invoiced"]),
        ([billed("8"), billed("-2")], []),
        ([billed("12"), billed("-2")], []),
        ([billed("-2"), billed("12")], []),
        ([billed("-2"), billed("13")], ["quantity_above_ordered"]),
        ([billed("-12"), billed("10")], ["credit_exceeds_invoiced"]),
    ],
)
def test_a_line_below_zero_gives_back_no_more_than_was_asked_for(lines: list[Any], wanted: list[str]) -> None:
    both = [order(ordered(), ordered(2)), receipt(), receipt(number="R-2", line=2)]
    decision = decide(*both, invoice(*lines))

    assert (types(decision), bool(posted(decision))) == (wanted, not wanted)


def test_a_line_below_zero_gives_back_at_what_it_cost() -> None:
    lower = Tolerance(rule="price", lower=Limit(unlimited=True))
    policies = Policies(tolerances=Tolerances(rules=(lower,)))
    decision = decide(order(), receipt(), invoice(billed(), billed("-10", "0.01")), policies=policies)

    assert (types(decision), posted(decision)) == (["price_below_tolerance"], [])


def charged(amount: str, **more: Any) -> Any:
    """A line of freight that names no order line."""
    return billed("1", amount, number=9, order_line_number=None, **({"line_kind": LineKind.FREIGHT} | more))


@pytest.mark.parametrize(
    ("asked", "wanted"),
    [
        ((billed(), charged("80.00")), []),
        ((billed(), billed("1", "80.00", line=2, line_kind=LineKind.FREIGHT)), []),
        ((billed(), charged("80.01")), ["freight_above_ordered"]),
        ((billed(), charged("80.00"), billed("1", "80.00", line=2, line_kind=LineKind.FREIGHT)),
         ["freight_above_ordered"]),
    ],
)  # fmt: skip
def test_freight_that_was_ordered_as_a_line_is_agreed_once_however_it_is_asked_for(
    asked: tuple[Any, ...], wanted: list[str]
) -> None:
    freight = ordered(2, "1", "80.00", line_kind=LineKind.FREIGHT, match_rule=MatchRule.TWO_WAY)

    assert types(decide(order(ordered(), freight), receipt(), invoice(*asked))) == wanted


@pytest.mark.parametrize(("tax", "wanted"), [("3.20", []), ("3.21", ["tax_rate_differs"])])
def test_a_line_of_tax_is_compared_with_the_rate_and_is_no_freight(tax: str, wanted: list[str]) -> None:
    policies = Policies(matching=Matching(taxes=(TaxRate(percent=Decimal(8)),)))
    asked = invoice(billed(), charged(tax, line_kind=LineKind.TAX))

    assert types(decide(order(), receipt(), asked, policies=policies)) == wanted
    assert types(decide(order(), receipt(), asked)) == ["freight_above_ordered"]  # nobody says what tax is expected


@pytest.mark.parametrize(
    ("more", "wanted"),
    [
        ({}, []),  # nobody keeps contracts here
        ({"watermarks": PASSED | {"contracts": NOW}}, ["contract_price_differs"]),
        ({"beside": {"contracts:S1": [contract(contract_number="C9")]}}, ["contract_price_differs"]),
        # posted before anybody kept contracts
        ({"watermarks": PASSED | {"contracts": NOW}, "given": frozenset({"post_invoice:S1/I-1"})}, []),
    ],
)
def test_a_contract_that_nobody_knows_gives_no_price_where_contracts_are_told(
    more: dict[str, Any], wanted: list[str]
) -> None:
    decision = decide(order(contract_number="C1"), receipt(), invoice(), **more)

    assert (types(decision), [one.facts["failed"] for one in decision.findings]) == (wanted, ["contract"] * len(wanted))


def test_a_credit_below_zero_is_an_invoice_and_needs_what_was_received() -> None:
    credit = invoice(billed("-5"), number="C-1", invoice_kind=InvoiceKind.CREDIT_MEMO)

    assert types(decide(order(), credit)) == ["quantity_not_received"]


def numbered(line: int, number: str, **more: Any) -> Any:
    return ordered(line, identifiers=(Identifier(scheme="VENDOR_ITEM", value=number),), **more)


@pytest.mark.parametrize(
    ("told", "wanted"), [("A-100", []), ("a100", []), ("B-200", ["item_differs"]), ("C-300", ["item_differs"])]
)
@pytest.mark.parametrize("scheme", ["VENDOR_ITEM", "VENDOR_PART"])
def test_the_suppliers_number_of_a_line_is_that_of_its_order_line(scheme: str, told: str, wanted: list[str]) -> None:
    both = [order(numbered(1, "A-100"), numbered(2, "B-200")), receipt(), receipt(number="R-2", line=2)]
    asked = invoice(billed(identifiers=(Identifier(scheme=scheme, value=told),)))
    decision = decide(*both, asked)

    assert types(decision) == wanted
    assert [one.facts["other_order_line"] for one in decision.findings] == {"B-200": [2], "C-300": [""]}.get(told, [])


@pytest.mark.parametrize("by_line", [1, None])
@pytest.mark.parametrize("scheme", ["VENDOR_ITEM", "VENDOR_PART", "VP"])
@pytest.mark.parametrize("as_item", ["A-100", None])
def test_the_suppliers_number_names_the_item_under_whatever_list_it_is_told(
    by_line: int | None, scheme: str, as_item: str | None
) -> None:
    both = [order(numbered(1, "A-100"), numbered(2, "B-200")), receipt(), receipt(number="R-2", line=2)]
    theirs = (Identifier(scheme=scheme, value="A100"),)
    asked = invoice(billed(order_line_number=by_line, identifiers=theirs, item_number=as_item))

    assert (types(decide(*both, asked)), bool(posted(decide(*both, asked)))) == ([], True)


def test_our_number_of_one_line_is_not_the_suppliers_of_another() -> None:
    both = [order(numbered(1, "M2"), ordered(2)), receipt(), receipt(number="R-2", line=2)]

    assert types(decide(*both, invoice(billed(item_number="M2")))) == ["item_differs"]
    assert types(decide(*both, invoice(billed(item_number="M2", order_line_number=None)))) == []


def test_a_unit_that_nobody_converts_is_named_wherever_it_stands() -> None:
    item = Item(item_number="M1", description="Gloves", unit="EA")
    documents = [
        (order(), receipt("1", unit="CA"), invoice()),
        (order(), receipt(), invoice(billed(price_unit="CA"))),
        (order(), receipt(), invoice(billed("1", unit="CA"))),
    ]
    for told in documents:
        (finding,) = decide(*told, known=(SUPPLIER, item)).findings

        assert (finding.type, finding.facts["unit"], finding.facts["order_unit"]) == ("unit_unknown", "CA", "EA")


@pytest.mark.parametrize(
    ("told", "wanted"),
    [
        (Terms(net_days=30, discount_percent=Decimal(2), discount_days=10), 0),
        (Terms(net_days=30), 1),
        (Terms(net_days=30, discount_percent=Decimal(1), discount_days=10), 1),
        (Terms(net_days=30, discount_percent=Decimal(2), discount_days=5), 1),
        (Terms(net_days=30, discount_percent=Decimal(3), discount_days=5), 0),
        (Terms(net_days=10, discount_percent=Decimal(2), discount_days=10), 1),
    ],
)
def test_terms_are_not_worse_than_agreed(told: Terms, wanted: int) -> None:
    agreed = Terms(net_days=30, discount_percent=Decimal(2), discount_days=10)

    assert types(decide(order(terms=agreed), receipt(), invoice(terms=told))) == ["terms_differ"] * wanted


def test_a_substitute_that_the_supplier_told_of_is_what_was_ordered() -> None:
    answer = AcknowledgedLine(
        order_line_number=1, item_number="M8", answers=(LineAnswer(action=LineAction.SUBSTITUTED, code="IS"),)
    )
    told = OrderAcknowledgement(
        order_number="PO-1",
        supplier_number="S1",
        acknowledged_on=date(2026, 11, 3),
        acknowledgement_type="AC",
        lines=(answer,),
    )
    line = billed(order_line_number=None, item_number="M8")

    assert types(decide(order(), receipt(), invoice(line))) == ["line_not_ordered"]
    assert types(decide(order(), receipt(), invoice(line), told)) == []


def test_another_item_in_an_ordered_line_is_a_substitute_or_an_exception() -> None:
    line = billed(item_number="M8")
    came = receipt()
    instead = came.lines[0].model_copy(update={"item_number": "M8", "substitute_for": "M1"})

    assert types(decide(order(), receipt(), invoice(line))) == ["item_differs"]
    assert types(decide(order(), came.model_copy(update={"lines": (instead,)}), invoice(line))) == []
    assert types(decide(order(), receipt(), invoice(line), known=(SUPPLIER, glove(substitutes=("M8",))))) == []
    assert types(decide(order(), receipt(), invoice(line), known=(SUPPLIER, glove(supplier_item_number="M8")))) == []


# ------------------------------------------------------------------ what the policies expect
def taxed(*rules: dict[str, Any], **tolerance: Any) -> Policies:
    table = Tolerances(rules=(Tolerance(rule="tax", **tolerance), Tolerance(rule="tax_line", **tolerance)))
    return Policies(matching=Matching.model_validate({"taxes": rules}), tolerances=table)


def tax(amount: str) -> tuple[Charge, ...]:
    return (Charge(code="TX", amount=usd(amount)),)


EXEMPT, SIX, THEIRS = {"percent": 0}, {"percent": "6.25"}, {"percent": "6.25", "supplier": "S1"}
OFFICE = {"percent": "6.25", "facility": "OFFICE"}
ON_GOODS = {"percent": "6.25", "category": "linen"}
CODED = {"percent": "6.25", "tax_code": "TX"}
TAXES: list[tuple[str, tuple[dict[str, Any], ...], dict[str, Any], list[str]]] = [
    ("no rule, no opinion", (), {"taxes": tax("9.99")}, []),
    ("exempt and none asked", (EXEMPT,), {}, []),
    ("exempt and a cent asked", (EXEMPT,), {"taxes": tax("0.01")}, ["tax_not_due"]),
    ("exempt but for this supplier", (EXEMPT, THEIRS), {"taxes": tax("2.50")}, []),
    ("of another supplier", (EXEMPT, {**THEIRS, "supplier": "S2"}), {"taxes": tax("2.50")}, ["tax_not_due"]),
    ("exempt but for this place", (EXEMPT, OFFICE), {"taxes": tax("2.50"), "facility": "OFFICE"}, []),
    ("at the rate", (SIX,), {"taxes": tax("2.50")}, []),
    ("at the limit", (SIX,), {"taxes": tax("2.60")}, []),
    ("a cent beyond", (SIX,), {"taxes": tax("2.61")}, ["tax_rate_differs"]),
    ("not asked at all", (SIX,), {}, ["tax_rate_differs"]),
    ("at the lower limit", (SIX,), {"taxes": tax("2.40")}, []),
    ("a cent below", (SIX,), {"taxes": tax("2.39")}, ["tax_rate_differs"]),
    ("by the line's code", (EXEMPT, CODED), {"taxes": tax("2.50"), "line": {"tax_code": "TX"}}, []),
    ("by another code", (EXEMPT, CODED), {"taxes": tax("2.50"), "line": {"tax_code": "EX"}}, ["tax_not_due"]),
    ("by the item's category", (EXEMPT, ON_GOODS), {"taxes": tax("2.50"), "line": {"item_number": "M1"}}, []),
    ("a line's tax differs", (SIX,), {"taxes": tax("2.50"), "line": {"tax_amount": usd("2.61")}},
     ["tax_differs", "tax_rate_differs"]),
    ("a line's tax is right", (SIX,), {"taxes": tax("2.50"), "line": {"tax_amount": usd("2.50")}}, []),
]  # fmt: skip


@pytest.mark.parametrize(("rules", "told", "wanted"), [one[1:] for one in TAXES], ids=[one[0] for one in TAXES])
def test_tax_is_compared_with_the_expected_rate(
    rules: tuple[dict[str, Any], ...], told: dict[str, Any], wanted: list[str]
) -> None:
    tenth = Limit(absolute=Decimal("0.10"))
    asked = invoice(billed(**told.get("line", {})), **{name: one for name, one in told.items() if name != "line"})
    item = glove(category="linen")

    decision = decide(
        order(), receipt(), asked, known=(SUPPLIER, item), policies=taxed(*rules, upper=tenth, lower=tenth)
    )

    assert types(decision) == wanted


@pytest.mark.parametrize(
    ("price", "charge", "wanted"),
    [("9.99", "15.00", []), ("9.99", "15.01", ["freight_above_ordered"]), ("10.00", "15.00", ["freight_above_ordered"]),
     ("9.99", "0.00", [])],
)  # fmt: skip
def test_a_minimum_charge_is_agreed_for_small_orders_only(price: str, charge: str, wanted: list[str]) -> None:
    small = Policies(matching=Matching.model_validate({"minimum_charges": [{"below": "100.00", "charge": "15.00"}]}))
    asked = invoice(billed(price=price), charges=(Charge(code="G821", amount=usd(charge)),))

    assert types(decide(order(ordered(price=price)), receipt(), asked, policies=small)) == wanted


def test_the_category_is_that_of_the_items_master_where_the_order_names_none() -> None:
    rules = Policies(tolerances=Tolerances(rules=(
        Tolerance(rule="price", category="linen", upper=Limit(absolute=Decimal("0.10"))),
    )))  # fmt: skip
    dear = invoice(billed(price="4.10"))

    assert types(decide(order(), receipt(), dear, known=(SUPPLIER, glove(category="linen")), policies=rules)) == []
    assert types(decide(order(), receipt(), dear, known=(SUPPLIER, glove(category="knee")), policies=rules)) == [
        "price_above_tolerance"
    ]
    assert types(decide(order(category="knee"), receipt(), dear, known=(SUPPLIER, glove(category="linen")),
                        policies=rules)) == ["price_above_tolerance"]  # fmt: skip


def test_a_supplier_is_waited_for_where_suppliers_are_told_of_and_then_unknown() -> None:
    bought = (order(), receipt(), invoice())
    lag = PASSED | {"suppliers": NOW - timedelta(minutes=5)}

    assert types(decide(*bought, known=())) == []  # its order tells that somebody knows it
    assert decide(*bought, known=(), watermarks=lag).state["invoices"]["S1/I-1"]["for"] == "suppliers"
    assert types(decide(*bought, known=(), watermarks=PASSED | {"suppliers": NOW})) == ["supplier_unknown"]
    assert posted(decide(*bought, watermarks=lag)) == ["post_invoice:S1/I-1"]


EUR = Money(amount=Decimal("4.00"), currency="EUR")


@pytest.mark.parametrize(
    ("asked", "wanted"),
    [
        (invoice(currency="EUR"), ["currency_differs"]),
        (invoice(taxes=(Charge(code="TX", amount=Money(amount=Decimal(0), currency="EUR")),), total="40.00"),
         ["currency_differs"]),
        (invoice(charges=(Charge(code="D240", amount=Money(amount=Decimal(0), currency="EUR")),), total="40.00"),
         ["currency_differs"]),
    ],
)  # fmt: skip
def test_all_of_an_invoice_is_in_the_orders_currency(asked: Invoice, wanted: list[str]) -> None:
    assert types(decide(order(), receipt(), asked)) == wanted


# ------------------------------------------------------------------ standing orders
def standing(**more: Any) -> PurchaseOrder:
    return order(blanket=True, limit=usd("100.00"), **more)


DECEMBER, OCTOBER = date(2026, 12, 31), date(2026, 10, 31)


@pytest.mark.parametrize(
    ("ordered_as", "asked", "wanted"),
    [
        (standing(), [("25", "I-1")], []),  # 100.00: at the limit; more than the ten that were guessed
        (standing(), [("26", "I-1")], ["order_limit_exceeded"]),
        (standing(), [("20", "I-1"), ("5", "I-2")], []),
        (standing(), [("20", "I-1"), ("6", "I-2")], ["order_limit_exceeded"]),
        (standing(valid_to=DECEMBER), [("5", "I-1")], []),
        (standing(valid_to=date(2026, 11, 10)), [("5", "I-1")], []),
        (standing(valid_to=date(2026, 11, 9)), [("5", "I-1")], ["order_not_valid"]),
        (standing(valid_from=date(2026, 11, 11)), [("5", "I-1")], ["order_not_valid"]),
    ],
)
def test_a_standing_order_holds_to_its_limit_and_its_days(
    ordered_as: PurchaseOrder, asked: list[tuple[str, str]], wanted: list[str]
) -> None:
    invoices = [invoice(billed(amount), number=number) for amount, number in asked]

    assert types(decide(ordered_as, receipt("30"), *invoices)) == wanted


@pytest.mark.parametrize(
    ("limit", "valid_to", "wanted"),
    [("80.00", DECEMBER, []), ("79.99", DECEMBER, ["order_limit_exceeded"]), ("80.00", OCTOBER, ["order_not_valid"])],
)
def test_releases_draw_on_the_limit_in_their_order(limit: str, valid_to: date, wanted: list[str]) -> None:
    whole = order(order_number="B-1", blanket=True, limit=usd(limit), valid_to=valid_to)
    release = order(blanket_number="B-1")
    before = order(order_number="PO-0", blanket_number="B-1")
    after = order(order_number="PO-2", blanket_number="B-1")

    decision = decide_purchase(
        papers(release, receipt(), invoice()),
        world(SUPPLIER, whole, watermarks=PASSED, beside={releases_dossier("B-1"): (before, release, after)}),
    )

    assert types(decision) == wanted
    assert releases_dossier("B-1") in dossiers_of(release)


@pytest.mark.parametrize(
    ("amount", "purpose", "wanted"), [("11", "04", ["order_limit_exceeded"]), ("10", "04", []), ("11", "01", [])]
)
def test_a_release_draws_on_the_limit_as_its_changes_left_it(amount: str, purpose: str, wanted: list[str]) -> None:
    whole = order(order_number="B-1", blanket=True, limit=usd("80.00"))
    release, before = order(blanket_number="B-1"), order(order_number="PO-0", blanket_number="B-1")
    part = OrderChangeLine(order_line_number=1, action=OrderChangeAction.CHANGE, quantity=of(amount))
    changed = OrderChange(
        order_number="PO-0", supplier_number="S1", change_number="1", sequence=1, changed_on=date(2026, 11, 4),
        lines=(part,), purpose=purpose,
    )  # fmt: skip
    beside = {releases_dossier("B-1"): (before, release), "order:PO-0": (before, changed)}

    decision = decide_purchase(
        papers(release, receipt(), invoice()), world(SUPPLIER, whole, watermarks=PASSED, beside=beside)
    )

    assert types(decision) == wanted


# ------------------------------------------------------------------ several orders
def both_orders(number: str = "I-1", of_two: str = "6", **more: Any) -> Invoice:
    return invoice(
        billed("10", number=1, order_number="PO-1"), billed(of_two, number=2, order_line_number=1, order_number="PO-2"),
        number=number, **more,
    )  # fmt: skip


SECOND = order(ordered(amount="6"), order_number="PO-2")
CAME = receipt("6", "R-2").model_copy(update={"order_number": "PO-2"})


@pytest.mark.parametrize(
    ("here", "there", "wanted"),
    [
        ([receipt()], [SECOND, CAME], []),
        ([receipt()], [SECOND], ["quantity_not_received"]),
        ([], [SECOND, CAME], ["quantity_not_received"]),
        ([receipt()], [order(ordered(amount="6", price="3.00"), order_number="PO-2"), CAME], ["price_above_tolerance"]),
        ([receipt()], [order(ordered(amount="5"), order_number="PO-2"), CAME], ["quantity_above_ordered"]),
        ([receipt()], [SECOND.model_copy(update={"supplier_number": "S2"}), CAME], ["supplier_differs"]),
        ([receipt()], [], ["order_unknown"]),
    ],
)
def test_an_invoice_over_two_orders_is_posted_once_when_both_agree(
    here: list[Document], there: list[Document], wanted: list[str]
) -> None:
    asked = both_orders(order_number=None)
    beside = {"order:PO-2": (*there, asked), "order:PO-1": (order(), *here, asked)}

    home = decide_purchase(papers(order(), *here, asked), world(SUPPLIER, watermarks=PASSED, beside=beside))
    other = decide_purchase(papers(*there, asked), world(SUPPLIER, watermarks=PASSED, beside=beside), "order:PO-2")

    assert (types(home), posted(home)) == (wanted, [] if wanted else ["post_invoice:S1/I-1"])
    assert (types(other), posted(other)) == ([], [])
    assert other.state["invoices_elsewhere"] == {"S1/I-1": "PO-1"}
    assert dossiers_of(asked)[:2] == ("order:PO-1", "order:PO-2")


@pytest.mark.parametrize(("first", "wanted"), [("I-1", "I-1"), ("I-2", "I-2")])
def test_what_one_of_two_dossiers_has_given_away_the_other_does_not(first: str, wanted: str) -> None:
    whole = both_orders()
    own = invoice(billed("6"), number="I-2", order_number="PO-2")
    turn = {first: NOW - timedelta(hours=1)}

    def come(*documents: Document) -> Papers:
        return Papers(
            one.record
            for document in documents
            for one in papers(document, at=turn.get(getattr(document, "invoice_number", ""), NOW)).all
        )

    here, there = come(order(), receipt(), whole), come(SECOND, CAME, whole, own)
    known = world(SUPPLIER, watermarks=PASSED)
    beside = World(NOW, known._known, PASSED, Policies(), {"order:PO-1": here, "order:PO-2": there})

    given_by = [*posted(decide_purchase(here, beside)), *posted(decide_purchase(there, beside, "order:PO-2"))]

    assert given_by == [f"post_invoice:S1/{wanted}"]


@pytest.mark.parametrize("of_both_first", [True, False])
def test_freight_of_an_order_is_agreed_once_though_an_invoice_over_two_asked_for_it(of_both_first: bool) -> None:
    freight = (Charge(code="D240", amount=usd("9.00")),)
    first = order(charges=freight, match_rule=MatchRule.TWO_WAY)
    second = SECOND.model_copy(update={"charges": freight, "match_rule": MatchRule.TWO_WAY})
    twice = (Charge(code="D240", amount=usd("18.00")),)
    both = both_orders(of_two="5", order_number=None, charges=twice)
    own = invoice(billed("1"), number="I-0", order_number="PO-2", charges=freight)
    there = (second, both, own) if of_both_first else (second, own, both)
    at = {one.natural_key: NOW + timedelta(minutes=n) for n, one in enumerate(there)}
    kept = Papers([record for one in there for record in arrived(one, at[one.natural_key])])
    about = world(SUPPLIER, watermarks=PASSED)
    beside = {"order:PO-1": papers(first, both), "order:PO-2": kept}
    about = World(NOW, about._known, PASSED, Policies(), beside)

    home, other = (decide_purchase(beside[key], about, key) for key in beside)

    assert sorted(posted(home) + posted(other)) == ["post_invoice:S1/I-1" if of_both_first else "post_invoice:S1/I-0"]
    assert types(other if of_both_first else home) == ["freight_above_ordered"]


def arrived(document: Document, at: datetime) -> list[Any]:
    return [one.record for one in papers(document, at=at).all]


def test_receipts_pay_where_no_invoice_is_expected() -> None:
    assert posted(decide(order(evaluated_receipt=True), receipt())) == ["post_invoice:S1/ERS-R-1"]


def test_an_invoice_beside_what_its_receipts_pay_is_not_posted() -> None:
    decision = decide(order(evaluated_receipt=True), receipt(), invoice())

    assert "evaluated_receipt_invoiced" in types(decision)
    assert posted(decision) == ["post_invoice:S1/ERS-R-1"]


def test_a_credit_of_what_went_back_is_not_posted_beside_its_return() -> None:
    paid = order(evaluated_receipt=True)
    credit = invoice(billed("2"), number="C-1", invoice_kind=InvoiceKind.CREDIT_MEMO)
    back = receipt("2", "R-2", receipt_kind=ReceiptKind.RETURN)

    assert types(decide(paid, receipt(), back, credit)) == ["evaluated_receipt_invoiced"]
    assert types(decide(paid, receipt(), credit)) == []  # nothing went back: it is of something else


def test_a_return_takes_back_what_its_receipt_paid() -> None:
    back = receipt("4", number="R-2", receipt_kind=ReceiptKind.RETURN)
    decision = decide(order(evaluated_receipt=True), receipt(), back)

    made = [one.document for one in decision.intents]
    assert [(one.invoice_kind, str(one.stated_total.amount)) for one in made if isinstance(one, Invoice)] == [
        (InvoiceKind.INVOICE, "40.00"),
        (InvoiceKind.CREDIT_MEMO, "16.00"),
    ]


def test_a_receipt_in_a_unit_that_nobody_converts_is_not_paid() -> None:
    decision = decide(order(evaluated_receipt=True), receipt("1", unit="BX"))

    assert (types(decision), posted(decision)) == (["unit_unknown"], [])


def test_a_receipt_that_is_cancelled_after_it_was_paid_is_told() -> None:
    paid = decide_purchase(
        papers(order(evaluated_receipt=True), receipt(cancelled=True)),
        world(SUPPLIER, watermarks=PASSED, given=frozenset({"post_invoice:S1/ERS-R-1"})),
    )

    assert (types(paid), posted(paid)) == (["decided_otherwise_since"], [])


def test_agreed_freight_is_paid_once_over_all_invoices() -> None:
    freight = (Charge(code="D240", amount=usd("9.00")),)
    first = invoice(billed("5"), number="I-1", charges=freight)
    second = invoice(billed("5"), number="I-2", charges=freight, invoiced_on=first.invoiced_on + timedelta(days=1))

    decision = decide(order(charges=freight), receipt(), first, second)

    assert types(decision) == ["freight_above_ordered"]
    assert posted(decision) == ["post_invoice:S1/I-1"]


def test_dates_may_be_as_far_ahead_as_the_policies_say() -> None:
    rules = Policies(tolerances=Tolerances(rules=(Tolerance(rule="date", upper=Limit(absolute=Decimal(5))),)))

    for ahead, wanted in ((5, []), (6, ["date_in_future"])):
        late = invoice(invoiced_on=NOW.date() + timedelta(days=ahead))
        assert types(decide(order(), receipt(), late, policies=rules)) == wanted


# ------------------------------------------------------------------ waiting
def test_what_a_source_may_still_tell_is_waited_for() -> None:
    lag = timedelta(minutes=30)
    waits = decide(order(), invoice(), watermarks={"receipts": NOW - lag})

    assert waits.state["invoices"]["S1/I-1"] == {
        "state": "waiting", "for": "receipts", "because": "receipts", "until": "2026-11-20T15:30:00+00:00",
    }  # fmt: skip
    assert (waits.findings, waits.look_again_at) == ((), NOW + lag)

    over = decide(order(), invoice(), watermarks={"receipts": NOW}, now=NOW + lag)
    assert types(over) == ["quantity_not_received"]


def test_an_order_that_lags_is_waited_for_and_then_unknown() -> None:
    assert decide(invoice(), watermarks={}).state["invoices"]["S1/I-1"]["for"] == "orders"
    assert types(decide(invoice())) == ["order_unknown"]


# ------------------------------------------------------------------ people
def test_what_people_accept_is_posted() -> None:
    dear = (order(), receipt(), invoice(billed(price="5.00")))

    accepted = act(CaseVerb.ACCEPT, "price_above_tolerance", "S1/I-1/1")

    assert posted(decide(*dear, accepted)) == ["post_invoice:S1/I-1"]
    assert posted(decide(*dear, accepted, act(CaseVerb.REOPEN, "price_above_tolerance", "S1/I-1/1", "2"))) == []


@pytest.mark.parametrize(("seen", "wanted"), [("2.00", []), ("1.99", ["price_above_tolerance"]), (None, [])])
def test_what_was_accepted_covers_no_more_money_than_was_shown(seen: str | None, wanted: list[str]) -> None:
    shown = usd(seen) if seen else None
    accepted = act(CaseVerb.ACCEPT, "price_above_tolerance", "S1/I-1/1", amount=shown)

    assert types(decide(order(), receipt(), invoice(billed(price="4.20")), accepted)) == wanted


def test_above_the_limit_two_people_accept() -> None:
    dear = (order(), receipt(), invoice(billed(price="5.00")))  # 10.00 more
    rules = Policies(exceptions=Exceptions(four_eyes_above=Decimal("9.99")))
    ana = act(CaseVerb.ACCEPT, "price_above_tolerance", "S1/I-1/1")
    again = act(CaseVerb.ACCEPT, "price_above_tolerance", "S1/I-1/1", "2")
    ben = act(CaseVerb.ACCEPT, "price_above_tolerance", "S1/I-1/1", "3", who="ben")

    assert posted(decide(*dear, ana, again, policies=rules)) == []
    assert posted(decide(*dear, ana, ben, policies=rules)) == ["post_invoice:S1/I-1"]


@pytest.mark.parametrize(
    ("told", "type_"),
    [
        ({"remit_to": "ELSEWHERE"}, "remit_to_unknown"),
        ({"supplier_number": "S9"}, "supplier_differs"),
        ({"currency": "EUR"}, "currency_differs"),
    ],
)
def test_where_all_of_a_large_invoice_is_at_stake_two_people_let_it_pass(told: dict[str, Any], type_: str) -> None:
    asked = invoice(billed(price="400.00"), **told)
    documents = [order(ordered(price="400.00")), receipt(), asked]
    limit = Policies(exceptions=Exceptions(four_eyes_above=Decimal(1000)))
    first, second = (
        act(CaseVerb.ACCEPT, type_, asked.natural_key, number, who=who) for number, who in (("1", "ana"), ("2", "ben"))
    )

    assert type_ in types(decide(*documents, first, policies=limit))
    assert type_ not in types(decide(*documents, first, second, policies=limit))


def test_two_names_of_one_person_are_one() -> None:
    dear = (order(), receipt(), invoice(billed(price="5.00")))
    rules = Policies(
        exceptions=Exceptions(four_eyes_above=Decimal("9.99")),
        people=People(people=(Person(person="ana", also=("ana@harbor",)),)),
    )
    ana = act(CaseVerb.ACCEPT, "price_above_tolerance", "S1/I-1/1")
    again = act(CaseVerb.ACCEPT, "price_above_tolerance", "S1/I-1/1", "2", who="Ana@Harbor")

    assert posted(decide(*dear, ana, again, policies=rules)) == []


@pytest.mark.parametrize("verb", [CaseVerb.CORRECT, CaseVerb.SPLIT])
def test_who_corrected_an_exception_does_not_let_it_pass(verb: CaseVerb) -> None:
    dear = (order(), receipt(), invoice(billed(price="5.00")))
    corrected = act(verb, "price_above_tolerance", "S1/I-1/1")
    accepted = act(CaseVerb.ACCEPT, "price_above_tolerance", "S1/I-1/1", "2")
    ben = act(CaseVerb.ACCEPT, "price_above_tolerance", "S1/I-1/1", "3", who="ben")

    assert posted(decide(*dear, corrected, accepted)) == []
    assert posted(decide(*dear, corrected, accepted, ben)) == ["post_invoice:S1/I-1"]


def test_who_asked_for_the_goods_lets_no_price_of_them_pass() -> None:
    dear = (order().model_copy(update={"requester": "ana"}), receipt(), invoice(billed(price="5.00")))
    accepted = act(CaseVerb.ACCEPT, "price_above_tolerance", "S1/I-1/1")

    assert posted(decide(*dear, accepted)) == []


def test_what_goes_back_is_told_to_the_supplier_and_not_posted() -> None:
    decision = decide(order(), receipt(), invoice(), act(CaseVerb.RETURN_TO_SUPPLIER, code="010"))

    assert [one.what for one in decision.intents] == ["send_advice"]


@pytest.mark.parametrize(
    ("case_type", "back"), [("total_out_of_balance", "S1/4711/1"), ("price_above_tolerance", "S1/4711")]
)
def test_what_is_done_about_4711_slash_1_is_not_about_4711(case_type: str, back: str) -> None:
    parts = [invoice(billed("4"), number="4711"), invoice(billed("6"), number="4711/1")]
    decision = decide(order(), receipt(), *parts, act(CaseVerb.REJECT, case_type, "S1/4711/1"))

    states = {key: found["state"] for key, found in decision.state["invoices"].items()}
    assert states == {"S1/4711": "matched", "S1/4711/1": "matched"} | {back: "rejected"}


def test_what_is_done_about_a_line_of_an_evaluated_receipt_is_about_all_of_it() -> None:
    paid = order(evaluated_receipt=True)
    decision = decide(paid, receipt("12"), act(CaseVerb.REJECT, "quantity_above_ordered", "S1/ERS-R-1/1"))

    assert decision.state["invoices"]["S1/ERS-R-1"]["state"] == "rejected"


def test_held_until_a_day() -> None:
    held = act(CaseVerb.HOLD, hold_until=date(2026, 11, 25))

    assert posted(decide(order(), receipt(), invoice(), held)) == []
    assert posted(decide(order(), receipt(), invoice(), held, now=NOW + timedelta(days=5))) == ["post_invoice:S1/I-1"]


def test_a_line_that_a_person_pairs_or_splits_is_matched_so() -> None:
    correct = act(CaseVerb.CORRECT, corrections=(Correction(field="lines[7].order_line_number", value="1"),))
    assert posted(decide(order(), receipt(), invoice(billed(line=7)), correct)) == ["post_invoice:S1/I-1"]

    two = (order(ordered(amount="4"), ordered(2, "6")), receipt("4"), receipt("6", "R-2", line=2), invoice())
    split = act(CaseVerb.SPLIT, parts=tuple(
        SplitPart(line=1, quantity=of(amount), order_line_number=line) for line, amount in ((1, "4"), (2, "6"))
    ))  # fmt: skip
    assert types(decide(*two)) == ["quantity_above_ordered"]
    assert posted(decide(*two, split)) == ["post_invoice:S1/I-1"]


@pytest.mark.parametrize(
    ("named", "wanted"),
    [
        (None, []),
        ("0001 1122 2333", []),
        ("DE89370400440532013000", []),
        ("DE89 3704 0044 0532 0130 00", []),
        ("000111222334", ["bank_account_differs"]),
    ],
)
def test_an_account_on_an_invoice_is_one_of_the_suppliers(named: str | None, wanted: list[str]) -> None:
    accounts = [
        {"code": "ACH1", "account_number": "000111222333"},
        {"code": "SEPA", "iban": "DE89370400440532013000"},
        {"code": "OLD", "account_number": "000111222334", "active": False},
    ]
    supplier = Supplier.model_validate({"supplier_number": "S1", "name": "Alder", "bank_accounts": accounts})
    asked = invoice(bank_account_hint=Guarded(named) if named else None)
    decision = decide(order(), receipt(), asked, known=(supplier,))

    assert types(decision) == wanted
    assert "222334" not in str([one.facts for one in decision.findings])


@pytest.mark.parametrize(("of_order", "of_invoice"), [("S1", "S2"), ("S2", "S1")])
def test_an_order_and_an_invoice_of_two_numbers_that_were_merged_are_of_one_supplier(
    of_order: str, of_invoice: str
) -> None:
    merged = Supplier(supplier_number="S2", name="Alder West", merged_into="S1")
    documents = [order(supplier_number=of_order), receipt(), invoice(supplier_number=of_invoice)]

    assert types(decide(*documents, known=(SUPPLIER, merged))) == []


@pytest.mark.parametrize(
    ("center", "wanted"),
    [
        ({"cost_center": "OR"}, []),
        ({"cost_center": "LAB"}, ["dimension_unknown"]),
        ({"cost_center": "OR", "active": False}, ["dimension_invalid"]),
        ({"cost_center": "OR", "valid_to": date(2026, 6, 30)}, ["dimension_invalid"]),
    ],
)
def test_a_cost_center_is_known_and_open_on_the_day(center: dict[str, Any], wanted: list[str]) -> None:
    known = CostCenter(name="Theatre", **center)
    decision = decide(order(), receipt(), invoice(billed(cost_center="OR")), known=(SUPPLIER, known))

    assert (types(decision), [one.facts["actual"] for one in decision.findings]) == (wanted, ["OR"] * len(wanted))


def test_a_supplier_on_hold_is_not_paid() -> None:
    held = Supplier(supplier_number="S1", name="Alder", status=SupplierStatus.HELD)

    assert types(decide(order(), receipt(), invoice(), known=(held,))) == ["supplier_held"]


def test_what_was_posted_and_would_not_be_now_is_told() -> None:
    late = receipt(cancelled=True)
    about = world(SUPPLIER, watermarks=PASSED)
    given_before = World(NOW, about._known, PASSED, Policies(), {}, frozenset({"post_invoice:S1/I-1"}))

    decision = decide_purchase(papers(order(), late, invoice()), given_before)

    assert types(decision) == ["decided_otherwise_since"]
    assert set(posted(decision)) <= given_before.given
