"""From the supplier's bytes to the decision: 810s through the shipped channel, judged by the shipped policies."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from engine.canonical import (
    Charge,
    Invoice,
    InvoiceKind,
    Item,
    Money,
    OrderLine,
    Packaging,
    PurchaseOrder,
    Quantity,
    Receipt,
    ReceiptLine,
    Supplier,
    Terms,
)
from engine.channel.load import load_site
from engine.channel.site import Site
from engine.cli.dry_run import runner_for
from engine.ports.script import WorkResult
from engine.ports.states import MessageState
from engine.procure.decision import Decision
from tests.support.dossiers import Dossiers

ROOT = Path(__file__).resolve().parents[3]
AT = datetime(2026, 11, 25, 12, tzinfo=UTC)
SUPPLIER = Supplier(supplier_number="S1001", name="Alderbrook")
TROCAR = Item(
    item_number="M10001", description="Trocar", unit="EA",
    packaging=(Packaging(unit="BX", contains=Decimal(10)), Packaging(unit="CA", contains=Decimal(40))),
)  # fmt: skip
BIG = "BIG*20261120*I-1*20261102*PO-1***DI"
IT1 = "IT1*1*10*EA*4.00**IN*M10001"


@pytest.fixture(scope="module")
def site() -> Site:
    return load_site(ROOT)


def edi(*segments: str) -> bytes:
    body = "".join(f"{one}~\n" for one in (segments[0], "REF*IA*S1001", *segments[1:]))
    control = (
        f"ISA*00*{' ' * 10}*00*{' ' * 10}*ZZ*ALDERBROOK     *ZZ*HARBORHEALTH   *261120*0815*U*00401*000000101*0*P*>"
    )
    group = "GS*IN*ALDERBROOK*HARBORHEALTH*20261120*0815*101*X*004010"
    end = f"SE*{len(segments) + 3}*0001~\nGE*1*101~\nIEA*1*000000101~\n"
    return f"{control}~\n{group}~\nST*810*0001~\n{body}{end}".encode()


def order(amount: str = "10", price: str = "4.00", unit: str = "EA", **more: Any) -> PurchaseOrder:
    line = OrderLine(number=1, item_number="M10001", quantity=_of(amount, unit), price=_usd(price))
    values = {"order_number": "PO-1", "supplier_number": "S1001", "ordered_on": date(2026, 11, 2)} | more
    return PurchaseOrder(lines=(line,), **values)


def receipt(amount: str = "10", unit: str = "EA", order_number: str = "PO-1") -> Receipt:
    line = ReceiptLine(order_line_number=1, item_number="M10001", quantity=_of(amount, unit))
    return Receipt(
        receipt_number="R-1", order_number=order_number, supplier_number="S1001", received_on=date(2026, 11, 9),
        lines=(line,),
    )  # fmt: skip


def _of(amount: str, unit: str) -> Quantity:
    return Quantity(amount=Decimal(amount), unit=unit)


def _usd(amount: str) -> Money:
    return Money(amount=Decimal(amount))


def through(site: Site, body: bytes) -> WorkResult:
    return runner_for(site)(site.channels["supplier_invoice_in"], body)


def decided(site: Site, bodies: list[bytes], *known: PurchaseOrder | Receipt, at: str = "order:PO-1") -> Decision:
    dossiers = Dossiers(site.policies)
    for one in (SUPPLIER, TROCAR, *known):
        dossiers.take(one)
    for body in bodies:
        made = [one for one in through(site, body).documents if one.kind == "Invoice"]
        assert made, "the channel made no invoice of it"
        dossiers.take(Invoice.model_validate_json(made[0].body))
    dossiers.now = AT
    return dossiers.decide(at)


def posted(decision: Decision) -> list[str]:
    return [one.key for one in decision.intents if one.what == "post_invoice"]


def types(decision: Decision) -> list[str]:
    return [one.type for one in decision.findings]


RIGHT: list[tuple[str, tuple[PurchaseOrder, Receipt], tuple[str, ...]]] = [
    ("as ordered", (order(), receipt()), (BIG, IT1, "TDS*4000", "CTT*1")),
    (
        "allowance of a line, freight in the summary that the order agreed to",
        (order(charges=(Charge(code="D240", amount=_usd("12.00")),)), receipt()),
        (BIG, IT1, "SAC*A*C310***100*******02***Volume", "TDS*5100", "SAC*C*D240***1200", "CTT*1"),
    ),
    ("freight up to the tolerance", (order(), receipt()), (BIG, IT1, "TDS*6500", "SAC*C*D240***2500", "CTT*1")),
    ("tax of nothing", (order(), receipt()), (BIG, IT1, "TDS*4000", "TXI*ST*0*0***2", "CTT*1")),
    (
        "cases of what was ordered by each",
        (order("80"), receipt("80")),
        (BIG, "IT1*1*2*CA*160**IN*M10001", "TDS*32000"),
    ),
    (
        "boxes of an order in cases, received by each",
        (order("2", "160.00", "CA"), receipt("80")),
        (BIG, "IT1*1*8*BX*40**IN*M10001", "TDS*32000"),
    ),
    ("price per hundred", (order("200", "0.04"), receipt("200")), (BIG, "IT1*1*200*EA*4*HP*IN*M10001", "TDS*800")),
    ("price per dozen", (order("24", "1.00"), receipt("24")), (BIG, "IT1*1*24*EA*12*PD*IN*M10001", "TDS*2400")),
    (
        "terms as agreed",
        (order(terms=Terms(net_days=30, discount_percent=Decimal(2), discount_days=10)), receipt()),
        (BIG, "ITD*01*3*2**10**30*80", IT1, "TDS*4000*4000*3920*80", "CTT*1"),
    ),
    (
        "shipped to another place than ours",
        (order(order_type="DS"), receipt()),
        (BIG, "N1*ST*HOME CARE*92*X9", "N3*1 ELM", "N4*TROY*NY*12180", IT1, "TDS*4000", "CTT*1"),
    ),
    ("price at the limit of two per cent", (order(), receipt()), (BIG, "IT1*1*10*EA*4.08**IN*M10001", "TDS*4080")),
    ("nothing is asked for a line", (order(price="0"), receipt()), (BIG, "IT1*1*10*EA*0*NC*IN*M10001", "TDS*0")),
]


@pytest.mark.parametrize(("known", "segments"), [one[1:] for one in RIGHT], ids=[one[0] for one in RIGHT])
def test_an_810_that_says_what_was_ordered_and_received_is_posted(
    site: Site, known: tuple[PurchaseOrder, Receipt], segments: tuple[str, ...]
) -> None:
    decision = decided(site, [edi(*segments)], *known)

    assert (types(decision), posted(decision)) == ([], ["post_invoice:S1001/I-1"])


AGREED = order(terms=Terms(net_days=30, discount_percent=Decimal(2), discount_days=10))
WRONG: list[tuple[str, PurchaseOrder, tuple[str, ...], list[str]]] = [
    ("freight a cent above", order(), (BIG, IT1, "TDS*6501", "SAC*C*D240***2501"), ["freight_above_ordered"]),
    (
        "two taxes of who is exempt",
        order(),
        (BIG, IT1, "TDS*4300", "TXI*ST*2.00*5", "TXI*LS*1.00*2.5"),
        ["tax_not_due"],
    ),
    ("less discount", AGREED, (BIG, "ITD*01*3*1**10**30", IT1, "TDS*4000"), ["terms_differ"]),
    ("paid sooner", AGREED, (BIG, "ITD*01*3*2**10**15", IT1, "TDS*4000"), ["terms_differ"]),
    ("price a cent above", order(), (BIG, "IT1*1*10*EA*4.09**IN*M10001", "TDS*4090"), ["price_above_tolerance"]),
    ("a unit that nobody converts", order(), (BIG, "IT1*1*1*PK*40**IN*M10001", "TDS*4000"), ["unit_unknown"]),
    ("one more than ordered", order(), (BIG, "IT1*1*11*EA*4**IN*M10001", "TDS*4400"), ["quantity_above_ordered"]),
    ("a box too many", order(), (BIG, "IT1*1*2*BX*40**IN*M10001", "TDS*8000"), ["quantity_above_ordered"]),
]


@pytest.mark.parametrize(("known", "segments", "why"), [one[1:] for one in WRONG], ids=[one[0] for one in WRONG])
def test_an_810_that_differs_is_a_case_and_is_not_posted(
    site: Site, known: PurchaseOrder, segments: tuple[str, ...], why: list[str]
) -> None:
    decision = decided(site, [edi(*segments)], known, receipt())

    assert (types(decision), posted(decision)) == (why, [])


@pytest.mark.parametrize(
    "line",
    [
        ("IT1*1*2*CA*4*PE*IN*M10001",),  # the item's packaging tells
        ("IT1*1*2*CA*4*PE*IN*M10001", "PO4*40*1*EA"),  # the supplier's does
        ("IT1*1*2*CA*4*PE*IN*M10001", "PO4*4*1*EA***********10"),  # in inner packages
        ("IT1*1*2*CA*160*PE*IN*M10001",),  # each case: many write so
    ],
)
def test_a_price_per_each_of_goods_in_cases_is_posted_as_the_price_of_a_case(site: Site, line: tuple[str, ...]) -> None:
    decision = decided(site, [edi(BIG, *line, "TDS*32000")], order("2", "160.00", "CA"), receipt("2", "CA"))

    assert types(decision) == []
    (wish,) = decision.intents
    assert isinstance(wish.document, Invoice)
    (told,) = wish.document.lines
    assert (told.quantity, told.price.amount, told.price_unit) == (_of("2", "CA"), 160, None)
    assert wish.document.total == wish.document.stated_total


def test_a_price_per_each_that_does_not_add_up_with_the_items_packaging_is_a_case(site: Site) -> None:
    asked = edi(BIG, "IT1*1*2*CA*4*PE*IN*M10001", "TDS*32100")
    decision = decided(site, [asked], order("2", "160.00", "CA"), receipt("2", "CA"))

    assert (types(decision), posted(decision)) == (["total_out_of_balance"], [])


def test_a_release_is_matched_by_its_own_number_and_keeps_the_one_within_its_standing_order(site: Site) -> None:
    body = edi(BIG.replace("PO-1***", "REL-3*3**"), IT1, "TDS*4000")
    release = order(order_number="REL-3", release_number="3", blanket_number="BL-9")
    decision = decided(site, [body], order(order_number="BL-9", blanket=True), release, receipt(order_number="REL-3"),
                       at="order:REL-3")  # fmt: skip

    assert (types(decision), posted(decision)) == ([], ["post_invoice:S1001/I-1"])
    assert isinstance(sent := decision.intents[0].document, Invoice)
    assert [(one.scheme, one.value) for one in sent.references] == [("RE", "3")]


@pytest.mark.parametrize("number", ["000PO-1", "po-1", "PO-1-02", "00PO-1/7"])
def test_an_order_number_that_is_written_otherwise_is_suggested_and_never_taken(site: Site, number: str) -> None:
    body = edi(BIG.replace("PO-1", number), IT1, "TDS*4000")
    decision = decided(site, [body], order(), receipt(), at=f"order:{number}")

    assert (types(decision), posted(decision)) == (["order_unknown"], [])
    assert decision.findings[0].facts["suggested_orders"] == ["PO-1"]


def test_no_order_is_suggested_for_a_number_that_is_like_none(site: Site) -> None:
    body = edi(BIG.replace("PO-1", "PO-77"), IT1, "TDS*4000")
    decision = decided(site, [body], order(), at="order:PO-77")

    assert (types(decision), dict(decision.findings[0].facts)) == (["order_unknown"], {})


@pytest.mark.parametrize("sign", ["", "-"])
def test_a_credit_lowers_what_its_invoice_asked_whichever_sign_it_is_written_with(site: Site, sign: str) -> None:
    memo = edi(BIG.replace("I-1", "C-1").replace("DI", "CN"), "REF*OI*i 1", f"IT1*1*{sign}2*EA*4**IN*M10001",
               f"TDS*{sign}800")  # fmt: skip
    again = edi(BIG.replace("I-1", "I-2"), "IT1*1*2*EA*4**IN*M10001", "TDS*800")
    decision = decided(site, [edi(BIG, IT1, "TDS*4000"), memo, again], order(), receipt())

    assert types(decision) == []
    assert sorted(posted(decision)) == [f"post_invoice:S1001/{one}" for one in ("C-1", "I-1", "I-2")]
    credit = next(one.document for one in decision.intents if one.key.endswith("C-1"))
    assert isinstance(credit, Invoice)
    assert (credit.invoice_kind, credit.total) == (InvoiceKind.CREDIT_MEMO, _usd("8.00"))


def test_a_credit_of_an_invoice_that_nobody_knows_is_a_case(site: Site) -> None:
    memo = edi(BIG.replace("I-1", "C-1").replace("DI", "CR"), "REF*OI*I-99", "IT1*1*2*EA*4**IN*M10001", "TDS*800")
    decision = decided(site, [edi(BIG, IT1, "TDS*4000"), memo], order(), receipt())

    assert (types(decision), posted(decision)) == (["credit_original_unknown"], ["post_invoice:S1001/I-1"])


@pytest.mark.parametrize(
    "line", ["IT1*1*10*EA*4*HF*IN*M10001", "IT1*1*25*CA*12.50*PD*IN*M10001", "IT1*1*-10*EA*4**IN*M10001"]
)
def test_what_has_no_exact_price_or_is_below_zero_waits_for_a_person(site: Site, line: str) -> None:
    assert through(site, edi(BIG, line, "TDS*4000")).state is MessageState.HELD
