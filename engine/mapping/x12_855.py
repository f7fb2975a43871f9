"""855 to OrderAcknowledgement and back. Source: X12 855 in 004010/005010, elements 587 (BAK02) and 668 (ACK01).

What comes in place of the ordered item stands in the ACK that says so (IS, from ACK07 on), else in PO1.
"""

from __future__ import annotations

from engine.canonical import AcknowledgedLine, Identifier, LineAction, LineAnswer, Money, OrderAcknowledgement, Quantity
from engine.core.errors import RequiredFieldError
from engine.mapping import x12_body as sets
from engine.mapping import x12_parts as parts
from engine.mapping.x12_850 import line_number
from engine.mapping.x12_codes import unit_price
from engine.mapping.x12_parties import read_parties, write_parties
from engine.mapping.x12_shared import item_from
from engine.protocols.x12 import OutboundSet, Segment, SegmentValues, TransactionSet

_SUPPLIER = "IA"  # REF01
_IN_PLACE, _FIRST_PAIR = "IS", 7  # ACK01; where ACK begins its pairs of qualifier and number
_ACTIONS = (
    dict.fromkeys(("IA", "AA", "AC", "AR"), LineAction.ACCEPTED)
    | dict.fromkeys(("IB", "BP"), LineAction.BACKORDERED)
    | dict.fromkeys(("IC", "IP", "IQ", "DR"), LineAction.CHANGED)
    | {"IS": LineAction.SUBSTITUTED, "ID": LineAction.DELETED, "IR": LineAction.REJECTED}
    | dict.fromkeys((f"R{n}" for n in range(1, 10)), LineAction.REJECTED)
)
# A line without ACK is answered by the order's own acknowledgement type.
_WHOLE = {"RD": LineAction.REJECTED, "RJ": LineAction.REJECTED, "AC": LineAction.CHANGED, "AE": LineAction.CHANGED}
_SUPPLIER_ROLES = ("SE", "SU", "VN")


@sets.told_by_place
def order_acknowledgement_from_855(one: TransactionSet, supplier_number: str | None = None) -> OrderAcknowledgement:
    """Read a supplier's answer to an order.

    Args:
        supplier_number: when the channel knows it; else REF IA, else the identifier of N1 SE, SU or VN.

    Raises:
        RequiredFieldError, DataTypeError: an element is absent or not of its type; the place says which.
        DocumentError: the parts do not make an acknowledgement.
    """
    body = sets.cut(one, "PO1", frozenset(("CTT", "SE")))
    begin = sets.first(body.heading, "BAK")
    currency = sets.currency(body.heading)
    kind = sets.required(begin, 2, "BAK02")
    number = begin.get(8).strip() or None if begin else None
    return sets.build(
        OrderAcknowledgement,
        order_number=sets.required(begin, 3, "BAK03"),
        supplier_number=supplier_number or supplier_of(body, _SUPPLIER_ROLES),
        acknowledged_on=sets.day(sets.required(begin, 4, "BAK04"), "BAK04"),
        acknowledgement_type=kind,
        purpose=sets.required(begin, 1, "BAK01"),
        acknowledgement_number=number,
        currency=currency,
        parties=read_parties(body.parties),
        references=parts.read_references(body.heading, frozenset((_SUPPLIER,))),
        lines=tuple(_read_line(line, n, currency, kind) for n, line in enumerate(_lines(one), 1)),
    )


def supplier_of(body: sets.Body, roles: tuple[str, ...]) -> str:
    """REF IA, else the identifier of the first of these roles that is named."""
    number = sets.value(body.heading, "REF", _SUPPLIER)
    by_role = {loop[0].get(1): loop[0].get(4).strip() for loop in reversed(body.parties)}
    found = number or next((by_role[role] for role in roles if by_role.get(role)), None)
    if not found:
        raise RequiredFieldError("the supplier is not named", where="REF IA", remedy="set it in the channel or partner")
    return found


