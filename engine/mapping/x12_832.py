"""832 to Contract and back: a supplier's catalogue as prices by item, unit, tier, quantity and day.

Source: X12 832 in 004010/005010: CTP02 says what a price is, PBQ one from a quantity on. The group purchasing
organization stands in N1 BG, its contract's number below it; a line's tier is a mark (see x12_shared.py).
Not in the set: members, the tiers' own words, and whether the contract is active. Part of a catalogue is refused: it
would take the place of the whole. So is a price of more than one unit, which partners mean differently.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from engine.canonical import Contract, ContractLine, Identifier, Money, PriceBreak
from engine.core.errors import DataTypeError, DocumentError, RequiredFieldError
from engine.mapping import x12_body as sets
from engine.mapping import x12_parts as parts
from engine.mapping.x12_850 import line_number
from engine.mapping.x12_shared import SUMMARY, SUPPLIER, item_from, mark, own_item, supplier_in, write_mark
from engine.protocols.x12 import OutboundSet, Segment, SegmentValues, TransactionSet

_CONTRACT, _GROUP, _TIER = "CT", "BG", "TIER"
_FROM, _TO = ("007", "092"), ("036", "093")  # DTM01: effective and expiration, of a price or of a contract
_WHOLE = frozenset(("", "00", "05"))  # BCT10
_BREAK, _OURS = "PBQ", "CON"
_PRICES = (_OURS, "NET", "UCP", "CAT", "WHL", "LPR", "RES", "", _BREAK)  # CTP02, the nearest to what is paid first
_SUPPLIER_NUMBERS = ("VENDOR_ITEM", "VENDOR_CATALOG", "VENDOR_PART")
_SUPPLIER_ROLES = ("SE", "SU", "VN", "DS")
_ITEM_AT = 2


@sets.told_by_place
def contract_from_832(one: TransactionSet, supplier_number: str | None = None) -> Contract:
    """Read a whole catalogue.

    Args:
        supplier_number: when the channel knows it; else REF IA, else the identifier of N1 SE, SU, VN or DS.

    Raises:
        RequiredFieldError, DataTypeError: an element is absent or not of its type; the place says which.
        DocumentError: it is a part of a catalogue, or the parts do not make a contract.
    """
    body = sets.cut(one, "LIN", SUMMARY)
    begin = sets.first(body.heading, "BCT")
    if begin is not None and begin.get(10).strip() not in _WHOLE:
        remedy = "ask the supplier for the whole catalogue"
        raise DocumentError("a part of a catalogue would take the place of the whole", where="BCT10", remedy=remedy)
    currency = sets.currency(body.heading)
    group = next((loop for loop in body.parties if loop[0].get(1) == _GROUP), ())
    return sets.build(
        Contract,
        contract_number=sets.value(body.heading, "REF", _CONTRACT) or sets.required(begin, 2, "BCT02"),
        supplier_number=supplier_number or supplier_in(body.heading, body.parties, _SUPPLIER_ROLES),
        name=sets.short_text(begin.get(9)) if begin else None,
        gpo=group[0].get(4).strip() or group[0].get(2).strip() or None if group else None,
        gpo_contract_number=sets.value(group, "REF", _CONTRACT),
        currency=currency,
        lines=tuple(_read_line(line, n, currency) for n, line in enumerate(body.lines, 1)),
        **_read_validity(body.heading, "DTM02"),
    )


def _read_validity(segments: Sequence[Segment], where: str) -> dict[str, object]:
    def day(qualifiers: tuple[str, ...]) -> object:
        told = (sets.value(segments, "DTM", one) for one in qualifiers)
        return sets.optional_day(next((text for text in told if text), None), where)

    return {"valid_from": day(_FROM), "valid_to": day(_TO)}


def _read_line(line: tuple[Segment, ...], number: int, currency: str) -> ContractLine:
    head = line[0]
    _, identifiers = item_from(head, _ITEM_AT)
    theirs = next((one for scheme in _SUPPLIER_NUMBERS for one in identifiers if one.scheme == scheme), None)
    base, breaks = _read_prices([s for s in line if s.id == "CTP"], number, currency)
    return sets.build(
        ContractLine,
        f"LIN[{number}]",
        number=line_number(head.get(1), number),
        unit=sets.required(base, 5, f"CTP05[{number}]"),
        price=_price(base, number, currency),
        item_number=own_item(head, _ITEM_AT),
        supplier_item_number=theirs.value if theirs else None,
        identifiers=tuple(one for one in identifiers if one is not theirs and one.scheme != "BUYER_PART"),
        tier=mark(line, _TIER),
        breaks=breaks,
        description=parts.read_description(line),
        **_read_validity(line, f"DTM02[{number}]"),
    )


def _read_prices(prices: list[Segment], number: int, currency: str) -> tuple[Segment, tuple[PriceBreak, ...]]:
    """The price of one unit, and those from a quantity on."""
    where = f"CTP[{number}]"
    kind = next((code for code in _PRICES if any(s.get(2).strip() == code for s in prices)), None)
    if kind is None:
        raise RequiredFieldError("no price is given", where=where)
    of_one = [s for s in prices if s.get(2).strip() == kind and _from_quantity(s, number) <= 1]
    beyond = [s for s in prices if s.get(2).strip() in (kind, _BREAK) and _from_quantity(s, number) > 1]
    if len(of_one) != 1:
        raise DataTypeError("not one price of one unit", where=where, remedy="agree on one price for each unit and day")
    unit = of_one[0].get(5).strip()
    if any(s.get(5).strip() != unit for s in beyond):
        raise DataTypeError("prices of several units in one line", where=f"CTP05[{number}]")
    breaks = tuple(PriceBreak(minimum=_from_quantity(s, number), price=_price(s, number, currency)) for s in beyond)
    return of_one[0], breaks


def _from_quantity(segment: Segment, number: int) -> Decimal:
    text = segment.get(4).strip()
    return sets.decimal(text, f"CTP04[{number}]") if text else Decimal(1)


def _price(segment: Segment, number: int, currency: str) -> Money:
    where = f"CTP03[{number}]"
    return Money(amount=sets.decimal(sets.required(segment, 3, where), where), currency=currency)


def contract_to_832(contract: Contract) -> OutboundSet:
    """Write a catalogue, as a supplier does.

    Raises:
        DataTypeError: a value that X12 cannot hold; the place says which.
    """
    begin = ("BCT", "PC", "", "", "", "", "", "", "", sets.free_text(contract.name), "00")
    segments: list[SegmentValues] = [begin, ("REF", _CONTRACT, contract.contract_number)]
    segments += [("REF", SUPPLIER, contract.supplier_number), *_write_validity(contract, 1)]
    segments += [("CUR", "SE", contract.currency), *_write_group(contract)]
    for index, line in enumerate(contract.lines, 1):
        segments += _write_line(line, contract.currency, index)
    return OutboundSet("832", (*segments, ("CTT", str(len(contract.lines)))))


def _write_group(contract: Contract) -> list[SegmentValues]:
    if contract.gpo is None:
        if contract.gpo_contract_number is not None:
            raise DataTypeError("a group's contract without the group", where="N104")
        return []
    number = contract.gpo_contract_number
    return [("N1", _GROUP, "", "92", contract.gpo), *([("REF", _CONTRACT, number)] if number else [])]


def _write_validity(one: Contract | ContractLine, kind: int) -> list[SegmentValues]:
    days = ((_FROM[kind], one.valid_from), (_TO[kind], one.valid_to))
    return [("DTM", qualifier, f"{day:%Y%m%d}") for qualifier, day in days if day]


def _write_line(line: ContractLine, currency: str, index: int) -> list[SegmentValues]:
    number = line.supplier_item_number
    theirs = [Identifier(scheme=_SUPPLIER_NUMBERS[0], value=number)] if number else []
    item = parts.write_item(line.item_number, [*theirs, *line.identifiers], f"LIN03[{index}]")
    if not item:
        raise RequiredFieldError("no item is named", where=f"LIN03[{index}]")
    segments: list[SegmentValues] = [("LIN", str(line.number), *item), *_write_validity(line, 0)]
    segments += write_mark(_TIER, line.tier)
    segments += parts.write_description(line.description, f"PID05[{index}]")
    if any(one.currency != currency for one in (line.price, *(step.price for step in line.breaks))):
        raise DataTypeError("another currency than the contract's", where=f"CTP03[{index}]")
    segments.append(("CTP", "", _OURS, sets.plain(line.price.amount), "1", line.unit))
    for step in line.breaks:
        if step.minimum <= 1:
            raise DataTypeError("a price from one unit on is the price itself", where=f"CTP04[{index}]")
        segments.append(("CTP", "", _BREAK, sets.plain(step.price.amount), sets.plain(step.minimum), line.unit))
    return segments
