"""What a visit used and was charged: checked against the master data, paired, and its cost posted.

Use without charge and charge without use are found once no source can explain them any more. Charges never order
anything: stock is filled up by what was moved and used, checked as any other wish.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import msgspec

from engine.canonical import ChargeEvent, Consumption, ConsumptionLine, Disposition, Item, JournalEntry, Money
from engine.procure.decision import Decision, Finding, Intent, World, text_of
from engine.procure.matching.accepted import still_open
from engine.procure.papers import Papers
from engine.procure.requisitions.lines import IMPLANTS, cost_center_fault
from engine.procure.requisitions.prices import exact, factor
from engine.procure.usage.changed import changed_since, credit_waits, credited_beyond, entry_of
from engine.procure.usage.charges import Paired, Side, kept, net_charges, pair, utc
from engine.procure.usage.costs import Cost, Source, cost_entry
from engine.procure.usage.waiting import Wait, first_look, rules_of, wait_for

_BACK = frozenset({Disposition.RETURNED})
_CHARGED = frozenset({Disposition.USED, Disposition.IMPLANTED})

_ABOUT_CHARGES = frozenset({"usage_not_charged", "charge_without_usage", "charge_credit_unmatched"})


class UsedLine(msgspec.Struct, frozen=True):
    """A line of what was used, with its item; `cost` is of the whole quantity."""

    document: Consumption
    line: ConsumptionLine
    item: Item | None
    cost: Money | None
    faults: tuple[Finding, ...] = ()

    @property
    def key(self) -> str:
        return f"{self.document.natural_key} line {self.line.number}"

    @property
    def is_chargeable(self) -> bool:
        named = self.line.charge_code is not None or (self.item is not None and self.item.chargeable)
        return named and self.line.disposition in _CHARGED

    @property
    def is_back(self) -> bool:
        """Put back, or the use that a credit takes back."""
        return self.line.disposition in _BACK or self.line.quantity.amount < 0

    @property
    def is_ours(self) -> bool:
        """From our own stock; implants that are ordered to be billed are accrued by their case."""
        return not self.line.bill_only and not self.line.consignment


def decide_usage(papers: Papers, world: World) -> Decision:
    used = [one for document in papers.newest(Consumption) if not document.cancelled for one in _lines(document, world)]
    charges = papers.newest(ChargeEvent)
    paired, waits = _paired(used, charges, world)
    credits_ = credit_waits(charges, world)
    found = [fault for one in used for fault in one.faults]
    found += [*_uncharged(used, paired, waits), *_unused(charges, paired, waits), *credited_beyond(charges, credits_)]
    findings = still_open([*found, *changed_since(papers, world)], papers, world)
    return Decision(
        _state(used, paired, waits, findings),
        findings,
        tuple(_posted(used, findings, world)),
        first_look(*(waits[key] for key in (*paired.uncharged, *paired.unused)), *credits_.values()),
    )


# ------------------------------------------------------------------ each line with its item
def _lines(document: Consumption, world: World) -> Iterator[UsedLine]:
    """What was taken out of a patient was used long ago: it costs nothing now, and does not go back on a shelf."""
    for line in (one for one in document.lines if one.disposition is not Disposition.EXPLANTED):
        item = world.find(Item, line.item_number) if line.item_number else None
        found = UsedLine(document, line, item, _cost(line, item, document.used_at))
        yield msgspec.structs.replace(found, faults=tuple(_faults(found, world)))


def _cost(line: ConsumptionLine, item: Item | None, at: datetime) -> Money | None:
    """As documented, else the item master's, in the line's unit; None: nobody knows it, or not in this unit."""
    if line.extended is not None:
        return line.extended
    if line.unit_cost is not None:
        return line.unit_cost.times(line.quantity.amount).rounded()
    per = factor(line.quantity.unit, item.unit, item, line.supplier_number, at.date()) if item else None
    amount = exact(per * Fraction(line.quantity.amount)) if per else None
    return item.cost_price.times(amount).rounded() if item and item.cost_price and amount is not None else None


def _faults(one: UsedLine, world: World) -> Iterator[Finding]:
    line, item = one.line, one.item
    if line.item_number and item is None:
        yield _finding(one, "usage_item_unknown", "The item is not in the item master", "the item master told of it")
    fault = cost_center_fault(line.cost_center or one.document.department, one.document.used_at.date(), world)
    if fault is not None:
        yield _finding(one, *fault)
    is_known = item is not None if line.item_number else one.is_ours
    if is_known and one.cost is None:
        yield _finding(one, "usage_cost_unknown", "Nobody says what it costs", "the item had a cost in this unit")
    if item is not None and item.tracks_lot and not (line.lot or line.serial):
        yield _finding(one, "usage_lot_missing", "Its lot or serial number is missing", "lot or serial were documented")


# ------------------------------------------------------------------ use and charge
def _paired(used: list[UsedLine], charges: list[ChargeEvent], world: World) -> tuple[Paired, dict[str, Wait]]:
    window = timedelta(hours=rules_of(world).charge_window_hours)
    left = net_charges(charges)
    uses = kept([_use(one) for one in used if one.is_chargeable], [_use(one) for one in used if one.is_back])
    sides = [_charge(one, left[one.charge_number], world) for one in charges if one.charge_number in left]
    waits = {one.key: wait_for(world, "charges", one.at, window) for one in uses}
    waits |= {one.key: wait_for(world, "usage", one.at, window) for one in sides}
    return pair(uses, sides, window), waits


def _use(one: UsedLine) -> Side:
    code = one.line.charge_code or (one.item.charge_code if one.item else None)
    return Side(
        one.key,
        utc(one.document.used_at),
        _codes(code, one.line.item_number),
        one.line.quantity.amount,
        one.line.quantity.unit,
    )


def _charge(one: ChargeEvent, left: Decimal, world: World) -> Side:
    """Charges that name only a code are of a supply when a use or the item master has that code."""
    return Side(
        one.charge_number, utc(one.charged_at), _codes(one.charge_code, one.item_number), left, one.quantity.unit
    )


def _codes(code: str | None, item: str | None) -> frozenset[tuple[str, str]]:
    return frozenset(one for one in (("code", code or ""), ("item", item or "")) if one[1])


def _uncharged(used: list[UsedLine], paired: Paired, waits: Mapping[str, Wait]) -> Iterator[Finding]:
    for one in used:
        amount = paired.uncharged.get(one.key)
        if one.is_chargeable and amount and waits[one.key].is_over:
            yield _finding(
                one, "usage_not_charged", "It was used and not charged", "a charge of the same visit named it in time",
                uncharged=text_of(amount),
            )  # fmt: skip


def _unused(charges: list[ChargeEvent], paired: Paired, waits: Mapping[str, Wait]) -> Iterator[Finding]:
    """Only of supplies: rooms and procedures are charged, too."""
    for one in sorted(charges, key=lambda charge: charge.charge_number):
        amount = paired.unused.get(one.charge_number)
        if amount and one.item_number and waits[one.charge_number].is_over:
            yield Finding(
                "charge_without_usage", one.charge_number, "It was charged and its use is not documented",
                money=one.amount, facility=one.facility, department=one.department,
                flip="a use of the same visit were documented in time, or the charge were credited",
                facts={"rule": "usage.pair", "item": one.item_number, "code": one.charge_code,
                       "unused": text_of(amount)},
            )  # fmt: skip


# ------------------------------------------------------------------ cost
def _posted(used: list[UsedLine], findings: tuple[Finding, ...], world: World) -> Iterator[Intent]:
    """One entry for each documented use, once all of its lines are right."""
    rules = rules_of(world)
    wrong = {one.place for one in findings if one.type not in _ABOUT_CHARGES}
    for document in {one.document.natural_key: one.document for one in used}.values():
        lines = [one for one in used if one.document is document and one.is_ours]
        if rules.inventory_account is None or any(one.key in wrong for one in lines):
            continue
        costs = [cost for one in lines if (cost := _booked(one, rules.expense_account)) is not None]
        if len(costs) == len(lines):
            entries = (_entry(document, costs, currency, world) for currency in dict.fromkeys(_currencies(costs)))
            yield from (Intent("post_journal", entry) for entry in entries if entry is not None)


def _currencies(costs: list[Cost]) -> Iterator[str]:
    return (one.money.currency for one in costs)


def _entry(document: Consumption, costs: list[Cost], currency: str, world: World) -> JournalEntry | None:
    """Of one currency; that of the first line has the document's own number."""
    rules, first = rules_of(world), costs[0].money.currency
    number = entry_of(document) if currency == first else f"{entry_of(document)[:76]}-{currency}"
    source = Source(number, document.used_at.date(), Consumption.kind, document.natural_key, document.facility)
    own = [one for one in costs if one.money.currency == currency]
    assert rules.inventory_account is not None  # nothing is posted without it
    return cost_entry(source, own, rules.inventory_account, world, rules.posting)


