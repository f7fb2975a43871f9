"""What 860 and 865 share: the lines of an order's change.

Source: X12 POC in 004010/005010, element 670. POC03 is the whole new quantity, never the difference.
Not in the sets: `line_kind`; a `price_unit` other than the quantity's unit is refused, as POC has one unit for both.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from engine.canonical import Money, OrderChange, OrderChangeAction, OrderChangeLine, Quantity
from engine.core.errors import DataTypeError
from engine.mapping import x12_body as sets
from engine.mapping import x12_parts as parts
from engine.mapping.x12_850 import line_number
from engine.mapping.x12_codes import unit_price
from engine.mapping.x12_shared import item_from
from engine.protocols.x12 import Segment, SegmentValues

_REQUESTED = "002"  # DTM01: delivery requested
_MUTUAL = "ZZ"  # POC05 where nothing is said of the quantity: POC wants a quantity or a unit
_FIRST_PAIR = 8
_LONGEST_SEQUENCE = 8  # BCH05 and BCA05
_ACTIONS = {
    "AI": OrderChangeAction.ADD,
    "DI": OrderChangeAction.DELETE,
    **dict.fromkeys(("CA", "PQ", "PR", "RQ"), OrderChangeAction.CHANGE),
    **dict.fromkeys(("RZ", "RE"), OrderChangeAction.REPLACE),
    "QI": OrderChangeAction.QUANTITY_INCREASE,
    "QD": OrderChangeAction.QUANTITY_DECREASE,
    "PC": OrderChangeAction.PRICE_CHANGE,
    **dict.fromkeys(("RS", "CT"), OrderChangeAction.RESCHEDULE),
    "NC": OrderChangeAction.NO_CHANGE,
}
_CODES = {action: code for code, action in reversed(_ACTIONS.items())}


def numbering(begin: Segment | None, segment_id: str, day: date) -> tuple[int, str]:
    """The change's place among the order's changes, and its number (07, else 05, else the day).

    A partner that does not count its changes sends them day by day: then the day counts them.
    """
    told = begin.get(5).strip() if begin else ""
    if told and not (told.isascii() and told.isdigit() and int(told) > 0):
        raise DataTypeError("not a number that changes can be counted by", where=f"{segment_id}05")
    number = begin.get(7).strip() if begin else ""
    return int(told) if told else day.toordinal(), number or told or day.isoformat()


def read_lines(body: sets.Body, currency: str) -> tuple[OrderChangeLine, ...]:
    return tuple(_read_line(line, n, currency) for n, line in enumerate(body.lines, 1))


def _read_line(line: tuple[Segment, ...], number: int, currency: str) -> OrderChangeLine:
    head = line[0]
    code = sets.required(head, 2, f"POC02[{number}]")
    if code not in _ACTIONS:
        remedy = "ask the supplier what is to change, and change the order by hand"
        raise DataTypeError("no change of a line that is known here", where=f"POC02[{number}]", remedy=remedy)
    quantity, price = head.get(3).strip(), head.get(6).strip()
    unit = sets.required(head, 5, f"POC05[{number}]") if quantity else head.get(5).strip()
    item, identifiers = item_from(head, _FIRST_PAIR)
    basis = f"POC07[{number}]"
    amount = unit_price(sets.decimal(price, f"POC06[{number}]"), head.get(7), unit, basis) if price else None
    return sets.build(
        OrderChangeLine,
        f"POC[{number}]",
        order_line_number=line_number(head.get(1), number),
        action=_ACTIONS[code],
        code=code,
        quantity=Quantity(amount=sets.decimal(quantity, f"POC03[{number}]"), unit=unit) if quantity else None,
        price=Money(amount=amount, currency=currency) if amount is not None else None,
        item_number=item,
        description=parts.read_description(line),
        identifiers=identifiers,
        needed_by=sets.optional_day(sets.value(line, "DTM", _REQUESTED), f"DTM02[{number}]"),
        reason=sets.value(line, "ACK", "", 1),
    )


def write_begin(change: OrderChange, where: str) -> tuple[str, str]:
    """The change's place and number as 05 and 07 hold them."""
    sequence = str(change.sequence)
    if len(sequence) > _LONGEST_SEQUENCE:
        raise DataTypeError("a count of more than 8 digits", where=f"{where}05")
    return sequence, change.change_number


def write_reason(reason: str | None) -> list[SegmentValues]:
    text = sets.free_text(reason)
    return [("N9", "L1", "REASON"), ("MSG", text)] if text else []


def read_reason(notes: Sequence[Segment]) -> str | None:
    return sets.short_text(" ".join(s.get(1).strip() for s in notes))


def write_lines(change: OrderChange, *, answered: bool) -> list[SegmentValues]:
    """`answered`: with the supplier's reason of each line (ACK), which 860 has no place for."""
    segments: list[SegmentValues] = []
    for index, line in enumerate(change.lines, 1):
        segments += _write_line(line, change.currency, index)
        if answered and line.reason:
            segments.append(("ACK", line.reason))
    return [*segments, ("CTT", str(len(change.lines)))]


def _write_line(line: OrderChangeLine, currency: str, index: int) -> list[SegmentValues]:
    code = line.code or _CODES[line.action]
    if _ACTIONS.get(code) is not line.action:
        raise DataTypeError("the code says another change than the line", where=f"POC02[{index}]")
    if line.price is not None and line.price.currency != currency:
        raise DataTypeError("another currency than the order's", where=f"POC06[{index}]")
    unit = line.quantity.unit if line.quantity else _MUTUAL
    if line.price_unit is not None and line.price_unit != unit:
        raise DataTypeError("a price of another unit than the quantity's", where=f"POC05[{index}]")
    quantity = sets.plain(line.quantity.amount) if line.quantity else ""
    price = sets.plain(line.price.amount) if line.price else ""
    item = parts.write_item(line.item_number, line.identifiers, f"POC08[{index}]")
    segments: list[SegmentValues] = [("POC", str(line.order_line_number), code, quantity, "", unit, price, "", *item)]
    segments += parts.write_description(line.description, f"PID05[{index}]")
    if line.needed_by:
        segments.append(("DTM", _REQUESTED, f"{line.needed_by:%Y%m%d}"))
    return segments
