"""867 to Consumption and back: what a distributor or a supplier's representative reports as used.

Source: X12 867 in 004010/005010: BPT02 is the report's number, BPT01 01 takes it back, DTM 472 is when it was used;
each QTY with its LIN is a line, a negative one what came back. What became of a line, and whether it is the supplier's
stock, ordered to be billed, or replaced, are marks (see x12_shared.py).
Not in the set, for they say something of a patient or of our own books: visit, account, case, department, procedure
day, charge code, who documented it, the sheet, and the UDI as it is on the label (its identifier, lot, serial and
expiry are in the set). All lines are of the one supplier whose report it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, tzinfo
from itertools import groupby

from engine.canonical import Consumption, ConsumptionLine, Disposition, Identifier, Money, Quantity
from engine.canonical.identifiers import identifier_fault
from engine.core.errors import DataTypeError, DocumentError, RequiredFieldError
from engine.mapping import x12_body as sets
from engine.mapping import x12_parts as parts
from engine.mapping import x12_shared as shared
from engine.mapping.x12_850 import line_number
from engine.protocols.x12 import OutboundSet, Segment, SegmentValues, TransactionSet

_USED, _EXPIRES = "472", "036"  # DTM01
_TRANSACTION, _COST = "TN", "CA"  # REF01
_EXTENDED = "1"  # AMT01: the line's total
_PLACE, _FACILITY = "WH", "ST"  # N101
_SOLD = "32"  # QTY01
_OTHER_NUMBER = "ZZ"  # LIN: a device identifier that is no GTIN
_BECAME, _FLAGS = "DISPOSITION", ("bill_only", "consignment", "replenish")
_GTIN_DIGITS = 14
_GTINS = ("GTIN", "UPC", "EAN", _OTHER_NUMBER)
_SUPPLIER_ROLES = ("DS", "SU", "SE", "VN")
_CANCELLED = "01"
_ITEM_AT = 2


@sets.told_by_place
def consumption_from_867(
    one: TransactionSet, supplier_number: str | None = None, zone: tzinfo | None = None
) -> Consumption:
    """Read a report of use.

    Args:
        supplier_number: when the channel knows it; else REF IA, else the identifier of N1 DS, SU, SE or VN.
        zone: of moments whose time code says none; None leaves them without one.

    Raises:
        RequiredFieldError, DataTypeError: an element is absent or not of its type; the place says which.
        DocumentError: the parts do not make a report of use.
    """
    heading, *transfers = shared.split(one.segments, "PTD")
    begin, loops = sets.first(heading, "BPT"), shared.party_loops(heading)
    supplier = supplier_number or shared.supplier_in(heading, loops, _SUPPLIER_ROLES)
    currency = sets.currency(heading)
    lines: list[ConsumptionLine] = []
    for transfer in transfers:
        above, *quantities = shared.split(transfer, "QTY")
        place = shared.place_in(shared.party_loops(above), _PLACE)
        for quantity in quantities:
            lines.append(_read_line(quantity, len(lines) + 1, currency, supplier, place))
    return sets.build(
        Consumption,
        consumption_number=sets.required(begin, 2, "BPT02"),
        used_at=_used_at(heading, begin, zone),
        lines=tuple(lines),
        facility=shared.place_in(loops, _FACILITY),
        location=shared.place_in(loops, _PLACE),
        cancelled=sets.required(begin, 1, "BPT01") == _CANCELLED,
    )


def _used_at(heading: Sequence[Segment], begin: Segment | None, zone: tzinfo | None) -> datetime:
    told = sets.first(heading, "DTM", _USED)
    if told is not None:
        return shared.moment(told.get(2).strip(), told.get(3).strip(), told.get(4).strip(), zone, "DTM02")
    return shared.moment(sets.required(begin, 3, "BPT03"), begin.get(8).strip() if begin else "", "", zone, "BPT03")


def _read_line(line: list[Segment], number: int, currency: str, supplier: str, place: str | None) -> ConsumptionLine:
    item = sets.first(line, "LIN")
    name, identifiers = shared.item_from(item, _ITEM_AT) if item else (None, ())
    if name is None:
        raise RequiredFieldError("no item is named", where=f"LIN03[{number}]")
    apart = {one.scheme: one.value for one in reversed(identifiers)}
    became = shared.mark(line, _BECAME)
    if became is not None and became.lower() not in set(Disposition):
        raise DataTypeError("nothing that is known here became of it", where=f"REF02[{number}]")
    return sets.build(
        ConsumptionLine,
        f"QTY[{number}]",
        number=line_number(item.get(1) if item else "", number),
        quantity=Quantity(
            amount=sets.decimal(sets.required(line[0], 2, f"QTY02[{number}]"), f"QTY02[{number}]"),
            unit=line[0].get(3).strip() or "EA",
        ),
        transaction_id=sets.value(line, "REF", _TRANSACTION),
        item_number=name,
        description=parts.read_description(line),
        unit_cost=_money(line, "UIT", "", currency, f"UIT02[{number}]"),
        extended=_money(line, "AMT", _EXTENDED, currency, f"AMT02[{number}]"),
        cost_center=sets.value(line, "REF", _COST),
        lot=apart.get("LOT"),
        serial=apart.get("SERIAL"),
        expires_on=sets.optional_day(sets.value(line, "DTM", _EXPIRES), f"DTM02[{number}]"),
        device_identifier=next((apart[scheme] for scheme in _GTINS if scheme in apart), None),
        disposition=Disposition(became.lower()) if became else Disposition.USED,
        supplier_number=supplier,
        location=place,
        **{flag: shared.mark(line, flag.upper()) is not None for flag in _FLAGS},
    )


def _money(line: Sequence[Segment], segment_id: str, qualifier: str, currency: str, where: str) -> Money | None:
    text = sets.value(line, segment_id, qualifier)
    return Money(amount=sets.decimal(text, where), currency=currency) if text else None


def consumption_to_867(used: Consumption) -> OutboundSet:
    """Write a report of use: no patient, no visit and no case is in it.

    Raises:
        DocumentError: lines of several suppliers, or amounts in several currencies.
        DataTypeError: a value that X12 cannot hold; the place says which.
    """
    supplier = supplier_of(used)
    moneys = {one.currency for line in used.lines for one in (line.unit_cost, line.extended) if one}
    if len(moneys) > 1:
        raise DocumentError("amounts in several currencies", where="CUR02")
    at = shared.write_moment(_USED, used.used_at, "DTM03")
    begin = ("BPT", _CANCELLED if used.cancelled else "00", used.consumption_number, str(at[2]), "02")
    segments: list[SegmentValues] = [begin, *(("CUR", "SE", one) for one in moneys), at]
    segments.append(("REF", shared.SUPPLIER, supplier))
    segments += [*shared.write_place(_FACILITY, used.facility), *shared.write_place(_PLACE, used.location)]
    number = 0
    for place, lines in groupby(used.lines, key=lambda line: line.location):
        segments += [("PTD", "SS"), *shared.write_place(_PLACE, place)]
        for line in lines:
            number += 1
            segments += _write_line(line, number)
    return OutboundSet("867", (*segments, ("CTT", str(len(used.lines)))))


def supplier_of(used: Consumption) -> str:
    """The one supplier of all lines. Raises DocumentError: there are several, or one is not named."""
    suppliers = {line.supplier_number for line in used.lines}
    supplier = suppliers.pop() if len(suppliers) == 1 else None
    if supplier is None:
        raise DocumentError("a report of use is of one supplier, named in each line", where="supplier_number")
    return supplier


def _write_line(line: ConsumptionLine, index: int) -> list[SegmentValues]:
    unit = line.quantity.unit
    item = parts.write_item(line.item_number, _numbers(line), f"LIN03[{index}]")
    if line.item_number is None:
        raise RequiredFieldError("no item is named", where=f"LIN03[{index}]")
    segments: list[SegmentValues] = [("QTY", _SOLD, sets.plain(line.quantity.amount), unit)]
    segments.append(("LIN", str(line.number), *item))
    if line.unit_cost:
        segments.append(("UIT", unit, sets.plain(line.unit_cost.amount)))
    if line.extended:
        segments.append(("AMT", _EXTENDED, sets.plain(line.extended.amount)))
    segments += parts.write_description(line.description, f"PID05[{index}]")
    known = ((_TRANSACTION, line.transaction_id), (_COST, line.cost_center))
    segments += [("REF", qualifier, text) for qualifier, text in known if text]
    became = line.disposition.upper() if line.disposition is not Disposition.USED else None
    segments += shared.write_mark(_BECAME, became)
    for flag in _FLAGS:
        segments += shared.write_mark(flag.upper(), "Y" if getattr(line, flag) else None)
    if line.expires_on:
        segments.append(("DTM", _EXPIRES, f"{line.expires_on:%Y%m%d}"))
    return segments


def _numbers(line: ConsumptionLine) -> list[Identifier]:
    device = line.device_identifier
    known = [("LOT", line.lot), ("SERIAL", line.serial), (_device_scheme(device), device)]
    return [Identifier(scheme=scheme, value=value) for scheme, value in known if value]


def _device_scheme(device: str | None) -> str:
    """A GTIN where it is one by its check digit; HIBCC and ICCBBA have no qualifier of their own."""
    if device is None or len(device) != _GTIN_DIGITS:
        return _OTHER_NUMBER
    return _OTHER_NUMBER if identifier_fault(Identifier(scheme="GTIN", value=device)) else "GTIN"
