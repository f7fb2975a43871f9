"""Items, references, charges and terms: what orders and invoices write alike."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from engine.canonical import Charge, Identifier, InvoiceLine, Money, OrderLine, Terms
from engine.canonical.identifiers import typed_identifier
from engine.core.errors import DataTypeError, RequiredFieldError
from engine.mapping.x12_body import CENT, cents, decimal, free_text, optional_day, plain, short_text, to_cents
from engine.mapping.x12_codes import BUYER_ITEM, ITEM_NUMBER_FALLBACKS, item_qualifier, item_scheme
from engine.protocols.x12 import Segment, SegmentValues

_DESCRIPTION_WIDTH = 80
_SINGLE_BLANK = re.compile(r"(?<=\S) (?=\S)")
_MARKS = {"LOT": "lot", "SERIAL": "serial"}
_FIRST_PAIR = 6  # PO106 and IT106 begin the pairs of qualifier and number


def read_item(line: Segment) -> tuple[str | None, tuple[Identifier, ...]]:
    """The buyer's item number, or the best other one, and all other numbers."""
    pairs = [(line.get(n).strip(), line.get(n + 1).strip()) for n in range(_FIRST_PAIR, len(line.parts), 2)]
    numbers = {qualifier: number for qualifier, number in reversed(pairs) if qualifier and number}
    item = numbers.get(BUYER_ITEM) or next((numbers[q] for q in ITEM_NUMBER_FALLBACKS if q in numbers), None)
    others = [(q, n) for q, n in pairs if q and n and q != BUYER_ITEM]
    return item, tuple(Identifier(scheme=item_scheme(q), value=n) for q, n in others)


def read_marks(identifiers: Sequence[Identifier]) -> dict[str, Any]:
    """Lot and serial number, for which lines have fields, and the identifiers beside them; of several, the first."""
    first = {one.scheme: one for one in reversed(identifiers) if one.scheme in _MARKS}
    others = tuple(one for one in identifiers if one is not first.get(one.scheme))
    return {field: first[scheme].value for scheme, field in _MARKS.items() if scheme in first} | {"identifiers": others}


def with_marks(line: OrderLine | InvoiceLine) -> tuple[Identifier, ...]:
    """The identifiers of a line, behind its lot and serial number: of several, its own are read again as its own."""
    marks = ((scheme, getattr(line, field)) for scheme, field in _MARKS.items())
    return (*(Identifier(scheme=scheme, value=value) for scheme, value in marks if value), *line.identifiers)


def write_item(item: str | None, identifiers: Sequence[Identifier], where: str) -> list[str]:
    pairs = [BUYER_ITEM, item] if item else []
    for identifier in identifiers:
        typed_identifier(identifier, where)  # what we send is right by its check digit
        pairs += [item_qualifier(identifier.scheme, where), identifier.value]
    return pairs


def read_description(line: Sequence[Segment]) -> str | None:
    return short_text(" ".join(s.get(5).strip() for s in line if s.id == "PID" and s.get(5).strip()))


def write_description(text: str | None, where: str) -> list[SegmentValues]:
    """PID05 holds 80 characters; longer texts are parted at a blank, into as many PID as they need."""
    segments: list[SegmentValues] = []
    rest = free_text(text)
    while len(rest) > _DESCRIPTION_WIDTH:
        at = _parting(rest)
        if at < 1:
            raise DataTypeError("a word of more than 80 characters", where=where)
        segments.append(("PID", "F", "", "", "", rest[:at]))
        rest = rest[at + 1 :]
    return [*segments, ("PID", "F", "", "", "", rest)] if rest else segments


def _parting(text: str) -> int:
    """Where the text is parted: at the last single blank that fits, as a reader joins the parts by one blank; else at
    the last of several, of which only one comes back. -1: nowhere.
    """
    single = max((m.start() for m in _SINGLE_BLANK.finditer(text, 0, _DESCRIPTION_WIDTH + 2)), default=-1)
    return single if single > 0 else text.rfind(" ", 1, _DESCRIPTION_WIDTH + 1)


