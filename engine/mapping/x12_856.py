"""856 to ShipmentNotice and back: levels of shipment, order, package and item become lines that name them.

Source: X12 856 in 004010/005010; GS1 Healthcare US, order-to-cash guidance.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import groupby

from engine.canonical import Identifier, Quantity, ShipmentNotice, ShippedLine
from engine.core.errors import DocumentError, RequiredFieldError
from engine.mapping import x12_body as sets
from engine.mapping import x12_parts as parts
from engine.mapping.x12_parties import read_parties, write_parties
from engine.protocols.x12 import OutboundSet, Segment, SegmentValues, TransactionSet

_SHIPPED, _EXPECTED, _EXPIRES = "011", "017", "036"  # DTM01
_BILL, _TRACKING = "BM", "CN"  # REF01
_SUPPLIER_ROLES = ("SF", "SU", "SE", "VN")
_FIRST_PAIR = 2  # LIN02 begins the pairs of qualifier and number
_AS_IN_PO1 = 4  # what stands before PO106 and not before LIN02


@dataclass
class _Level:
    """HL and what stands below it; `above` is None for the first."""

    above: _Level | None
    segments: list[Segment] = field(default_factory=list)

    def nearest(self, segment_id: str, qualifier: str = "", element: int = 2) -> str | None:
        """The element's text at this level, else at the next above that has it."""
        level: _Level | None = self
        while level is not None:
            if found := sets.value(level.segments, segment_id, qualifier, element):
                return found
            level = level.above
        return None


@sets.told_by_place
def shipment_notice_from_856(one: TransactionSet, supplier_number: str | None = None) -> ShipmentNotice:
    """Read a shipment notice. Every level with SN1 is a line.

    Args:
        supplier_number: when the channel knows it; else the identifier of N1 SF, SU, SE or VN.

    Raises:
        RequiredFieldError, DataTypeError: an element is absent or not of its type; the place says which.
        DocumentError: the parts do not make a notice, or a level names none that stands before it.
    """
    heading, levels = _levels(one)
    begin = sets.first(heading, "BSN")
    top = levels[0] if levels else _Level(None)
    lines = [level for level in levels if sets.first(level.segments, "SN1")]
    days = [*heading, *top.segments]
    loops = _party_loops(top.segments)
    carrier = sets.first(top.segments, "TD5")
    return sets.build(
        ShipmentNotice,
        shipment_number=sets.required(begin, 2, "BSN02"),
        supplier_number=supplier_number or _supplier(loops),
        noticed_on=sets.day(sets.required(begin, 3, "BSN03"), "BSN03"),
        purpose=sets.required(begin, 1, "BSN01"),
        shipped_on=sets.optional_day(sets.value(days, "DTM", _SHIPPED), "DTM02"),
        expected_on=sets.optional_day(sets.value(days, "DTM", _EXPECTED), "DTM02"),
        carrier=carrier.get(3).strip() or None if carrier else None,
        bill_of_lading=sets.value(top.segments, "REF", _BILL),
        tracking_number=sets.value(top.segments, "REF", _TRACKING),
        parties=read_parties(loops),
        lines=tuple(_read_line(level, n) for n, level in enumerate(lines, 1)),
    )


def _levels(one: TransactionSet) -> tuple[list[Segment], list[_Level]]:
    heading: list[Segment] = []
    levels: dict[str, _Level] = {}
    current = heading
    for segment in one.segments:
        if segment.id == "HL":
            parent = segment.get(2).strip()
            if parent and parent not in levels:
                raise DocumentError("names no level that stands before it", where=f"HL02[{len(levels) + 1}]")
            level = _Level(levels.get(parent))
            levels[segment.get(1).strip()] = level
            current = level.segments
        elif segment.id not in ("CTT", "SE"):
            current.append(segment)
    return heading, list(levels.values())


def _party_loops(segments: list[Segment]) -> list[list[Segment]]:
    loops: list[list[Segment]] = []
    for segment in segments:
        if segment.id == "N1":
            loops.append([segment])
        elif loops and segment.id in ("N2", "N3", "N4"):
            loops[-1].append(segment)
    return loops


def _supplier(loops: list[list[Segment]]) -> str:
    by_role = {loop[0].get(1): loop[0].get(4).strip() for loop in reversed(loops)}
    found = next((by_role[role] for role in _SUPPLIER_ROLES if by_role.get(role)), None)
    if not found:
        raise RequiredFieldError("the supplier is not named", where="N1 SF", remedy="set it in the channel or partner")
    return found


