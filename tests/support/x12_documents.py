"""Generated orders, invoices, answers, notices and remittances that X12 can carry. Everything is invented."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from hypothesis import strategies as st

from engine.canonical import (
    AcknowledgedLine,
    Address,
    Adjustment,
    AdviceAction,
    AdvisedDocument,
    AdvisedFault,
    ApplicationAdvice,
    Charge,
    Identifier,
    Invoice,
    InvoiceKind,
    InvoiceLine,
    LineAction,
    LineAnswer,
    Money,
    OrderAcknowledgement,
    OrderLine,
    Party,
    PurchaseOrder,
    Quantity,
    Remittance,
    RemittanceLine,
    ShipmentNotice,
    ShippedLine,
    Terms,
)
from engine.canonical.identifiers.check_digits import dea_check_digit, gs1_check_digit

_WORD = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
_TEXT = _WORD + " -./,:#&'()+éß"


def texts(longest: int, shortest: int = 1) -> st.SearchStrategy[str]:
    """Without blanks at the ends, as canonical texts are; separators of X12 are among the characters."""
    inner = st.text(_TEXT + "*>~^|", min_size=max(shortest - 2, 0), max_size=longest - 2)
    return st.builds(lambda a, m, b: a + m + b, st.sampled_from(_WORD), inner, st.sampled_from(_WORD))


def codes(longest: int, shortest: int = 2) -> st.SearchStrategy[str]:
    return st.text("ABCDEFGHJKLMNP0123456789", min_size=shortest, max_size=longest)


def _gs1(count: int) -> st.SearchStrategy[str]:
    return st.text("0123456789", min_size=count - 1, max_size=count - 1).map(lambda t: t + gs1_check_digit(t))


def _dea(letters: str, digits: str) -> str:
    return letters + digits + dea_check_digit(digits)


# What is right by the check digit of its list; all other lists hold any text.
_NUMBERS: dict[str, st.SearchStrategy[str]] = {
    "GLN": _gs1(13),
    "HIN": codes(9, 9),
    "DEA": st.builds(_dea, st.sampled_from(["AB", "BC", "F9"]), st.text("0123456789", min_size=6, max_size=6)),
    "DUNS": st.text("0123456789", min_size=9, max_size=9),
    "GTIN": _gs1(14),
    "UPC": _gs1(12),
    "EAN": _gs1(13),
    "NDC": st.text("0123456789", min_size=11, max_size=11),
}


def identified(schemes: st.SearchStrategy[str], other: st.SearchStrategy[str]) -> st.SearchStrategy[Identifier]:
    return schemes.flatmap(
        lambda scheme: st.builds(Identifier, scheme=st.just(scheme), value=_NUMBERS.get(scheme, other))
    )


days = st.dates(date(2001, 1, 1), date(2060, 12, 31))
prices = st.decimals("0", "99999.9999", places=4)
cents = st.decimals("-9999.99", "9999.99", places=2)
quantities = st.decimals("0.001", "99999", places=3)
units = st.sampled_from(["EA", "BX", "CA", "DZ", "PK"])
roles = st.sampled_from(["BY", "ST", "BT", "SU", "SE", "VN", "RE", "RI"])
party_schemes = st.sampled_from(["GLN", "HIN", "DEA", "DUNS", "SUPPLIER_ASSIGNED", "BUYER_ASSIGNED", "ZZ"])
item_schemes = st.sampled_from(
    ["GTIN", "UPC", "EAN", "VENDOR_CATALOG", "VENDOR_ITEM", "MANUFACTURER_PART", "NDC", "LOT", "SERIAL", "PI"]
)


def money(amounts: st.SearchStrategy[Decimal], currency: str) -> st.SearchStrategy[Money]:
    return st.builds(Money, amount=amounts, currency=st.just(currency))


addresses = st.builds(
    Address,
    name=st.none() | texts(60),
    street=texts(55),
    city=st.none() | texts(30, 2),
    state=st.none() | codes(2),
    postal_code=st.none() | codes(15, 3),
    country=st.none() | codes(3),
)
parties = st.builds(
    Party,
    role=roles,
    name=texts(60),
    identifier=st.none() | identified(party_schemes, texts(80, 2)),
    address=st.none() | addresses,
)
references = st.builds(Identifier, scheme=st.sampled_from(["CO", "BM", "ZZ", "YD", "VR"]), value=texts(30))
identifiers = st.lists(identified(item_schemes, texts(48)), max_size=4, unique_by=lambda i: i.scheme).map(tuple)
without_marks = identifiers.map(lambda every: tuple(one for one in every if one.scheme not in ("LOT", "SERIAL")))


def charges(currency: str) -> st.SearchStrategy[tuple[Charge, ...]]:
    code = st.sampled_from(["D240", "C310", "F340", "OWNFREIGHT"])
    described = st.none() | texts(80)
    return st.lists(st.builds(Charge, code=code, amount=money(cents, currency), description=described), max_size=3).map(
        tuple
    )


def terms(currency: str) -> st.SearchStrategy[Terms | None]:
    net = st.builds(Terms, net_days=st.integers(0, 999), description=st.none() | texts(80))
    discount = st.builds(
        Terms,
        net_days=st.none() | st.integers(0, 999),
        discount_percent=st.decimals("0.01", "99.99", places=2),
        discount_days=st.integers(0, 999),
        discount_amount=st.none() | money(st.decimals("0.01", "99999.99", places=2), currency),
    )
    return st.none() | net | discount


@st.composite
def purchase_orders(draw: st.DrawFn) -> PurchaseOrder:
    currency = draw(st.sampled_from(["USD", "CAD", "EUR"]))
    count = draw(st.integers(1, 4))
    lines = tuple(
        OrderLine(
            number=number,
            item_number=draw(texts(48)),
            quantity=draw(st.builds(Quantity, amount=quantities, unit=units)),
            price=draw(money(prices, currency)),
            description=draw(st.none() | st.lists(texts(40), min_size=1, max_size=4).map(" ".join)),
            identifiers=draw(without_marks),
            lot=draw(st.none() | texts(20)),
            serial=draw(st.none() | texts(20)),
            cost_center=draw(st.none() | texts(30)),
            contract_number=draw(st.none() | texts(30)),
            needed_by=draw(st.none() | days),
        )
        for number in range(1, count + 1)
    )
    return PurchaseOrder(
        order_number=draw(texts(22)),
        supplier_number=draw(texts(30)),
        ordered_on=draw(days),
        lines=lines,
        purpose=draw(st.sampled_from(["00", "01", "05", "06"])),
        order_type=draw(st.sampled_from(["NE", "SA", "CN", "RO", "DS"])),
        currency=currency,
        release_number=draw(st.none() | texts(30)),
        contract_number=draw(st.none() | texts(30)),
        department=draw(st.none() | texts(30)),
        case_reference=draw(st.none() | texts(30)),
        needed_by=draw(st.none() | days),
        parties=draw(st.lists(parties, max_size=3).map(tuple)),
        references=draw(st.lists(references, max_size=3).map(tuple)),
        charges=draw(charges(currency)),
        terms=draw(terms(currency)),
        notes=draw(st.lists(texts(200), max_size=3).map(tuple)),
    )


@st.composite
def invoices(draw: st.DrawFn) -> Invoice:
    currency = draw(st.sampled_from(["USD", "CAD", "EUR"]))
    count = draw(st.integers(1, 4))
    lines = tuple(
        InvoiceLine(
            number=number,
            quantity=draw(st.builds(Quantity, amount=quantities, unit=units)),
            price=draw(money(prices, currency)),
            item_number=draw(texts(48)),
            description=draw(st.none() | texts(80)),
            identifiers=draw(without_marks),
            lot=draw(st.none() | texts(20)),
            serial=draw(st.none() | texts(20)),
            order_number=draw(st.none() | texts(22)),
            case_reference=draw(st.none() | texts(30)),
            order_line_number=draw(st.none() | st.integers(1, 9999)),
            cost_center=draw(st.none() | texts(30)),
            natural_account=draw(st.none() | texts(30)),
        )
        for number in range(1, count + 1)
    )
    taxes = st.lists(
        st.builds(Charge, code=st.sampled_from(["ST", "TX", "GS"]), amount=money(cents, currency)), max_size=2
    )
    fields = {
        "invoice_number": draw(texts(22)),
        "supplier_number": draw(texts(30)),
        "invoiced_on": draw(days),
        "case_reference": draw(st.none() | texts(30)),
        "lines": lines,
        "invoice_kind": draw(st.sampled_from(InvoiceKind)),
        "order_number": draw(st.none() | texts(22)),
        "ordered_on": draw(st.none() | days),
        "currency": currency,
        "parties": draw(st.lists(parties, max_size=3).map(tuple)),
        "references": draw(st.lists(references, max_size=3).map(tuple)),
        "charges": draw(charges(currency)),
        "taxes": tuple(draw(taxes)),
        "terms": draw(terms(currency)),
        "shipped_on": draw(st.none() | days),
    }
    if fields["invoice_kind"] is InvoiceKind.CREDIT_MEMO:
        fields["original_invoice_number"] = draw(
            st.none() | texts(22).filter(lambda one: one != fields["invoice_number"])
        )
    zero = Money(amount=Decimal(0), currency=currency)
    return Invoice(**fields, stated_total=Invoice(**fields, stated_total=zero).total)


_ACTIONS = {
    "IA": LineAction.ACCEPTED,
    "IB": LineAction.BACKORDERED,
    "IP": LineAction.CHANGED,
    "IS": LineAction.SUBSTITUTED,
    "ID": LineAction.DELETED,
    "IR": LineAction.REJECTED,
    "R2": LineAction.REJECTED,
    "IH": LineAction.OTHER,
}
amounts = st.builds(Quantity, amount=quantities, unit=units)
answers = st.builds(
    lambda code, quantity, day: LineAnswer(action=_ACTIONS[code], code=code, quantity=quantity, expected_on=day),
    st.sampled_from(sorted(_ACTIONS)),
    st.none() | amounts,
    st.none() | days,
)


@st.composite
def order_acknowledgements(draw: st.DrawFn) -> OrderAcknowledgement:
    currency = draw(st.sampled_from(["USD", "CAD", "EUR"]))
    lines = tuple(
        AcknowledgedLine(
            order_line_number=number,
            answers=tuple(draw(st.lists(answers, min_size=1, max_size=3))),
            quantity=draw(st.none() | amounts),
            price=draw(st.none() | money(prices, currency)),
            item_number=draw(texts(48)),
            identifiers=draw(identifiers),
        )
        for number in range(1, draw(st.integers(0, 4)) + 1)
    )
    return OrderAcknowledgement(
        order_number=draw(texts(22)),
        supplier_number=draw(texts(30)),
        acknowledged_on=draw(days),
        acknowledgement_type=draw(st.sampled_from(["AC", "AD", "AK", "RJ"])),
        lines=lines,
        purpose=draw(st.sampled_from(["00", "05"])),
        acknowledgement_number=draw(st.none() | texts(30)),
        currency=currency,
        parties=draw(st.lists(parties, max_size=3).map(tuple)),
        references=draw(st.lists(references, max_size=3).map(tuple)),
    )


_named = st.sampled_from(["GTIN", "VENDOR_ITEM", "NDC", "MANUFACTURER_PART"])
shipped_lines = st.builds(
    ShippedLine,
    quantity=amounts,
    order_number=st.none() | texts(22),
    order_line_number=st.none() | st.integers(1, 9999),
    item_number=texts(48),
    identifiers=st.lists(identified(_named, texts(48)), max_size=3, unique_by=lambda i: i.scheme).map(tuple),
    lot=st.none() | texts(20),
    serial=st.none() | texts(20),
    expires_on=st.none() | days,
    package=st.none() | codes(20, 18),
)
shipment_notices = st.builds(
    ShipmentNotice,
    shipment_number=texts(30, 2),
    supplier_number=texts(30, 2),
    noticed_on=days,
    lines=st.lists(shipped_lines, min_size=1, max_size=5).map(tuple),
    shipped_on=st.none() | days,
    expected_on=st.none() | days,
    carrier=st.none() | codes(4),
    bill_of_lading=st.none() | texts(30),
    tracking_number=st.none() | texts(30),
    purpose=st.sampled_from(["00", "01", "05"]),
    parties=st.lists(parties, max_size=3).map(tuple),
)


@st.composite
def remittances(draw: st.DrawFn) -> Remittance:
    currency = draw(st.sampled_from(["USD", "CAD", "EUR"]))
    sums = money(cents, currency)
    adjustments = st.lists(
        st.builds(Adjustment, amount=sums, reason=codes(2), reference=st.none() | references), max_size=2
    ).map(tuple)
    lines = st.builds(
        RemittanceLine,
        scheme=st.sampled_from(["IV", "CM", "PO"]),
        number=texts(30),
        paid=sums,
        invoiced=st.none() | sums,
        discount=st.none() | sums,
        dated_on=st.none() | days,
        adjustments=adjustments,
    )
    return Remittance(
        remittance_number=draw(texts(30)),
        supplier_number=draw(texts(30)),
        paid_on=draw(days),
        amount=draw(sums),
        lines=draw(st.lists(lines, max_size=4).map(tuple)),
        method=draw(st.sampled_from(["ACH", "CHK", "FWT"])),
        adjustments=draw(adjustments),
        parties=draw(st.lists(parties, max_size=3).map(tuple)),
    )


def _advised(number: int) -> st.SearchStrategy[AdvisedDocument]:
    faults = st.builds(
        AdvisedFault,
        code=st.sampled_from(["006", "007", "010", "011", "024", "ZZZ"]),
        text=st.none() | texts(60),
        segment=st.sampled_from(["BIG", "IT1", "TDS"]),
        position=st.integers(1, 999_999),
        element=st.integers(1, 99),
    )
    traced = st.builds(
        lambda one, group, number: one.model_copy(update={"group_number": str(group), "set_number": f"{number:04d}"}),
        st.builds(AdvisedDocument, action=st.sampled_from(AdviceAction), scheme=st.just("IV"), number=texts(30)),
        st.integers(1, 999_999_999),
        st.integers(1, 9999),
    )
    plain = st.builds(
        AdvisedDocument,
        action=st.sampled_from(AdviceAction),
        scheme=st.sampled_from(["IV", "PO", "TN"]),
        number=texts(30),
        transaction_set=st.none() | st.sampled_from(["810", "850"]),
        faults=st.lists(faults, max_size=3).map(tuple),
        references=st.lists(references, max_size=3).map(tuple),
    )
    return plain if number % 2 else traced


application_advices = st.builds(
    ApplicationAdvice,
    advice_number=texts(30),
    supplier_number=texts(30),
    documents=st.integers(1, 2).flatmap(lambda count: st.tuples(*(_advised(number) for number in range(1, count + 1)))),
    advised_on=days,
    purpose=st.sampled_from(["00", "11", "44"]),
    parties=st.lists(parties, max_size=2).map(tuple),
)
