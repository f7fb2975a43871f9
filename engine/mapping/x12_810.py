"""810 to Invoice and back.

TDS01, SAC05 and ITD08 imply two decimals (N2), IT104 and TXI02 write their point (R). Source: X12 810 in 004010/005010.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

from engine.canonical import Charge, Identifier, Invoice, InvoiceKind, InvoiceLine, Money, Quantity, total
from engine.core.errors import DocumentError, RequiredFieldError
from engine.mapping import x12_body as sets
from engine.mapping import x12_parts as parts
from engine.mapping.x12_850 import line_number
from engine.mapping.x12_codes import is_per_each, unit_price
from engine.mapping.x12_credit import ORIGINAL, above_zero, changed, check_claim, credited, kind_of, originals
from engine.mapping.x12_parties import read_parties, write_parties
from engine.mapping.x12_shared import CASE, mark, unmarked, write_mark
from engine.protocols.x12 import OutboundSet, Segment, SegmentValues, TransactionSet

# REF qualifiers that fields of the invoice stand for.
_SUPPLIER, _COST, _ACCOUNT, _ORDER_LINE, _RELEASE, _ORDER = "IA", "CA", "11", "FJ", "RE", "PO"
_RESERVED = frozenset((_SUPPLIER, _ORDER))
_EACH = "EA"
_SHIPPED = "011"  # DTM01
_SUMMARY = frozenset(("TDS", "CTT", "SE"))
_SUPPLIER_ROLES = ("SU", "SE", "VN", "RI", "RE")


@sets.told_by_place
def invoice_from_810(one: TransactionSet, supplier_number: str | None = None, *, check_total: bool = True) -> Invoice:
    """Read an invoice.

    Args:
        supplier_number: when the channel knows it; else REF IA, else the identifier of N1 SU, SE, VN, RI or RE.
        check_total: lines, charges and taxes must add up to TDS01 to the cent, rounded line by line or in all.
            Suppliers repeat line charges in the summary or the other way round; what adds up is taken, and nothing is
            corrected. Prices per each, where nobody says how many there are, adds up who knows the items.

    Returns:
        A credit memo has amounts above zero, however it was written.

    Raises:
        RequiredFieldError, DataTypeError: an element is absent or not of its type; the place says which.
        DocumentError: the parts do not make an invoice, or (at TDS01) do not add up to it; or (at BIG07 or BIG08) it
            asks for no payment.
    """
    body = sets.cut(one, "IT1", _SUMMARY)
    currency = sets.currency(body.heading)
    stated = sets.cents(sets.required(sets.first(body.summary, "TDS"), 1, "TDS01"), "TDS01")
    fields = _fields(body, currency) | {"stated_total": Money(amount=stated, currency=currency)}
    fields |= {"supplier_number": supplier_number or _supplier(body)}
    below_zero = stated < 0 and fields["invoice_kind"] is InvoiceKind.CREDIT_MEMO and _goods_below_zero(body)
    readings = [
        sets.build(Invoice, **(fields | {"lines": lines}), charges=charges, taxes=taxes)
        for lines in _line_readings(body, fields["lines"])
        for charges, taxes in _readings(body, currency, below_zero)
    ]
    open_to_match = next((r for r in readings if _has_prices_by_each(r)), readings[0])
    exactly = next((r for r in readings if r.total == r.stated_total), None)
    invoice = exactly or next((r for r in readings if _is_rounded_once(r)), open_to_match)
    if check_total and not (exactly or _is_rounded_once(invoice) or _has_prices_by_each(invoice)):
        remedy = "ask the supplier for a corrected invoice"
        raise DocumentError("lines, charges and taxes do not add up to the stated total", where="TDS01", remedy=remedy)
    return above_zero(invoice) if below_zero else invoice


def _is_rounded_once(invoice: Invoice) -> bool:
    """Whether the supplier added up what its lines are worth to the last place, and rounded the sum."""
    exact = sum((line.price.amount * line.quantity.amount for line in invoice.lines), Decimal(0))
    exact += sum((one.amount.amount for one in (*invoice.charges, *invoice.taxes)), Decimal(0))
    return Money(amount=exact, currency=invoice.currency).rounded() == invoice.stated_total


def _has_prices_by_each(invoice: Invoice) -> bool:
    return any(line.price_unit for line in invoice.lines)


def _fields(body: sets.Body, currency: str) -> dict[str, Any]:
    begin = sets.first(body.heading, "BIG")
    check_claim(begin)
    invoiced_on = sets.day(sets.required(begin, 1, "BIG01"), "BIG01")
    fields: dict[str, Any] = {
        "invoice_number": sets.required(begin, 2, "BIG02"),
        "invoiced_on": invoiced_on,
        "ordered_on": sets.optional_day(begin.get(3).strip() if begin else None, "BIG03"),
        "order_number": (begin.get(4).strip() if begin else "") or sets.value(body.heading, "REF", _ORDER),
        "invoice_kind": kind_of(begin),
        "currency": currency,
        "parties": read_parties(body.parties),
        "references": _references(body),
        "case_reference": mark(body.heading, CASE),
        "terms": parts.read_terms(sets.first(body.heading, "ITD"), currency, invoiced_on),
        "shipped_on": _shipped(body),
        "lines": tuple(_read_line(line, n, currency) for n, line in enumerate(body.lines, 1)),
    }
    return fields | (_credited(body) if fields["invoice_kind"] is InvoiceKind.CREDIT_MEMO else {})


def _goods_below_zero(body: sets.Body) -> bool:
    """Not so where a fee for taking the goods back is more than they are worth."""
    lines = [line[0] for line in body.lines]
    return sum((sets.decimal(one.get(2), "IT102") * sets.decimal(one.get(4), "IT104") for one in lines), Decimal(0)) < 0


def _credited(body: sets.Body) -> dict[str, object]:
    every = (*body.heading, *(segment for line in body.lines for segment in line))
    named = originals(every, sets.required(sets.first(body.heading, "BIG"), 2, "BIG02"))
    return credited(named, _references(body))


def _references(body: sets.Body) -> tuple[Identifier, ...]:
    """With the release of BIG05, as if REF said it: the order's number is the release's own, where it has one."""
    found, begin = parts.read_references(unmarked(body.heading, CASE), _RESERVED), sets.first(body.heading, "BIG")
    release = begin.get(5).strip() if begin else ""
    told = not release or any(one.scheme == _RELEASE for one in found)
    return found if told else (*found, Identifier(scheme=_RELEASE, value=release))


def _shipped(body: sets.Body) -> date | None:
    return sets.optional_day(sets.value(body.heading, "DTM", _SHIPPED), "DTM02")


def _supplier(body: sets.Body) -> str:
    number = sets.value(body.heading, "REF", _SUPPLIER)
    by_role = {loop[0].get(1): loop[0].get(4).strip() for loop in reversed(body.parties)}
    found = number or next((by_role[role] for role in _SUPPLIER_ROLES if by_role.get(role)), None)
    if not found:
        raise RequiredFieldError("the supplier is not named", where="REF IA", remedy="set it in the channel or partner")
    return found


Charges = tuple[Charge, ...]
Lines = tuple[InvoiceLine, ...]


def _line_readings(body: sets.Body, lines: Lines) -> Iterator[Lines]:
    """Prices per the unit of the quantity; then, where IT105 says so, per each."""
    yield lines
    by_each = tuple(_by_each(line, segments) for line, segments in zip(lines, body.lines, strict=True))
    if by_each != lines:
        yield by_each


def _by_each(line: InvoiceLine, segments: tuple[Segment, ...]) -> InvoiceLine:
    """With the packaging that the line tells of the price is the package's; without, it is left per each."""
    if not is_per_each(segments[0].get(5), line.quantity.unit):
        return line
    eaches = parts.read_pack(segments, line.quantity.unit)
    if eaches is None:
        return line.model_copy(update={"price_unit": _EACH})
    return line.model_copy(update={"price": line.price.times(eaches)})