def _booked(one: UsedLine, usual: str | None) -> Cost | None:
    account = (one.item.natural_account if one.item else None) or usual
    if account is None or one.cost is None:
        return None
    sign = Decimal(-1) if one.line.disposition in _BACK else Decimal(1)
    center = one.line.cost_center or one.document.department
    return Cost(account, center, one.cost.times(sign), one.line.item_number)


# ------------------------------------------------------------------ what is shown
def _finding(one: UsedLine, type_: str, title: str, flip: str, **facts: Any) -> Finding:
    return Finding(
        type_, one.key, title,
        money=one.cost, supplier=one.line.supplier_number, facility=one.document.facility,
        department=one.document.department,
        category=IMPLANTS if one.item and one.item.implantable else (one.item.category if one.item else None),
        flip=flip, facts={"rule": type_, "item": one.line.item_number, "code": one.line.charge_code, **facts},
    )  # fmt: skip


def _state(
    used: list[UsedLine], paired: Paired, waits: Mapping[str, Wait], findings: tuple[Finding, ...]
) -> dict[str, Any]:
    open_keys = [key for key in (*paired.uncharged, *paired.unused) if not waits[key].is_over]
    return {
        "state": "exception" if findings else "waiting" if open_keys else "settled",
        "used": len(used),
        "pairs": [{"used": one.used, "charged": one.charged, "amount": text_of(one.amount)} for one in paired.pairs],
        "waiting": {key: str(waits[key].source) for key in open_keys},
        "cost": text_of(sum((one.cost.amount for one in used if one.cost), Decimal(0))),
    }
