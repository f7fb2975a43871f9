"""865 to OrderChange and back: the supplier's own wish, or its answer to a change of ours.

Source: X12 865 in 004010/005010, element 587. Without BCA02, or with AC (with detail and change), the supplier wants
the order changed, and we have not said anything to it: `changed_by` supplier, `accepted` None. Every other BCA02
answers our change of BCA07, or of BCA05 where the partner does not repeat our number.
Not in the set: what we said to a supplier's wish, for which there is no set; BCA06, the order's own day, is written as
the change's. See x12_change.py for the lines.
"""

from __future__ import annotations

from engine.canonical import ChangeBy, OrderChange
from engine.core.errors import DataTypeError, DocumentError
from engine.mapping import x12_body as sets
from engine.mapping import x12_change as changes
from engine.mapping.x12_shared import SUMMARY, SUPPLIER, supplier_in
from engine.protocols.x12 import OutboundSet, SegmentValues, TransactionSet

_SUPPLIER_ROLES = ("SE", "SU", "VN")
_WISHES = frozenset(("", "AC"))
_ANSWERS = dict.fromkeys(("AD", "AK", "AT"), True) | dict.fromkeys(("RD", "RJ", "RF"), False)


@sets.told_by_place
def order_change_from_865(one: TransactionSet, supplier_number: str | None = None) -> OrderChange:
    """Read what a supplier says of an order's change.

    Args:
        supplier_number: when the channel knows it; else REF IA, else the identifier of N1 SE, SU or VN.

    Raises:
        RequiredFieldError, DataTypeError: an element is absent or not of its type; the place says which.
        DocumentError: the parts do not make a change.
    """
    body = sets.cut(one, "POC", SUMMARY)
    begin = sets.first(body.heading, "BCA")
    currency = sets.currency(body.heading)
    ordered_on = sets.day(sets.required(begin, 6, "BCA06"), "BCA06")
    changed_on = sets.optional_day(begin.get(11).strip() if begin else None, "BCA11") or ordered_on
    sequence, number = changes.numbering(begin, "BCA", changed_on)
    told = begin.get(2).strip() if begin else ""
    if told not in _WISHES and told not in _ANSWERS:
        raise DataTypeError("no answer to a change that is known here", where="BCA02", remedy="ask the supplier")
    return sets.build(
        OrderChange,
        order_number=sets.required(begin, 3, "BCA03"),
        supplier_number=supplier_number or supplier_in(body.heading, body.parties, _SUPPLIER_ROLES),
        change_number=number,
        sequence=sequence,
        changed_on=changed_on,
        changed_by=ChangeBy.SUPPLIER if told in _WISHES else ChangeBy.BUYER,
        purpose=sets.required(begin, 1, "BCA01"),
        lines=changes.read_lines(body, currency),
        accepted=_ANSWERS.get(told),
        reason=changes.read_reason(body.notes),
        currency=currency,
    )


def order_change_to_865(change: OrderChange) -> OutboundSet:
    """Write a supplier's wish, or its answer to the buyer's change.

    Raises:
        DocumentError: a wish that was answered, or a buyer's change without an answer.
        DataTypeError: a value that X12 cannot hold; the place says which.
    """
    if (change.changed_by is ChangeBy.SUPPLIER) is not (change.accepted is None):
        raise DocumentError("865 is a supplier's wish, or its answer to a buyer's change", where="accepted")
    day = f"{change.changed_on:%Y%m%d}"
    told = "" if change.accepted is None else "AD" if change.accepted else "RD"
    sequence, number = changes.write_begin(change, "BCA")
    begin = ("BCA", change.purpose, told, change.order_number, "", sequence, day, number, "", "", "", day)
    segments: list[SegmentValues] = [begin, ("CUR", "SE", change.currency), ("REF", SUPPLIER, change.supplier_number)]
    segments += changes.write_reason(change.reason)
    segments += changes.write_lines(change, answered=True)
    return OutboundSet("865", tuple(segments))
