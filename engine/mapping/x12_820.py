"""820 to Remittance and back. Bank accounts (BPR07, BPR09 …) are neither read nor written: a remittance says what is
paid, and the bank's own file moves the money. Source: X12 820 in 004010/005010.
"""

from __future__ import annotations

from engine.canonical import Adjustment, Identifier, Money, Remittance, RemittanceLine
from engine.core.errors import RequiredFieldError
from engine.mapping import x12_body as sets
from engine.mapping.x12_parties import read_parties, write_parties
from engine.protocols.x12 import OutboundSet, Segment, SegmentValues, TransactionSet

_SUPPLIER = "IA"  # REF01
_PAYEE = "PE"  # N101
_DATED = "003"  # DTM01: the invoice's date
_INFORMATION = "I"  # BPR01: remittance information only
_PARTY_MEMBERS = frozenset(("N2", "N3", "N4"))


@sets.told_by_place
def remittance_from_820(one: TransactionSet, supplier_number: str | None = None) -> Remittance:
    """Read a remittance.

    Args:
        supplier_number: when the channel knows it; else REF IA, else the identifier of N1 PE.

    Raises:
        RequiredFieldError, DataTypeError: an element is absent or not of its type; the place says which.
        DocumentError: the parts do not make a remittance.
    """
    heading, loops, details = _cut(one)
    begin, trace = sets.first(heading, "BPR"), sets.first(heading, "TRN")
    currency = sets.currency(heading)
    amount = sets.decimal(sets.required(begin, 2, "BPR02"), "BPR02")
    signed = -amount if begin and begin.get(3) == "D" else amount
    own, lines = _details(details, currency)
    return sets.build(
        Remittance,
        remittance_number=sets.required(trace, 2, "TRN02"),
        supplier_number=supplier_number or _supplier(heading, loops),
        paid_on=sets.day(sets.required(begin, 16, "BPR16"), "BPR16"),
        amount=Money(amount=signed, currency=currency),
        method=sets.required(begin, 4, "BPR04"),
        parties=read_parties(loops),
        adjustments=own,
        lines=lines,
    )


def _cut(one: TransactionSet) -> tuple[list[Segment], list[list[Segment]], list[Segment]]:
    """Heading without its N1 loops, those loops, and all from the first ENT, RMR or ADX on."""
    heading: list[Segment] = []
    loops: list[list[Segment]] = []
    for index, segment in enumerate(one.segments):
        if segment.id in ("ENT", "RMR", "ADX"):
            return heading, loops, list(one.segments[index:])
        if segment.id == "N1":
            loops.append([segment])
        elif loops and segment.id in _PARTY_MEMBERS:
            loops[-1].append(segment)
        elif not loops:
            heading.append(segment)
    return heading, loops, []


def _supplier(heading: list[Segment], loops: list[list[Segment]]) -> str:
    payee = next((loop[0].get(4).strip() for loop in loops if loop[0].get(1) == _PAYEE), None)
    found = sets.value(heading, "REF", _SUPPLIER) or payee
    if not found:
        raise RequiredFieldError("the supplier is not named", where="N1 PE", remedy="set it in the channel or partner")
    return found


def _details(segments: list[Segment], currency: str) -> tuple[tuple[Adjustment, ...], tuple[RemittanceLine, ...]]:
    """The payment's own adjustments, and the lines with theirs."""
    own: list[Adjustment] = []
    lines: list[list[Segment]] = []
    for segment in segments:
        match segment.id:
            case "RMR":
                lines.append([segment])
            case "ENT":
                lines.append([])
            case "ADX" if not lines or not lines[-1]:
                own.append(_adjustment(segment, currency))
            case _ if lines and lines[-1]:
                lines[-1].append(segment)
    taken = enumerate((line for line in lines if line), 1)
    return tuple(own), tuple(_read_line(line, n, currency) for n, line in taken)


def _adjustment(segment: Segment, currency: str) -> Adjustment:
    scheme, value = segment.get(3).strip(), segment.get(4).strip()
    amount = sets.decimal(sets.required(segment, 1, "ADX01"), "ADX01")
    return Adjustment(
        amount=Money(amount=amount, currency=currency),
        reason=sets.required(segment, 2, "ADX02"),
        reference=Identifier(scheme=scheme, value=value) if scheme and value else None,
    )


def _read_line(line: list[Segment], number: int, currency: str) -> RemittanceLine:
    head = line[0]

    def money(element: int) -> Money | None:
        text = head.get(element).strip()
        amount = sets.decimal(text, f"RMR{element:02d}[{number}]") if text else None
        return Money(amount=amount, currency=currency) if amount is not None else None

    return sets.build(
        RemittanceLine,
        f"RMR[{number}]",
        scheme=sets.required(head, 1, f"RMR01[{number}]"),
        number=sets.required(head, 2, f"RMR02[{number}]"),
        paid=money(4) or _missing(f"RMR04[{number}]"),
        invoiced=money(5),
        discount=money(6),
        dated_on=sets.optional_day(sets.value(line, "DTM", _DATED), f"DTM02[{number}]"),
        adjustments=tuple(_adjustment(s, currency) for s in line if s.id == "ADX"),
    )


def _missing(where: str) -> Money:
    raise RequiredFieldError("must be given", where=where)


def remittance_to_820(remittance: Remittance) -> OutboundSet:
    """Write a remittance, for information only (BPR01 I): it orders no bank to pay.

    Raises:
        DataTypeError: a value that X12 cannot hold; the place says which.
    """
    own = remittance
    side = "D" if own.amount.amount < 0 else "C"
    begin = ("BPR", _INFORMATION, sets.plain(abs(own.amount.amount)), side, own.method, *[""] * 11)
    segments: list[SegmentValues] = [(*begin, f"{own.paid_on:%Y%m%d}"), ("TRN", "1", own.remittance_number)]
    segments += [("CUR", "PR", own.amount.currency), ("REF", _SUPPLIER, own.supplier_number)]
    segments += write_parties(own.parties)
    segments.append(("ENT", "1"))
    segments += [_write_adjustment(one) for one in own.adjustments]
    for line in own.lines:
        amounts = (_plain(line.paid), _plain(line.invoiced), _plain(line.discount))
        segments.append(("RMR", line.scheme, line.number, "", *amounts))
        if line.dated_on:
            segments.append(("DTM", _DATED, f"{line.dated_on:%Y%m%d}"))
        segments += [_write_adjustment(one) for one in line.adjustments]
    return OutboundSet("820", tuple(segments))


def _plain(money: Money | None) -> str:
    return sets.plain(money.amount) if money else ""


def _write_adjustment(one: Adjustment) -> SegmentValues:
    reference = (one.reference.scheme, one.reference.value) if one.reference else ()
    return ("ADX", sets.plain(one.amount.amount), one.reason, *reference)
