"""Invoices that look like one that came before: how alike they are, of 100, and why.

Candidates are found by keys that survive how numbers are mistyped: case, punctuation, leading zeros, exchanged digits,
letters that are read for digits and words around them leave the key of a number the same. Each key is a small dossier
of its own, kept like any other.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal

import msgspec

from engine.canonical import Invoice, Supplier
from engine.procure.decision import Finding, World, text_of
from engine.procure.matching.duplicate_keys import alike_dossiers, digits_for_letters, digits_only, normal_number
from engine.procure.matching.validate_invoice import found
from engine.procure.papers import Paper
from engine.procure.policies import policies_of
from engine.procure.suppliers.goes_on import are_one

_SAME, _NORMAL, _EXCHANGED, _BARE = 45, 40, 32, 32  # of 100
_REUSED = 85  # suppliers do not use a number twice within days
_TELLING = 3  # fewer digits say nothing by themselves
_SUPPLIER, _ENTITY = 15, 10
_AMOUNT, _NEAR_AMOUNT = 30, 20
_DAY, _NEAR_DAY = 15, 10


class Likeness(msgspec.Struct, frozen=True):
    """Of 100; `because` names each part of it."""

    score: int
    because: tuple[str, ...]


def likeness(
    one: Invoice, other: Invoice, same_entity: bool, near_days: int = 7, near_percent: Decimal = Decimal(1)
) -> Likeness:
    """0 when another supplier sent it, or one is a credit memo.

    The same number within days is alike whatever the amounts: one of them was misread, or told with its tax or freight.
    """
    if not same_entity or one.invoice_kind is not other.invoice_kind or one.currency != other.currency:
        return Likeness(0, ())
    parts = [
        _number(one.invoice_number, other.invoice_number),
        (_SUPPLIER, "same supplier") if one.supplier_number == other.supplier_number else (_ENTITY, "same entity"),
        _amount(one.stated_total.amount, other.stated_total.amount, near_percent),
        _dates(one.invoiced_on, other.invoiced_on, near_days),
    ]
    if parts[0][0] == 0:
        return Likeness(0, ())
    if parts[0][0] >= _NORMAL and parts[2][0] <= 0 < parts[3][0]:  # one of the two amounts was misread, or has its tax
        because = (*(why for _, why in parts if why), "another amount under the same number")
        return Likeness(_REUSED, because)
    if parts[0][0] >= _NORMAL and parts[2][0] == _AMOUNT:
        parts.append((5, "number and amount are the same"))  # re-dated
    return Likeness(min(100, sum(score for score, _ in parts)), tuple(why for score, why in parts if score))


def _number(one: str, other: str) -> tuple[int, str]:
    if one == other:
        return _SAME, "same number"
    first, second = normal_number(one), normal_number(other)
    if first == second:
        return _NORMAL, "same number but for case, punctuation or leading zeros"
    read, other_read = digits_for_letters(first), digits_for_letters(second)
    if read == other_read:
        return _NORMAL, "same number where letters are read as the digits that they look like"
    if _exchanged(read, other_read):
        return _EXCHANGED, "two digits exchanged"
    same = _same_digits(first, second) or _same_digits(read, other_read)  # a B behind a number is no 8
    return (_BARE, "same digits, other letters around them") if same else (0, "")


def _same_digits(one: str, other: str) -> bool:
    return len(bare := digits_only(one)) >= _TELLING and bare == digits_only(other)


def _exchanged(one: str, other: str) -> bool:
    width = max(len(one), len(other))
    one, other = one.rjust(width, "0"), other.rjust(width, "0")  # leading zeros are not part of a normal number
    places = [n for n in range(len(one)) if one[n] != other[n]]
    return len(places) == 2 and one[places[0]] == other[places[1]] and one[places[1]] == other[places[0]]


def _amount(one: Decimal, other: Decimal, near_percent: Decimal) -> tuple[int, str]:
    if one == other:
        return _AMOUNT, "same amount"
    near = abs(one - other) * 100 <= near_percent * max(abs(one), abs(other))
    return (_NEAR_AMOUNT, f"amounts within {text_of(near_percent)} %") if near else (-100, "")


def _dates(one: date, other: date, near_days: int) -> tuple[int, str]:
    apart = abs((one - other).days)
    if apart == 0:
        return _DAY, "same day"
    return (_NEAR_DAY, f"dates within {near_days} days") if apart <= near_days else (0, "")


# ------------------------------------------------------------------ in a decision
def duplicates_of(invoice: Invoice, world: World, credited: frozenset[str] = frozenset()) -> Iterator[Finding]:
    """The invoice that came later is held; which that is, the keeping of the keys tells.

    Args:
        credited: keys of invoices that were taken back, so that nothing is a duplicate of them.
    """
    rules = policies_of(world).matching.duplicates
    best: tuple[Likeness, Invoice] | None = None
    for other in (one for one in _before(invoice, world) if one.natural_key not in credited):
        alike = likeness(invoice, other, _same_entity(invoice, other, world), rules.near_days, rules.near_percent)
        if alike.score >= rules.hold_from and (best is None or alike.score > best[0].score):
            best = alike, other
    if best is not None:
        alike, other = best
        facts = {"like": other.natural_key, "score": alike.score, "because": list(alike.because)}
        title = "It looks like an invoice that came before"
        yield found(invoice, "duplicate_suspected", title, money=invoice.stated_total, facts=facts,
                    flip="a word that both are real")  # fmt: skip


def _before(invoice: Invoice, world: World) -> Iterator[Invoice]:
    for key in alike_dossiers(invoice):
        papers = world.papers(key)
        firsts: dict[str, Paper] = {}
        for paper in papers.all:
            firsts.setdefault(paper.record.key, paper)
        mine = firsts.get(invoice.natural_key)
        for other in papers.newest(Invoice):
            theirs = firsts[other.natural_key].record
            turn = (theirs.at_micros, theirs.key)
            if other.natural_key != invoice.natural_key and (
                mine is None or turn < (mine.record.at_micros, mine.record.key)
            ):
                yield other


def _same_entity(one: Invoice, other: Invoice, world: World) -> bool:
    if one.supplier_number == other.supplier_number:
        return True
    first, second = (world.find(Supplier, number) for number in (one.supplier_number, other.supplier_number))
    if first is None or second is None:
        return False
    if second.supplier_number == first.merged_into or first.supplier_number == second.merged_into:
        return True
    return bool(_taxes(first) & _taxes(second)) or are_one(one.supplier_number, other.supplier_number, world)


def _taxes(supplier: Supplier) -> set[str]:
    """As they are, however they were typed: 12-3456789 is 123456789."""
    numbers = [one.value.reveal() for one in supplier.tax_identifiers]
    numbers += [supplier.tax_identifier] if supplier.tax_identifier else []
    return {plain for one in numbers if (plain := "".join(filter(str.isalnum, one)).upper())}