def read_pack(line: Sequence[Segment], unit: str) -> Decimal | None:
    """How many eaches one `unit` holds, by PO4; None: it does not say, or not of this unit.

    PO401: inner packages, or eaches where there are none; PO403: the unit of what PO402 measures, the package's own
    unless it says EA; PO414: eaches of an inner package.
    """
    pack = next((s for s in line if s.id == "PO4"), None)
    if pack is None or not pack.get(1) or pack.get(3) not in ("", "EA", unit):
        return None
    inner = pack.get(14)
    return decimal(pack.get(1), "PO401") * (decimal(inner, "PO414") if inner else 1)


def read_references(segments: Iterable[Segment], reserved: frozenset[str]) -> tuple[Identifier, ...]:
    """REF segments that no field of the document stands for."""
    found = ((s.get(1).strip(), (s.get(2) or s.get(3)).strip()[:80]) for s in segments if s.id == "REF")
    return tuple(Identifier(scheme=q, value=v) for q, v in found if q and v and q not in reserved)


def read_charges(segments: Iterable[Segment], currency: str) -> tuple[Charge, ...]:
    """SAC of charges and allowances; an allowance is negative. What is for information only (N) has no amount."""
    numbered = enumerate((s for s in segments if s.id == "SAC"), 1)
    return tuple(_read_charge(s, currency, n) for n, s in numbered if s.get(1) in ("A", "C"))


def _read_charge(segment: Segment, currency: str, number: int) -> Charge:
    amount = _charge_amount(segment, number)
    signed = -amount if segment.get(1) == "A" else amount
    code = segment.get(2).strip() or segment.get(4).strip()
    if not code:
        raise RequiredFieldError("must be given", where=f"SAC02[{number}]")
    return Charge(code=code, amount=Money(amount=signed, currency=currency), description=short_text(segment.get(15)))


def _charge_amount(segment: Segment, number: int) -> Decimal:
    """SAC05, two decimals implied; without it, rate SAC08 times quantity SAC10."""
    if segment.get(5):
        return cents(segment.get(5), f"SAC05[{number}]")
    rate, quantity = segment.get(8), segment.get(10)
    if not rate or not quantity:
        raise RequiredFieldError("neither an amount nor a rate with its quantity", where=f"SAC05[{number}]")
    return (decimal(rate, f"SAC08[{number}]") * decimal(quantity, f"SAC10[{number}]")).quantize(CENT)


def write_charges(charges: Sequence[Charge]) -> list[SegmentValues]:
    segments: list[SegmentValues] = []
    for number, charge in enumerate(charges, 1):
        amount = charge.amount.amount
        kind = "A" if amount < 0 else "C"
        code = (charge.code, "", "") if len(charge.code) == 4 else ("", "ZZ", charge.code)
        cent = to_cents(abs(amount), f"SAC05[{number}]")
        segments.append(("SAC", kind, *code, cent, *[""] * 9, free_text(charge.description)))
    return segments


def read_terms(segment: Segment | None, currency: str, basis: date | None) -> Terms | None:
    """ITD; `basis` is the day that net and discount days are counted from, when dates are given instead of days."""
    if segment is None:
        return None
    amount, percent = segment.get(8), segment.get(3)
    terms = Terms(
        net_days=_days(segment, 7, 6, basis),
        discount_percent=decimal(percent, "ITD03") if percent else None,
        discount_days=_days(segment, 5, 4, basis),
        discount_amount=Money(amount=cents(amount, "ITD08"), currency=currency) if amount else None,
        description=short_text(segment.get(12)),
    )
    return terms if terms != Terms() else None


def _days(segment: Segment, days: int, due: int, basis: date | None) -> int | None:
    text = segment.get(days).strip()
    if text:
        number = decimal(text, f"ITD{days:02d}")
        if number != int(number):
            raise DataTypeError("not a whole number of days", where=f"ITD{days:02d}")
        return int(number)
    last = optional_day(segment.get(due), f"ITD{due:02d}")
    return (last - basis) // timedelta(days=1) if last and basis else None


def write_terms(terms: Terms | None) -> list[SegmentValues]:
    """ITD01 01 basic terms, ITD02 3 counted from the invoice's date."""
    if terms is None:
        return []
    percent = plain(terms.discount_percent) if terms.discount_percent is not None else ""
    amount = to_cents(terms.discount_amount.amount, "ITD08") if terms.discount_amount else ""
    net, discount = _number(terms.net_days), _number(terms.discount_days)
    return [("ITD", "01", "3", percent, "", discount, "", net, amount, "", "", "", free_text(terms.description))]


def _number(days: int | None) -> str:
    return "" if days is None else str(days)