def _readings(body: sets.Body, currency: str, below_zero: bool) -> Iterator[tuple[Charges, Charges]]:
    """Charges and taxes: all that are written, those of the summary alone, those of the lines alone.

    Args:
        below_zero: whether lines and total are; then charges and taxes may stand for what they are below zero, too.
    """
    in_lines = [segment for line in body.lines for segment in line]
    for segments in ([*in_lines, *body.summary], body.summary, in_lines):
        charges, taxes = parts.read_charges(segments, currency), _taxes(segments, currency)
        yield charges, taxes
        if below_zero:
            yield changed(charges), changed(taxes)
            yield changed(charges), taxes
            yield charges, changed(taxes)


def _taxes(segments: list[Segment] | tuple[Segment, ...], currency: str) -> Charges:
    """TXI with an amount; a tax of zero or of a rate alone adds nothing."""
    found = []
    for number, segment in enumerate((s for s in segments if s.id == "TXI"), 1):
        if segment.get(2):
            amount = Money(amount=sets.decimal(segment.get(2), f"TXI02[{number}]"), currency=currency)
            found.append(Charge(code=sets.required(segment, 1, f"TXI01[{number}]"), amount=amount))
    return tuple(found)


def _read_line(line: tuple[Segment, ...], number: int, currency: str) -> InvoiceLine:
    head = line[0]
    unit = sets.required(head, 3, f"IT103[{number}]")
    quantity = sets.decimal(sets.required(head, 2, f"IT102[{number}]"), f"IT102[{number}]")
    price = sets.decimal(sets.required(head, 4, f"IT104[{number}]"), f"IT104[{number}]")
    item, identifiers = parts.read_item(head)
    order_line = sets.value(line, "REF", _ORDER_LINE)
    return sets.build(
        InvoiceLine,
        f"IT1[{number}]",
        number=line_number(head.get(1), number),
        quantity=Quantity(amount=quantity, unit=unit),
        price=Money(amount=unit_price(price, head.get(5), unit, f"IT105[{number}]"), currency=currency),
        item_number=item,
        description=parts.read_description(line),
        **parts.read_marks([one for one in identifiers if one.scheme != _ORDER]),
        order_number=_order_of(line, identifiers),
        case_reference=mark(line, CASE),
        order_line_number=int(order_line) if order_line and order_line.isdigit() else None,
        cost_center=sets.value(line, "REF", _COST),
        natural_account=sets.value(line, "REF", _ACCOUNT),
    )


