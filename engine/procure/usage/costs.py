"""Journal entries for what was used: cost against stock, accruals for what nobody invoiced yet, and their reversal.

Entries balance to the cent. An accrual and its reversal are given once each, whatever came first; together they are
zero.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from typing import Literal

import msgspec

from engine.canonical import DimensionValue, JournalEntry, JournalEntryType, JournalLine, Money
from engine.procure.calendar import PostingDay, fiscal_year_of, posting_day
from engine.procure.decision import World
from engine.procure.policies import policies_of


class Cost(msgspec.Struct, frozen=True):
    """What one line costs and where it is booked; below zero for what came back."""

    account: str
    cost_center: str | None
    money: Money
    item_number: str | None = None
    description: str | None = None
    dimensions: tuple[DimensionValue, ...] = ()


class Source(msgspec.Struct, frozen=True):
    """Of what document an entry is: `number` is the entry's, the same whenever it is made again."""

    number: str
    day: date
    kind: str
    key: str
    facility: str | None = None
    legal_entity: str | None = None


def cost_entry(
    source: Source, costs: Iterable[Cost], against: str, world: World, posting: Literal["line", "summary"] = "line",
    entry_type: JournalEntryType = JournalEntryType.ALLOCATION,
) -> JournalEntry | None:  # fmt: skip
    """Costs against one account, in the first open period from the day on; None: there is nothing to post."""
    parts = [one for one in (_summed(costs) if posting == "summary" else costs) if one.money.rounded().amount]
    total = sum((one.money.rounded().amount for one in parts), Decimal(0))
    if not parts or len({one.money.currency for one in parts}) > 1:
        return None
    lines = [_line(one) for one in parts]
    if total:
        lines.append(_line(Cost(against, None, Money(amount=-total, currency=parts[0].money.currency))))
    on = _posted_on(source, world)
    return JournalEntry(
        entry_number=source.number,
        posted_on=on.day,
        lines=tuple(lines),
        entry_type=entry_type,
        facility=source.facility,
        period=on.period.name,
        legal_entity=source.legal_entity,
        source_kind=source.kind,
        source_key=source.key[:80],
        description="posted in the next open period" if on.moved else None,
    )


def reversal(entry: JournalEntry, number: str, day: date, world: World) -> JournalEntry:
    """Both sides changed; it names the entry that it takes back."""
    on = posting_day(day, fiscal_year_of(policies_of(world), entry.legal_entity))
    return entry.model_copy(
        update={
            "entry_number": number,
            "posted_on": on.day,
            "period": on.period.name,
            "entry_type": JournalEntryType.REVERSAL,
            "reverses": entry.entry_number,
            "lines": tuple(
                line.model_copy(update={"debit": line.credit, "credit": line.debit}) for line in entry.lines
            ),
        }
    )


def _posted_on(source: Source, world: World) -> PostingDay:
    return posting_day(source.day, fiscal_year_of(policies_of(world), source.legal_entity))


def _line(one: Cost) -> JournalLine:
    money = one.money.rounded()
    is_debit = money.amount > 0
    side = money if is_debit else Money(amount=-money.amount, currency=money.currency)
    return JournalLine(
        account=one.account,
        debit=side if is_debit else None,
        credit=None if is_debit else side,
        cost_center=one.cost_center,
        item_number=one.item_number,
        description=one.description,
        dimensions=one.dimensions,
    )


def _summed(costs: Iterable[Cost]) -> Sequence[Cost]:
    """One line for each account, cost center and set of dimensions; each part is rounded before it is added."""
    sums: dict[tuple[str, str | None, str, tuple[DimensionValue, ...]], Money] = {}
    for one in costs:
        key = (one.account, one.cost_center, one.money.currency, one.dimensions)
        sums[key] = sums[key] + one.money.rounded() if key in sums else one.money.rounded()
    return [Cost(key[0], key[1], money, dimensions=key[3]) for key, money in sums.items()]
