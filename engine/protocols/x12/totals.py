"""CTT: the number of lines and the hash total that a set claims, against what it holds.

Source: the notes to CTT in X12's set tables; element 347 says how a hash total is made: digits alone are summed,
without point or sign, and truncated on the left. Many partners sum the quantities as numbers: both are taken.
867 counts by no rule that its guides share, so its totals are not compared.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal, InvalidOperation

from engine.protocols.x12.segments import Segment, TransactionSet

# By set: the segment that CTT01 counts, then the one and its element that CTT02 sums.
_SUMS = {
    "810": ("IT1", "IT1", 2),
    "832": ("LIN", "", 0),
    "846": ("LIN", "QTY", 2),
    "850": ("PO1", "PO1", 2),
    "855": ("PO1", "PO1", 2),
    "856": ("HL", "SN1", 2),
    "860": ("POC", "POC", 3),
    "865": ("POC", "POC", 3),
}
_HASH_DIGITS = 10
_HASH_LIMIT = 10_000_000_000
_LAST = 8  # CTT and the amounts below it end a set

Fault = tuple[int, int, str]  # position in the set, element, words


def total_faults(one: TransactionSet) -> Iterator[Fault]:
    """Faults of CTT01 and CTT02. What is no number is left to the check of elements."""
    rule = _SUMS.get(one.code)
    summary = next((s for s in reversed(one.segments[-_LAST:]) if s.id == "CTT"), None)
    if rule is None or summary is None:
        return
    counted, summed, element = rule
    position = sum(1 for s in one.segments[: one.segments.index(summary)] if s.id) + 1
    count = summary.get(1)
    if count.isascii() and count.isdigit() and int(count) != sum(1 for s in one.segments if s.id == counted):
        yield position, 1, f"not the number of {counted} segments present"
    if summary.get(2) and summed and not _is_hash(summary.get(2), [s for s in one.segments if s.id == summed], element):
        yield position, 2, f"not the hash total of {summed}{element:02d}"


def _is_hash(claimed: str, segments: list[Segment], element: int) -> bool:
    texts = [text for s in segments if (text := s.get(element))]
    try:
        quantities = [Decimal(text) for text in texts]
        if any(q.adjusted() > _HASH_DIGITS for q in quantities) or Decimal(claimed).adjusted() > _HASH_DIGITS:
            return False
        if Decimal(claimed) in (sum(quantities), sum(map(abs, quantities))):
            return True
        digits = sum(int("".join(c for c in text if c.isdigit())) for text in texts)
        return Decimal(claimed) == digits % _HASH_LIMIT
    except (InvalidOperation, ValueError):
        return True  # an element that is no number was told already
