"""846 to InventoryLevel and back: what lies where, a level for each item and place.

Source: X12 846 in 004010/005010; element 673: 17 on hand (33 available for sale where that is missing), 63 on order.
A place by the supplier's own number (N103 91) is told from ours by the supplier's number before it: `S1001/DC-EAST`.
That a stock is the supplier's until it is used is a mark (see x12_shared.py).
Not in the set: what is reserved, thresholds, safety days and daily use. They are the buyer's; who takes a report in
leaves them as they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, tzinfo
from decimal import Decimal

from engine.canonical import InventoryLevel, Quantity
from engine.core.errors import DocumentError, RequiredFieldError
from engine.mapping import x12_body as sets
from engine.mapping import x12_parts as parts
from engine.mapping import x12_shared as shared
from engine.protocols.x12 import OutboundSet, Segment, SegmentValues, TransactionSet

_ON_HAND, _AVAILABLE, _ON_ORDER = "17", "33", "63"  # QTY01
_AT = "097"  # DTM01: the moment of the report
_PLACE, _FACILITY = "WH", "ST"  # N101
_BY_SUPPLIER = "91"  # N103
_CONSIGNED = "CONSIGNMENT"
_SUPPLIER_ROLES = ("SU", "SE", "VN", "DS")
_ITEM_AT = 2


@sets.told_by_place
def inventory_levels_from_846(
    one: TransactionSet, supplier_number: str | None = None, zone: tzinfo = UTC
) -> tuple[InventoryLevel, ...]:
    """Read a report, a level for each line.

    Args:
        supplier_number: when the channel knows it; else REF IA, else the identifier of N1 SU, SE, VN or DS.
        zone: of moments whose time code says none.

    Raises:
        RequiredFieldError, DataTypeError: an element is absent or not of its type; the place says which.
        DocumentError: the parts do not make a level, or an item is counted twice at one place.
    """
    heading, *lines = shared.split(one.segments, "LIN")
    loops = shared.party_loops(heading)
    supplier = supplier_number or shared.supplier_in(heading, loops, _SUPPLIER_ROLES)
    at = _at(heading, zone)
    levels = tuple(_read_line(line, loops, n, supplier, at) for n, line in enumerate(lines, 1))
    if len({level.natural_key for level in levels}) != len(levels):
        raise DocumentError("an item is counted twice at one place", where="LIN", remedy="ask the supplier which holds")
    return levels


def _at(heading: Sequence[Segment], zone: tzinfo) -> datetime:
    told = sets.first(heading, "DTM", _AT)
    if told is not None:
        return shared.moment(told.get(2).strip(), told.get(3).strip(), told.get(4).strip(), zone, "DTM02")
    begin = sets.first(heading, "BIA")
    return shared.moment(sets.required(begin, 4, "BIA04"), begin.get(5).strip() if begin else "", "", zone, "BIA04")


def _read_line(
    line: list[Segment], heading: Sequence[Sequence[Segment]], number: int, supplier: str, at: datetime
) -> InventoryLevel:
    item, _ = shared.item_from(line[0], _ITEM_AT)
    if item is None:
        raise RequiredFieldError("no item is named", where=f"LIN03[{number}]")
    loops = [*shared.party_loops(line), *heading]
    place, facility = _place(loops, supplier), shared.place_in(loops, _FACILITY)
    if place is None and facility is None:
        raise RequiredFieldError("the place is not named", where=f"N1 {_PLACE}[{number}]")
    on_hand = _quantity(line, _ON_HAND, number) or _quantity(line, _AVAILABLE, number)
    if on_hand is None:
        raise RequiredFieldError("neither what is on hand nor what is available", where=f"QTY01[{number}]")
    on_order = _quantity(line, _ON_ORDER, number)
    if on_order is not None and on_order.unit != on_hand.unit:
        raise DocumentError("on order in another unit than on hand", where=f"QTY03[{number}]")
    return sets.build(
        InventoryLevel,
        f"LIN[{number}]",
        item_number=item,
        location=place or facility,
        on_hand=on_hand,
        as_of=at,
        facility=facility,
        on_order=on_order.amount if on_order else None,
        supplier_number=supplier,
        consignment=shared.mark(line, _CONSIGNED) is not None,
    )


def _place(loops: Sequence[Sequence[Segment]], supplier: str) -> str | None:
    head = next((loop[0] for loop in loops if loop[0].get(1) == _PLACE and loop[0].get(4).strip()), None)
    if head is None:
        return None
    code = head.get(4).strip()
    return f"{supplier}/{code}" if head.get(3).strip() == _BY_SUPPLIER else code


def _quantity(line: Sequence[Segment], qualifier: str, number: int) -> Quantity | None:
    found = sets.first(line, "QTY", qualifier)
    if found is None:
        return None
    amount = sets.decimal(sets.required(found, 2, f"QTY02[{number}]"), f"QTY02[{number}]")
    return Quantity(amount=amount, unit=found.get(3).strip() or "EA")


def inventory_levels_to_846(levels: Sequence[InventoryLevel], report_number: str | None = None) -> OutboundSet:
    """Write a report of one moment and supplier.

    Args:
        report_number: BIA03; without one, the moment in UTC.

    Raises:
        DocumentError: no level, or levels of several moments or suppliers.
        DataTypeError: a value that X12 cannot hold; the place says which.
    """
    about = {(level.as_of, level.supplier_number) for level in levels}
    if len(about) != 1:
        raise DocumentError("a report is of one moment and one supplier", where="as_of")
    ((at, supplier),) = about
    if supplier is None:
        raise RequiredFieldError("the supplier is not named", where="REF IA")
    told = shared.write_moment(_AT, at, "DTM03")
    number = report_number or f"{told[2]}{told[3]}"
    segments: list[SegmentValues] = [("BIA", "00", "SI", number, str(told[2]), str(told[3])), told]
    segments.append(("REF", shared.SUPPLIER, supplier))
    for index, level in enumerate(levels, 1):
        segments += _write_line(level, supplier, index)
    return OutboundSet("846", (*segments, ("CTT", str(len(levels)))))


def _write_line(level: InventoryLevel, supplier: str, index: int) -> list[SegmentValues]:
    item = parts.write_item(level.item_number, (), f"LIN03[{index}]")
    segments: list[SegmentValues] = [("LIN", str(index), *item)]
    segments += shared.write_mark(_CONSIGNED, "Y" if level.consignment else None)
    amounts: tuple[tuple[str, Decimal | None], ...] = ((_ON_HAND, level.on_hand.amount), (_ON_ORDER, level.on_order))
    segments += [
        ("QTY", code, sets.plain(amount), level.on_hand.unit) for code, amount in amounts if amount is not None
    ]
    theirs = level.location.startswith(f"{supplier}/")
    code = level.location.removeprefix(f"{supplier}/") if theirs else level.location
    segments += shared.write_place(_PLACE, code, _BY_SUPPLIER if theirs else "92")
    return [*segments, *shared.write_place(_FACILITY, level.facility)]