def _read_line(level: _Level, number: int) -> ShippedLine:
    shipped = sets.first(level.segments, "SN1")
    item = sets.first(level.segments, "LIN")
    shifted = Segment("PO1", ["PO1", *[""] * (_AS_IN_PO1 + 1), *item.parts[_FIRST_PAIR:]]) if item else None
    name, identifiers = parts.read_item(shifted) if shifted else (None, ())
    apart = {one.scheme: one.value for one in identifiers if one.scheme in ("LOT", "SERIAL")}
    line = (item.get(1) if item else "").strip() or (shipped.get(1).strip() if shipped else "")
    return sets.build(
        ShippedLine,
        f"SN1[{number}]",
        quantity=Quantity(
            amount=sets.decimal(sets.required(shipped, 2, f"SN102[{number}]"), f"SN102[{number}]"),
            unit=sets.required(shipped, 3, f"SN103[{number}]"),
        ),
        order_number=level.nearest("PRF", element=1),
        order_line_number=int(line) if line.isascii() and line.isdigit() and int(line) > 0 else None,
        item_number=name,
        identifiers=tuple(one for one in identifiers if one.scheme not in apart),
        lot=apart.get("LOT"),
        serial=apart.get("SERIAL"),
        expires_on=sets.optional_day(sets.value(level.segments, "DTM", _EXPIRES), f"DTM02[{number}]"),
        package=level.nearest("MAN"),
    )


def shipment_notice_to_856(notice: ShipmentNotice) -> OutboundSet:
    """Write a notice: one shipment, its orders, their packages, the items; packages only where lines name one.

    Raises:
        DataTypeError: a value that X12 cannot hold; the place says which.
    """
    structure = "0001" if any(line.package for line in notice.lines) else "0004"  # S-O-P-I, S-O-I
    begin = ("BSN", notice.purpose, notice.shipment_number, f"{notice.noticed_on:%Y%m%d}", "0000", structure)
    writer = _Writer([begin])
    top = writer.level("", "S")
    if notice.carrier:
        writer.add("TD5", "", "2", notice.carrier)
    writer.known("REF", ((_BILL, notice.bill_of_lading), (_TRACKING, notice.tracking_number)))
    days = ((_SHIPPED, notice.shipped_on), (_EXPECTED, notice.expected_on))
    writer.known("DTM", ((code, f"{day:%Y%m%d}" if day else None) for code, day in days))
    writer.segments += write_parties(notice.parties)
    number = 0
    for order, of_order in groupby(notice.lines, key=lambda line: line.order_number):
        above = writer.level(top, "O") if order else top
        if order:
            writer.add("PRF", order)
        for package, lines in groupby(of_order, key=lambda line: line.package):
            holder = writer.level(above, "P") if package else above
            if package:
                writer.add("MAN", "GM", package)
            for line in lines:
                number += 1
                _write_line(writer, holder, line, number)
    return OutboundSet("856", (*writer.segments, ("CTT", str(writer.levels))))


class _Writer:
    """Segments and the number of the last level."""

    def __init__(self, segments: list[SegmentValues]) -> None:
        self.segments = segments
        self.levels = 0

    def add(self, *values: str) -> None:
        self.segments.append(values)

    def level(self, above: str, kind: str) -> str:
        self.levels += 1
        self.add("HL", str(self.levels), above, kind)
        return str(self.levels)

    def known(self, segment_id: str, values: Iterable[tuple[str, str | None]]) -> None:
        for qualifier, text in values:
            if text:
                self.add(segment_id, qualifier, text)


def _write_line(writer: _Writer, above: str, line: ShippedLine, number: int) -> None:
    writer.level(above, "I")
    apart = [Identifier(scheme=s, value=v) for s, v in (("LOT", line.lot), ("SERIAL", line.serial)) if v]
    item = parts.write_item(line.item_number, [*line.identifiers, *apart], f"LIN03[{number}]")
    own = str(line.order_line_number) if line.order_line_number else ""
    if item:
        writer.add("LIN", own, *item)
    writer.add("SN1", own, sets.plain(line.quantity.amount), line.quantity.unit)
    if line.expires_on:
        writer.add("DTM", _EXPIRES, f"{line.expires_on:%Y%m%d}")
