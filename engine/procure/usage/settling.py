"""Which documents of a stock are settled: old, in sums, and not read again unless something reaches back to them.

Pure. Whatever is settled stays a document; an opening has nothing that all documents together would not say.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cache
from typing import NamedTuple

from engine.canonical import (
    Consumption,
    Document,
    InventoryLevel,
    InventoryMovement,
    MovementKind,
    Quantity,
    Receipt,
)
from engine.ports.procure import Reference
from engine.procure.papers import Papers, dossiers_of
from engine.procure.requisitions.replenish import Place, Step, came_at, opening_of, steps
from engine.procure.usage.charges import utc
from engine.procure.usage.opening import StockOpening
from engine.procure.usage.transfers import unclear

STEPPING = (InventoryMovement, Consumption, Receipt)
"""Documents by which stock changes, beside levels."""
_OPEN_FOR = timedelta(days=2)  # so late most sources tell of a movement
_SOURCE_COMES = timedelta(days=31)  # so late at the latest comes the document that a movement says it is of


class Settlement(NamedTuple):
    """`settled`: all that an opening stands for, beside `levels` more versions of the level."""

    opening: StockOpening
    settled: frozenset[Reference]
    levels: int = 0


def reference_of(document: Document) -> Reference:
    return Reference(document.kind, document.natural_key)


def at_of(document: Document) -> datetime | None:
    """When it changed the stock; None: it does not."""
    if isinstance(document, InventoryMovement):
        return document.moved_at
    if isinstance(document, Consumption):
        return utc(document.used_at)
    return came_at(document) if isinstance(document, Receipt) else None


def source_of(document: Document) -> Reference | None:
    """The document that a movement tells of once more."""
    if isinstance(document, InventoryMovement) and document.source_kind and document.source_key:
        return Reference(document.source_kind, document.source_key)
    return None


# ------------------------------------------------------------------ what is settled
def settle(papers: Papers, place: Place, now: datetime) -> Settlement | None:
    """None: nothing more than before can be settled."""
    ordered = sorted(steps(papers, place), key=lambda step: (step.at, step.is_count, step.key))
    before, level = opening_of(papers), place.level
    if not ordered or level is None:
        return None
    until = _until(ordered, place, now)
    if before is not None and until <= before.until:
        return None
    settled = frozenset(_old(papers, until))
    levels = _levels(before, papers, until)
    opening = _opening(before, [one for one in ordered if one.at < until], place, until, levels)
    return Settlement(opening, settled, levels - (before.levels if before else 0))


def _levels(before: StockOpening | None, papers: Papers, until: datetime) -> int:
    """How many of its versions are old, from the first on; never the newest, which says how much must lie there."""
    last = before.levels if before else 0
    for paper in papers.all:
        one = paper.document
        if isinstance(one, InventoryLevel) and paper.record.version == last + 1 and one.as_of < until:
            last += 1 if papers.paper(one).record.version > paper.record.version else 0
    return last


def _until(ordered: list[Step], place: Place, now: datetime) -> datetime:
    """Not past what is in a unit that cannot be converted: a person is asked about it."""
    until = min(now, ordered[-1].at) - _OPEN_FOR
    amount_of = cache(place.amount)
    unknown = (one.at for one in ordered if one.at < until and amount_of(one.quantity) is None)
    return next(unknown, until)


def _old(papers: Papers, until: datetime) -> set[Reference]:
    """What people wrote and what is not clear stays; what tells of one another is settled together."""
    found = {reference_of(one): one for kind in STEPPING for one in papers.newest(kind)}
    old = {key for key, one in found.items() if (at := at_of(one)) is not None and at < until}
    kept = {Reference(one.record.kind, one.record.key) for one in papers.all if one.record.who}
    kept |= {key for key, one in found.items() if isinstance(one, InventoryMovement) and _stays(one, found, until)}
    links = [(key, source) for key, one in found.items() if (source := source_of(one)) in found]
    ready = old - kept
    while split := {end for link in links if not ready.issuperset(link) for end in link} & ready:
        ready -= split
    return {one for one in ready if one.kind != Receipt.kind}


def _stays(movement: InventoryMovement, found: Mapping[Reference, Document], until: datetime) -> bool:
    if movement.movement_kind is MovementKind.TRANSFER and unclear(movement) is not None:
        return True
    source = source_of(movement)
    return source is not None and source not in found and movement.moved_at >= until - _SOURCE_COMES


def _opening(
    before: StockOpening | None, old: Iterable[Step], place: Place, until: datetime, levels: int
) -> StockOpening:  # fmt: skip
    amounts = {one.unit: one.amount for one in before.amounts} if before else {}
    counted, out = (before.counted, before.out_since) if before else (False, None)
    units = set(before.units) if before else set[str]()
    for one in old:
        unit, amount = one.quantity.unit, one.quantity.amount
        units.add(unit)
        counted = counted or one.is_count
        amounts = {unit: amount} if one.is_count else {**amounts, unit: amounts.get(unit, Decimal(0)) + amount}
        is_out = counted and sum(amounts.values(), Decimal(0)) <= 0
        out = (out or one.at) if is_out else None
    return StockOpening(
        location=place.location, item_number=place.item.item_number, until=until, counted=counted, out_since=out,
        amounts=tuple(Quantity(amount=amounts[unit], unit=unit) for unit in sorted(amounts)),
        units=tuple(sorted(units)), facility=place.level.facility if place.level else None, levels=levels,
    )  # fmt: skip


# ------------------------------------------------------------------ what reaches back
def reaches_back(
    dossier: str, opening: StockOpening, papers: Papers, told: Iterable[Document], shelf: set[Reference]
) -> bool:
    """Whether the opening would not hold any more with these documents: then all is read and settled anew.

    Args:
        papers: of the dossier without what is settled, beside what of it is told again.
        shelf: which of the documents and of their sources are settled.
    """
    held = {reference_of(one.document): one.document for one in papers.latest()}
    return any(_back(one, dossier in dossiers_of(one), opening, held, shelf) for one in told)


def _back(
    one: Document, here: bool, opening: StockOpening, held: Mapping[Reference, Document], shelf: set[Reference]
) -> bool:
    if isinstance(one, InventoryLevel):
        return here and (one.as_of < opening.until or one.facility != opening.facility or _is_new_unit(one, opening))
    at = at_of(one)
    if at is None:
        return False
    known = held.get(reference_of(one))
    if here and known == one:
        return False  # told again
    if known is not None or reference_of(one) in shelf:
        return True
    return here and (at < opening.until or _is_new_unit(one, opening) or _tells_of_old(one, opening, held, shelf))


def _is_new_unit(one: Document, opening: StockOpening) -> bool:
    """Rows of what happened are of stock in one unit only."""
    return len(opening.units) == 1 and not set(_units(one, opening.item_number)) <= set(opening.units)


def _units(one: Document, item_number: str) -> Iterator[str]:
    if isinstance(one, InventoryLevel):
        yield one.on_hand.unit
    elif isinstance(one, InventoryMovement):
        yield one.quantity.unit
    elif isinstance(one, Consumption | Receipt):
        yield from (line.quantity.unit for line in one.lines if line.item_number == item_number)


def _tells_of_old(
    one: Document, opening: StockOpening, held: Mapping[Reference, Document], shelf: set[Reference]
) -> bool:
    source = source_of(one)
    if source is None:
        return False
    at = at_of(held[source]) if source in held else None
    return source in shelf or (at is not None and at < opening.until)