def _order_of(line: tuple[Segment, ...], identifiers: tuple[Identifier, ...]) -> str | None:
    """Of an invoice over several orders: REF PO of the line, or PO among its numbers."""
    named = (one.value for one in identifiers if one.scheme == _ORDER)
    return sets.value(line, "REF", _ORDER) or next(named, None)


def invoice_to_810(invoice: Invoice) -> OutboundSet:
    """Write an invoice.

    Raises:
        DocumentError: the stated total is not the sum of the parts.
        DataTypeError: a value that X12 cannot hold; the place says which.
    """
    if total([invoice.total], invoice.currency) != invoice.stated_total:
        raise DocumentError("the stated total is not the sum of lines, charges and taxes", where="TDS01")
    kind = "CR" if invoice.invoice_kind is InvoiceKind.CREDIT_MEMO else "DI"
    ordered_on = f"{invoice.ordered_on:%Y%m%d}" if invoice.ordered_on else ""
    begin = ("BIG", f"{invoice.invoiced_on:%Y%m%d}", invoice.invoice_number, ordered_on, invoice.order_number or "")
    segments: list[SegmentValues] = [(*begin, "", "", kind), ("CUR", "SE", invoice.currency)]
    segments.append(("REF", _SUPPLIER, invoice.supplier_number))
    if invoice.original_invoice_number and kind == "CR":
        segments.append(("REF", ORIGINAL, invoice.original_invoice_number))
    segments += write_mark(CASE, invoice.case_reference)
    segments += [("REF", one.scheme, one.value) for one in invoice.references]
    segments += write_parties(invoice.parties)
    segments += parts.write_terms(invoice.terms)
    if invoice.shipped_on:
        segments.append(("DTM", _SHIPPED, f"{invoice.shipped_on:%Y%m%d}"))
    for index, line in enumerate(invoice.lines, 1):
        segments += _write_line(line, index)
    segments.append(("TDS", sets.to_cents(invoice.stated_total.amount, "TDS01")))
    segments += [("TXI", tax.code, sets.plain(tax.amount.amount)) for tax in invoice.taxes]
    segments += parts.write_charges(invoice.charges)
    segments.append(("CTT", str(len(invoice.lines))))
    return OutboundSet("810", tuple(segments))


def _write_line(line: InvoiceLine, index: int) -> list[SegmentValues]:
    item = parts.write_item(line.item_number, parts.with_marks(line), f"IT108[{index}]")
    amounts = (sets.plain(line.quantity.amount), line.quantity.unit, sets.plain(line.price.amount), "")
    segments: list[SegmentValues] = [("IT1", str(line.number), *amounts, *item)]
    segments += parts.write_description(line.description, f"PID05[{index}]")
    order_line = str(line.order_line_number) if line.order_line_number is not None else None
    told = ((_ORDER, line.order_number), (_ORDER_LINE, order_line))
    known = ((_COST, line.cost_center), (_ACCOUNT, line.natural_account), *told)
    segments += [("REF", qualifier, text) for qualifier, text in known if text]
    return segments + write_mark(CASE, line.case_reference)
