"""From the supplier's bytes to the decision: 810s through the shipped channel, judged by the shipped policies."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import pytest

from engine.canonical import (
    Charge,
    Contract,
    Invoice,
    InvoiceKind,
    OrderAcknowledgement,
    PurchaseOrder,
    Receipt,
    RemitTo,
    Supplier,
    Terms,
)
from engine.channel.load import load_site
from engine.channel.site import Site
from engine.ports.states import MessageState
from tests.support.trade import (
    BIG,
    IT1,
    decided,
    edi,
    invoice_of,
    made_of,
    order,
    posted,
    quantity,
    receipt,
    taken,
    through,
    types,
    usd,
)

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def site() -> Site:
    return load_site(ROOT)


RIGHT: list[tuple[str, tuple[PurchaseOrder, Receipt], tuple[str, ...]]] = [
    ("as ordered", (order(), receipt()), (BIG, IT1, "TDS*4000", "CTT*1")),
    (
        "allowance of a line, freight in the summary that the order agreed to",
        (order(charges=(Charge(code="D240", amount=usd("12.00")),)), receipt()),
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
    assert (told.quantity, told.price.amount, told.price_unit) == (quantity("2", "CA"), 160, None)
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
    assert (credit.invoice_kind, credit.total) == (InvoiceKind.CREDIT_MEMO, usd("8.00"))


def test_a_credit_of_an_invoice_that_nobody_knows_is_a_case(site: Site) -> None:
    memo = edi(BIG.replace("I-1", "C-1").replace("DI", "CR"), "REF*OI*I-99", "IT1*1*2*EA*4**IN*M10001", "TDS*800")
    decision = decided(site, [edi(BIG, IT1, "TDS*4000"), memo], order(), receipt())

    assert (types(decision), posted(decision)) == (["credit_original_unknown"], ["post_invoice:S1001/I-1"])


@pytest.mark.parametrize(
    "line", ["IT1*1*10*EA*4*HF*IN*M10001", "IT1*1*25*CA*12.50*PD*IN*M10001", "IT1*1*-10*EA*4**IN*M10001"]
)
def test_what_has_no_exact_price_or_is_below_zero_waits_for_a_person(site: Site, line: str) -> None:
    assert through(site, edi(BIG, line, "TDS*4000")).state is MessageState.HELD


@pytest.mark.parametrize(
    ("lines", "total", "why"),
    [
        (100, "10000", None),  # 100 lines of 0.9999, each rounded
        (100, "9999", None),  # rounded once: a cent less
        (600, "59994", ["total_out_of_balance"]),  # six cents less, and five may be
        (600, "60000", None),
    ],
)
def test_what_rounding_many_lines_leaves_is_paid_as_stated_up_to_the_small_difference(
    site: Site, lines: int, total: str, why: list[str] | None
) -> None:
    told = [one for n in range(1, lines + 1) for one in (f"IT1*{n}*3*EA*0.3333**IN*M10001", f"REF*FJ*{n}")]
    known = order(lines=tuple(order("3", "0.3333").lines[0].model_copy(update={"number": n + 1}) for n in range(lines)))
    come = receipt("3").lines[0]
    parts = tuple(come.model_copy(update={"order_line_number": n + 1}) for n in range(lines))
    decision = decided(site, [edi(BIG, *told, f"TDS*{total}")], known, receipt().model_copy(update={"lines": parts}))

    assert types(decision) == (why or [])
    paid = [one.document for one in decision.intents if isinstance(one.document, Invoice)]
    assert [one.total.amount for one in paid] == ([] if why else [Decimal(total).scaleb(-2)])


@pytest.mark.parametrize(("freight", "why"), [("4500", []), ("4501", ["freight_above_ordered"])])
@pytest.mark.parametrize("by_pair", [True, False])
def test_an_810_over_two_orders_is_posted_once_with_the_freight_of_both(
    site: Site, by_pair: bool, freight: str, why: list[str]
) -> None:
    lines = [IT1.replace("IT1*1", f"IT1*{n}") + (f"*PO*PO-{n}" if by_pair else "") for n in (1, 2)]
    told = [one for n, line in enumerate(lines, 1) for one in (line, *(() if by_pair else (f"REF*PO*PO-{n}",)))]
    body = edi("BIG*20261120*I-1*****DI", *told, f"TDS*{8000 + int(freight)}", f"SAC*C*D240***{freight}")
    agreed = [(Charge(code="D240", amount=usd(one)),) for one in ("12.00", "8.00")]  # and 25.00 more may be asked
    orders = [order(order_number=f"PO-{n}", charges=one) for n, one in enumerate(agreed, 1)]
    come = [receipt(order_number=f"PO-{n}").model_copy(update={"receipt_number": f"R-{n}"}) for n in (1, 2)]
    dossiers = taken(site, *orders, *come, invoice_of(site, body))

    assert types(home := dossiers.decide("order:PO-1")) == why
    assert posted(home) == ([] if why else ["post_invoice:S1001/I-1"])
    assert posted(dossiers.decide("order:PO-2")) == []


@pytest.mark.parametrize(("lot", "why"), [("L-7", []), ("L-8", ["invoice_lot_differs"])])
def test_the_lot_that_an_810_names_is_one_that_came(site: Site, lot: str, why: list[str]) -> None:
    come = receipt()
    lines = tuple(one.model_copy(update={"lot": "L-7"}) for one in come.lines)
    body = edi(BIG, f"{IT1}*LT*{lot}", "TDS*4000")
    decision = decided(site, [body], order(), come.model_copy(update={"lines": lines}))

    assert types(decision) == why
    assert posted(decision) == ([] if why else ["post_invoice:S1001/I-1"])


@pytest.mark.parametrize(
    ("billed", "why"),
    [
        ("VN*ASB-2099*IN*M10009", []),
        ("VN*ASB-2099", []),
        ("VN*ASB-2012*IN*M10001", []),  # the supplier's system still writes what was asked for
        ("VN*ASB-9999*IN*M10077", ["line_not_ordered"]),
    ],
)
def test_what_the_supplier_said_comes_instead_is_received_and_billed_as_what_was_ordered(
    site: Site, billed: str, why: list[str]
) -> None:
    lines = ("PO1*1*10*EA*4**VN*ASB-2012*IN*M10001", "ACK*IS*10*EA*068*20261109**IN*M10009*VN*ASB-2099", "CTT*1")
    answer = edi("BAK*00*AC*PO-1*20261103", *lines, code="855", functional_id="PR")
    scanned = {"receipt": "R-1", "order": "PO-1", "supplier": "S1001", "received_on": "2026-11-09",
               "lines": [{"order_line": 1, "item": "M10009", "quantity": 10}]}  # fmt: skip
    told = made_of(OrderAcknowledgement, site, answer, "order_response_in")
    come = made_of(Receipt, site, json.dumps(scanned).encode(), "warehouse_receipts_in")
    asked = invoice_of(site, edi(BIG, f"IT1*1*10*EA*4**{billed}", "TDS*4000"))
    decision = taken(site, order(), told, come, asked).decide("order:PO-1")

    assert types(decision) == why
    assert posted(decision) == ([] if why else ["post_invoice:S1001/I-1"])


PRICES = """Contract,Supplier,Our item no.,Supplier item no.,Unit,From quantity,Price,Tier,Facility,Valid from,Valid to
HH-1,S1001,M10001,,EA,,21.40,,,2026-01-01,2026-11-15
HH-1,S1001,M10001,,EA,,22.00,,,2026-11-16,
HH-1,S1001,M10001,,EA,48,20.00,,,2026-01-01,2026-11-15
HH-1,S1001,M10001,,EA,,19.00,T2,,2026-01-01,2026-11-15
HH-1,S1001,,,,,,,HARBOR-CLINIC,,
"""


@pytest.mark.parametrize(
    ("changed", "day", "amount", "price", "failed"),
    [
        (("", ""), "20261102", "10", "21.40", None),
        (("", ""), "20261102", "10", "22.00", "price"),  # next year's price, before its day
        (("", ""), "20261115", "10", "21.40", None),  # the last day
        (("", ""), "20261116", "10", "22.00", None),  # the first day of the next price
        (("", ""), "20261116", "10", "21.40", None),  # less than was agreed
        (("", ""), "20251231", "10", "21.40", "dates"),
        (("", ""), "20261102", "48", "20.00", None),  # the step is reached
        (("", ""), "20261102", "48", "21.40", "price"),
        (("", ""), "20261102", "47", "20.41", None),  # the step is not reached; less is fine
        (("HARBOR-CLINIC,,", "HARBOR-NORTH,,"), "20261102", "10", "21.40", "member"),
        ((",,HARBOR-CLINIC", ",T2,HARBOR-CLINIC"), "20261102", "10", "19.00", None),
        ((",,HARBOR-CLINIC", ",T2,HARBOR-CLINIC"), "20261102", "10", "21.40", "price"),  # it may buy at its tier
        (("HARBOR-CLINIC,,", "HARBOR-CLINIC,2026-11-03,"), "20261102", "10", "21.40", "member"),  # a day too early
    ],
)
def test_a_price_of_the_list_holds_on_its_days_for_its_members_and_from_its_quantity(
    site: Site, changed: tuple[str, str], day: str, amount: str, price: str, failed: str | None
) -> None:
    rows = (
        PRICES.replace("HH-1,,", "HH-1,S1001,").replace(*changed)
        if changed[0]
        else PRICES.replace("HH-1,,", "HH-1,S1001,")
    )
    agreed = made_of(Contract, site, rows.encode(), "contract_prices_in")
    heading = (f"BEG*00*NE*PO-1**{day}", "REF*CT*HH-1", "N1*SE*ALDERBROOK*92*S1001")
    asked = edi(*heading, f"PO1*1*{amount}*EA*{price}**IN*M10001", "CTT*1", code="850", functional_id="PO",
                sender="HARBORCLINIC")  # fmt: skip
    total = int(Decimal(amount) * Decimal(price) * 100)
    billed = edi(BIG, f"IT1*1*{amount}*EA*{price}**IN*M10001", f"TDS*{total}")
    documents = made_of(PurchaseOrder, site, asked, "order_in"), receipt(amount), invoice_of(site, billed)
    decision = taken(site, agreed, *documents).decide("order:PO-1")

    assert [one.facts.get("failed") for one in decision.findings] == ([failed] if failed else [])
    assert posted(decision) == ([] if failed else ["post_invoice:S1001/I-1"])


@pytest.mark.parametrize(
    ("named", "remit_to", "why"),
    [
        ("N1*RE*ALDERBROOK*92*S1001", None, []),
        ("N1*RI*ALDERBROOK WEST*92*WEST", "WEST", []),
        ("N1*RE*ALDERBROOK WEST*91*77", None, []),  # the supplier's own number for it
        ("N1*RE*ALDERBROOK EAST*92*EAST", "EAST", ["remit_to_unknown"]),
        ("N1*RE*ALDERBROOK OLD*92*OLD", "OLD", ["remit_to_unknown"]),
    ],
)
def test_money_goes_to_a_remit_to_of_the_supplier_only(
    site: Site, named: str, remit_to: str | None, why: list[str]
) -> None:
    told = (RemitTo(code="WEST", name="Alderbrook West"), RemitTo(code="OLD", name="Alderbrook Old", active=False))
    invoice = invoice_of(site, edi(BIG, named, IT1, "TDS*4000"))
    supplier = Supplier(supplier_number="S1001", name="Alderbrook", remit_tos=told)
    decision = taken(site, supplier, order(), receipt(), invoice).decide("order:PO-1")

    assert (invoice.remit_to, types(decision)) == (remit_to, why)
    assert posted(decision) == ([] if why else ["post_invoice:S1001/I-1"])


def test_the_same_number_for_another_remit_to_of_one_supplier_is_the_same_invoice(site: Site) -> None:
    told = tuple(RemitTo(code=one, name=one) for one in ("WEST", "EAST"))
    supplier = Supplier(supplier_number="S1001", name="Alderbrook", remit_tos=told)
    bodies = [edi(BIG, f"N1*RE*ALDERBROOK*92*{one}", IT1, "TDS*4000") for one in ("WEST", "EAST")]
    invoices = [invoice_of(site, one) for one in bodies]
    decision = taken(site, supplier, order("20"), receipt("20"), *invoices).decide("order:PO-1")

    assert [one.remit_to for one in invoices] == ["WEST", "EAST"]
    assert len(posted(decision)) <= 1
