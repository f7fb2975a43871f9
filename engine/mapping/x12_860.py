"""860 to the buyer's OrderChange and back.

Source: X12 860 in 004010/005010: BCH05 counts the changes, BCH07 is our number of this one, BCH11 its day.
Not in the set: `accepted`, the lines' `reason`; BCH06, the order's own day, is written as the change's, which is all
that a change knows, and BCH02 as NE. See x12_change.py for the lines.
"""

from __future__ import annotations

from engine.canonical import ChangeBy, OrderChange
from engine.core.errors import DocumentError
from engine.mapping import x12_body as sets
from engine.mapping import x12_change as changes
from engine.mapping.x12_shared import SUMMARY, SUPPLIER, supplier_in
from engine.protocols.x12 import OutboundSet, SegmentValues, TransactionSet

_SUPPLIER_ROLES = ("SU", "SE", "VN")


@sets.told_by_place
def order_change_from_860(one: TransactionSet, supplier_number: str | None = None) -> OrderChange:
    """Read a buyer's change of an order.

    Args:
        supplier_number: when the channel knows it; else REF IA, else the identifier of N1 SU, SE or VN.

    Raises:
        RequiredFieldError, DataTypeError: an element is absent or not of its type; the place says which.
        DocumentError: the parts do not make a change.
    """
    body = sets.cut(one, "POC", SUMMARY)
    begin = sets.first(body.heading, "BCH")
    currency = sets.currency(body.heading)
    ordered_on = sets.day(sets.required(begin, 6, "BCH06"), "BCH06")
    changed_on = sets.optional_day(begin.get(11).strip() if begin else None, "BCH11") or ordered_on
    sequence, number = changes.numbering(begin, "BCH", changed_on)
    return sets.build(
        OrderChange,
        order_number=sets.required(begin, 3, "BCH03"),
        supplier_number=supplier_number or supplier_in(body.heading, body.parties, _SUPPLIER_ROLES),
        change_number=number,
        sequence=sequence,
        changed_on=changed_on,
        changed_by=ChangeBy.BUYER,
        purpose=sets.required(begin, 1, "BCH01"),
        lines=changes.read_lines(body, currency),
        reason=changes.read_reason(body.notes),
        currency=currency,
    )


def order_change_to_860(change: OrderChange) -> OutboundSet:
    """Write our change of an order.

    Raises:
        DocumentError: the change is the supplier's, which 865 says.
        DataTypeError: a value that X12 cannot hold; the place says which.
    """
    if change.changed_by is not ChangeBy.BUYER:
        raise DocumentError("only the buyer's change goes out as 860", where="changed_by")
    day = f"{change.changed_on:%Y%m%d}"
    sequence, number = changes.write_begin(change, "BCH")
    begin = ("BCH", change.purpose, "NE", change.order_number, "", sequence, day, number, "", "", "", day)
    segments: list[SegmentValues] = [begin, ("CUR", "BY", change.currency), ("REF", SUPPLIER, change.supplier_number)]
    segments += changes.write_reason(change.reason)
    segments += changes.write_lines(change, answered=False)
    return OutboundSet("860", tuple(segments))