def _lines(one: TransactionSet) -> list[list[Segment]]:
    """PO1 and what stands below it up to its sub-lines: ACK may follow inner loops."""
    lines: list[list[Segment]] = []
    within = False
    for segment in one.segments:
        if segment.id == "PO1":
            lines.append([])
            within = True
        elif segment.id in ("SLN", "CTT", "SE"):
            within = False
        if within:
            lines[-1].append(segment)
    return lines


def _read_line(line: list[Segment], number: int, currency: str, kind: str) -> AcknowledgedLine:
    head = line[0]
    unit = head.get(3).strip() or "EA"
    quantity = head.get(2).strip()
    price = head.get(4).strip()
    item, identifiers = _item(head, line)
    amount = (
        unit_price(sets.decimal(price, f"PO104[{number}]"), head.get(5), unit, f"PO105[{number}]") if price else None
    )
    answers = tuple(_read_answer(s, unit, number) for s in line if s.id == "ACK")
    return sets.build(
        AcknowledgedLine,
        f"PO1[{number}]",
        order_line_number=line_number(head.get(1), number),
        quantity=Quantity(amount=sets.decimal(quantity, f"PO102[{number}]"), unit=unit) if quantity else None,
        price=Money(amount=amount, currency=currency) if amount is not None else None,
        item_number=item,
        identifiers=identifiers,
        answers=answers or (LineAnswer(action=_WHOLE.get(kind, LineAction.ACCEPTED)),),
    )


def _item(head: Segment, line: list[Segment]) -> tuple[str | None, tuple[Identifier, ...]]:
    in_place = (item_from(s, _FIRST_PAIR) for s in line if s.id == "ACK" and s.get(1) == _IN_PLACE)
    return next((found for found in in_place if found[0] or found[1]), None) or parts.read_item(head)


def _read_answer(segment: Segment, unit: str, number: int) -> LineAnswer:
    code, quantity = sets.required(segment, 1, f"ACK01[{number}]"), segment.get(2).strip()
    amount = sets.decimal(quantity, f"ACK02[{number}]") if quantity else None
    return LineAnswer(
        action=_ACTIONS.get(code, LineAction.OTHER),
        code=code,
        quantity=Quantity(amount=amount, unit=segment.get(3).strip() or unit) if amount is not None else None,
        expected_on=sets.optional_day(segment.get(5).strip(), f"ACK05[{number}]"),
    )


def order_acknowledgement_to_855(acknowledgement: OrderAcknowledgement) -> OutboundSet:
    """Write an answer to an order, as a supplier does.

    Raises:
        DataTypeError: a value that X12 cannot hold; the place says which.
    """
    own = acknowledgement
    begin = ("BAK", own.purpose, own.acknowledgement_type, own.order_number, f"{own.acknowledged_on:%Y%m%d}")
    segments: list[SegmentValues] = [(*begin, "", "", "", own.acknowledgement_number or "")]
    segments += [("CUR", "SE", own.currency), ("REF", _SUPPLIER, own.supplier_number)]
    segments += [("REF", one.scheme, one.value) for one in own.references]
    segments += write_parties(own.parties)
    for index, line in enumerate(own.lines, 1):
        segments += _write_line(line, index)
    segments.append(("CTT", str(len(own.lines))))
    return OutboundSet("855", tuple(segments))


def _write_line(line: AcknowledgedLine, index: int) -> list[SegmentValues]:
    quantity = (sets.plain(line.quantity.amount), line.quantity.unit) if line.quantity else ("", "")
    price = sets.plain(line.price.amount) if line.price else ""
    item = parts.write_item(line.item_number, line.identifiers, f"PO108[{index}]")
    segments: list[SegmentValues] = [("PO1", str(line.order_line_number), *quantity, price, "", *item)]
    for answer in line.answers:
        if answer.code:
            amount = (sets.plain(answer.quantity.amount), answer.quantity.unit) if answer.quantity else ("", "")
            day = ("068", f"{answer.expected_on:%Y%m%d}") if answer.expected_on else ()  # 068: scheduled to ship
            segments.append(("ACK", answer.code, *amount, *day))
    return segments
