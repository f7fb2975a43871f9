"""850 to PurchaseOrder and back.

Source: X12 850 in 004010/005010; GS1 Healthcare US, order-to-cash guidance. Reading what we wrote gives the same order.
"""

from __future__ import annotations

from engine.canonical import Money, OrderLine, PurchaseOrder, Quantity
from engine.core.errors import RequiredFieldError
from engine.mapping import x12_body as sets
from engine.mapping import x12_parts as parts
from engine.mapping.x12_codes import unit_price
from engine.mapping.x12_parties import read_parties, write_parties
from engine.mapping.x12_shared import CASE, mark, unmarked, write_mark
from engine.protocols.x12 import OutboundSet, Segment, SegmentValues, TransactionSet

# REF qualifiers that fields of the order stand for.
_CONTRACT, _DEPARTMENT, _SUPPLIER, _COST = "CT", "DP", "IA", "CA"
_RESERVED = frozenset((_CONTRACT, _DEPARTMENT, _SUPPLIER))
_REQUESTED = "002"  # DTM01: delivery requested
_NOTE_LIMIT = 200
_SUMMARY = frozenset(("CTT", "SE"))
_SUPPLIER_ROLES = ("SU", "SE", "VN")


@sets.told_by_place
def purchase_order_from_850(one: TransactionSet, supplier_number: str | None = None) -> PurchaseOrder:
    """Read an order.

    Args:
        supplier_number: when the channel knows it; else REF IA, else the identifier of N1 SU, SE or VN.

    Raises:
        RequiredFieldError, DataTypeError: an element is absent or not of its type; the place says which.
        DocumentError: the parts do not make an order.
    """
    body = sets.cut(one, "PO1", _SUMMARY)
    begin = sets.first(body.heading, "BEG")
    currency = sets.currency(body.heading)
    return sets.build(
        PurchaseOrder,
        order_number=sets.required(begin, 3, "BEG03"),
        supplier_number=supplier_number or _supplier(body),
        ordered_on=sets.day(sets.required(begin, 5, "BEG05"), "BEG05"),
        purpose=sets.required(begin, 1, "BEG01"),
        order_type=sets.required(begin, 2, "BEG02"),
        currency=currency,
        release_number=begin.get(4).strip() or None if begin else None,
        contract_number=sets.value(body.heading, "REF", _CONTRACT) or (begin.get(6).strip() or None if begin else None),
        department=sets.value(body.heading, "REF", _DEPARTMENT),
        needed_by=sets.optional_day(sets.value(body.heading, "DTM", _REQUESTED), "DTM02"),
        parties=read_parties(body.parties),
        references=parts.read_references(unmarked(body.heading, CASE), _RESERVED),
        case_reference=mark(body.heading, CASE),
        charges=parts.read_charges(body.heading, currency),
        terms=parts.read_terms(sets.first(body.heading, "ITD"), currency, None),
        notes=_notes(body.notes),
        lines=tuple(_read_line(line, n, currency) for n, line in enumerate(body.lines, 1)),
    )


def _supplier(body: sets.Body) -> str:
    number = sets.value(body.heading, "REF", _SUPPLIER)
    by_role = {loop[0].get(1): loop[0].get(4).strip() for loop in reversed(body.parties)}
    found = number or next((by_role[role] for role in _SUPPLIER_ROLES if by_role.get(role)), None)
    if not found:
        raise RequiredFieldError("the supplier is not named", where="REF IA", remedy="set it in the channel or partner")
    return found


def _notes(segments: tuple[Segment, ...]) -> tuple[str, ...]:
    texts = (s.get(1).strip() for s in segments)
    return tuple(text[i : i + _NOTE_LIMIT] for text in texts for i in range(0, len(text), _NOTE_LIMIT))


def _read_line(line: tuple[Segment, ...], number: int, currency: str) -> OrderLine:
    head = line[0]
    unit = sets.required(head, 3, f"PO103[{number}]")
    price = sets.decimal(sets.required(head, 4, f"PO104[{number}]"), f"PO104[{number}]")
    item, identifiers = parts.read_item(head)
    if item is None:
        raise RequiredFieldError("no item is named", where=f"PO107[{number}]")
    quantity = sets.decimal(sets.required(head, 2, f"PO102[{number}]"), f"PO102[{number}]")
    return sets.build(
        OrderLine,
        f"PO1[{number}]",
        number=line_number(head.get(1), number),
        item_number=item,
        quantity=Quantity(amount=quantity, unit=unit),
        price=Money(amount=unit_price(price, head.get(5), unit, f"PO105[{number}]"), currency=currency),
        description=parts.read_description(line),
        **parts.read_marks(identifiers),
        cost_center=sets.value(line, "REF", _COST),
        contract_number=sets.value(line, "REF", _CONTRACT),
        needed_by=sets.optional_day(sets.value(line, "DTM", _REQUESTED), f"DTM02[{number}]"),
    )


def line_number(text: str, ordinal: int) -> int:
    """The partner's line number where it is one, else the line's place."""
    return int(text) if text.isascii() and text.isdigit() and int(text) > 0 else ordinal


def purchase_order_to_850(order: PurchaseOrder) -> OutboundSet:
    """Write an order. No patient and no cost of ours is in it beyond what the order's lines carry.

    Raises:
        DataTypeError: a value that X12 cannot hold, e.g. a charge in fractions of a cent; the place says which.
    """
    begin = ("BEG", order.purpose, order.order_type, order.order_number, order.release_number or "")
    segments: list[SegmentValues] = [(*begin, f"{order.ordered_on:%Y%m%d}"), ("CUR", "BY", order.currency)]
    known = ((_SUPPLIER, order.supplier_number), (_CONTRACT, order.contract_number), (_DEPARTMENT, order.department))
    segments += [("REF", qualifier, text) for qualifier, text in known if text]
    segments += write_mark(CASE, order.case_reference)
    segments += [("REF", one.scheme, one.value) for one in order.references]
    segments += parts.write_charges(order.charges)
    segments += parts.write_terms(order.terms)
    if order.needed_by:
        segments.append(("DTM", _REQUESTED, f"{order.needed_by:%Y%m%d}"))
    texts = [sets.free_text(text) for note in order.notes for text in note.splitlines()]
    if any(texts):
        segments.append(("N9", "L1", "NOTES"))
        segments += [("MSG", text) for text in texts if text]
    segments += write_parties(order.parties)
    for index, line in enumerate(order.lines, 1):
        segments += _write_line(line, index)
    segments += [("CTT", str(len(order.lines))), ("AMT", "TT", sets.plain(order.total.amount))]
    return OutboundSet("850", tuple(segments))


def _write_line(line: OrderLine, index: int) -> list[SegmentValues]:
    item = parts.write_item(line.item_number, parts.with_marks(line), f"PO108[{index}]")
    amounts = (sets.plain(line.quantity.amount), line.quantity.unit, sets.plain(line.price.amount), "")
    segments: list[SegmentValues] = [("PO1", str(line.number), *amounts, *item)]
    segments += parts.write_description(line.description, f"PID05[{index}]")
    known = ((_COST, line.cost_center), (_CONTRACT, line.contract_number))
    segments += [("REF", qualifier, text) for qualifier, text in known if text]
    if line.needed_by:
        segments.append(("DTM", _REQUESTED, f"{line.needed_by:%Y%m%d}"))
    return segments
