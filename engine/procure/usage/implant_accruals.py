"""Implants that were used and not invoiced: owed from the day of use on, taken back when they are invoiced.

Each record of use has its own entry, so that a further sheet is owed, too. What was given once stays as it was given,
whatever the record says later: its reversal takes back exactly that.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from typing import NamedTuple

from engine.canonical import Consumption, ConsumptionLine, Item, JournalEntry, JournalEntryType, Money
from engine.canonical.entity_names import blind
from engine.procure.decision import World
from engine.procure.papers import Paper, Papers
from engine.procure.requisitions.prices import quantity_in
from engine.procure.usage.costs import Cost, Source, cost_entry, reversal
from engine.procure.usage.implant_pieces import REPRESENTATIVE, Tally, UsedPiece, compare, used_pieces
from engine.procure.usage.waiting import rules_of

_LONGEST = 78  # characters of an entry's number, so that its reversal's has room


class Record(NamedTuple):
    """A record of use as it stands, with the version that was accrued, or would be now, and when that was told."""

    now: Consumption
    accrued: Consumption
    number: str
    is_given: bool
    at_micros: int

    @property
    def is_by_representative(self) -> bool:
        return all((line.documented_by or "") in REPRESENTATIVE for line in self.accrued.lines)


def accruals(
    case: str, pieces: Sequence[UsedPiece], invoiced: Tally, papers: Papers, world: World
) -> Iterator[JournalEntry]:
    """
    Args:
        pieces: of the case, as they are documented by now.
    """
    rules = rules_of(world)
    if "used_not_invoiced" not in rules.accrue or rules.accrued_account is None:
        return
    records = _of_one_side(list(_records(case, papers, world)))
    names = {one.now.natural_key for one in records}
    counting = [one for one in pieces if one.document.natural_key in names]
    missing = compare(_owed(counting), invoiced).missing
    for one in records:
        entry = _entry(one, rules.accrued_account, world)
        if entry is None:
            continue
        yield entry
        own = [piece.piece for piece in counting if piece.document.natural_key == one.now.natural_key]
        if one.now.cancelled or not any(missing[piece] for piece in own):
            yield reversal(entry, f"{one.number}-R", max(_day(one.accrued), world.now.date()), world)


def _records(case: str, papers: Papers, world: World) -> Iterator[Record]:
    for now in sorted(papers.newest(Consumption), key=lambda one: one.natural_key):
        versions = [one for one in papers.all if one.document.kind == now.kind and one.record.key == now.natural_key]
        given = next((one for one in versions if f"post_journal:{_number(case, one)}" in world.given), None)
        told = given or papers.paper(now)
        if isinstance(told.document, Consumption) and (given is not None or not now.cancelled):
            yield Record(now, told.document, _number(case, told), given is not None, told.record.at_micros)


def _number(case: str, paper: Paper) -> str:
    """Of a version's entry: no two of all cases and records have one."""
    name = f"UNI-{case}-{paper.record.key}.{paper.record.version}"
    return name if len(name) <= _LONGEST else f"{name[: _LONGEST - 17]}~{blind(name)}"


def _of_one_side(records: list[Record]) -> list[Record]:
    """What nurse and representative both record is owed once: by whose record was given, else the nurse's."""
    stands = [one for one in records if not one.now.cancelled]
    representative = [one for one in stands if one.is_by_representative]
    nurse = [one for one in stands if not one.is_by_representative]
    is_theirs = any(one.is_given for one in representative) and not any(one.is_given for one in nurse)
    return [*(representative if is_theirs or not nurse else nurse), *(one for one in records if one.now.cancelled)]


def _entry(one: Record, account: str, world: World) -> JournalEntry | None:
    """All of its pieces, once it is known what each costs: what is given is never added to."""
    rules, used = rules_of(world), one.accrued
    owed = [piece for piece in used_pieces([used], world) if piece.line.bill_only or piece.line.consignment]
    costs = [_cost(piece, one.at_micros, rules.expense_account, world) for piece in owed]
    if None in costs and not one.is_given:
        return None
    source = Source(one.number, _day(used), Consumption.kind, used.natural_key, used.facility)
    known = [cost for cost in costs if cost is not None]
    return cost_entry(source, known, account, world, rules.posting, JournalEntryType.ACCRUAL)


def _day(used: Consumption) -> date:
    return used.procedure_on or used.used_at.date()


def _owed(pieces: Sequence[UsedPiece]) -> Tally:
    found: Tally = Tally()
    for one in pieces:
        found[one.piece] += one.line.quantity.amount  # type: ignore[assignment]
    return found


def _cost(one: UsedPiece, at_micros: int, usual: str | None, world: World) -> Cost | None:
    """None: nobody says what it costs, or where it is booked."""
    line = one.line
    for item in _items(line.item_number, at_micros, world):
        worth, account = _worth(line, item, one.day), (item.natural_account if item else None) or usual
        if worth is not None and account is not None:
            return Cost(account, line.cost_center, worth, line.item_number)
    return None


def _worth(line: ConsumptionLine, item: Item | None, day: date) -> Money | None:
    """As documented, else the item master's, in the line's unit."""
    if line.unit_cost is not None:
        return line.unit_cost.times(line.quantity.amount)
    if item is None or item.cost_price is None:
        return None
    amount = quantity_in(line.quantity, item.unit, item, line.supplier_number, day)
    return None if amount is None else item.cost_price.times(amount)


def _items(number: str | None, at_micros: int, world: World) -> Iterator[Item | None]:
    """Its master as it was when the use was told of, then as it was told later: a price of today is not what was
    accrued. None: without a master."""
    papers = world.papers(f"item:{number}").all if number else []
    versions = [(paper.record.at_micros, paper.document) for paper in papers if isinstance(paper.document, Item)]
    yield from (one for at, one in reversed(versions) if at <= at_micros)
    yield from (one for at, one in versions if at > at_micros)
    if not versions:
        yield world.find(Item, number) if number else None
