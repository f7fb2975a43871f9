"""Received and not invoiced: owed from the receipt on, taken back when all of the receipt is invoiced or went back.

A return owes the other way round, until the supplier credits it, or as long as nothing was invoiced of it. Off unless
`config/policies/usage.yaml` says so: many ERPs accrue by themselves.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal

from engine.canonical import Invoice, InvoiceKind, JournalEntry, JournalEntryType, PurchaseOrder, Receipt
from engine.procure.decision import Intent, World
from engine.procure.orders.lines import OrderLife, order_life
from engine.procure.orders.units import in_ordered_units
from engine.procure.papers import Papers
from engine.procure.usage.costs import Cost, Source, cost_entry, reversal
from engine.procure.usage.waiting import rules_of

_Amounts = Counter[tuple[int, str]]
"""By order line and unit."""


def accruals(life: OrderLife, papers: Papers, world: World) -> Iterator[Intent]:
    """An entry for each receipt at the order's prices, and its reversal; receipts are invoiced in their own order, what
    went back with what was invoiced."""
    account = rules_of(world).accrued_account
    if "received_not_invoiced" not in rules_of(world).accrue or account is None:
        return
    receipts = sorted(papers.newest(Receipt), key=lambda one: (one.received_on, one.receipt_number))
    covered = _covered(receipts, _invoiced(papers, life.order.order_number))
    for receipt in receipts:
        entry = _entry(receipt, papers, account, world)
        if entry is None:
            continue
        accrual = Intent("post_journal", entry)
        if receipt.cancelled and accrual.key not in world.given:
            continue
        yield accrual
        if receipt.cancelled or receipt.natural_key in covered:
            day = max(receipt.received_on, world.now.date())
            yield Intent("post_journal", reversal(entry, f"{entry.entry_number}-R", day, world))


def _entry(receipt: Receipt, papers: Papers, account: str, world: World) -> JournalEntry | None:
    """By what was known when it came, and its order: what was given then is what is taken back, whatever is told of
    prices and quantities later."""
    then = max(papers.first(one).record.at_micros for one in (receipt, *papers.newest(PurchaseOrder)[:1]))
    known = Papers.of(one for one in papers.all if one.record.at_micros <= then)
    life = order_life(known)
    first = next((one for one in reversed(known.versions(Receipt)) if _counts(one, receipt)), None)
    return _worth(first, in_ordered_units(life, known, world), account, world) if life and first else None


def _counts(version: Receipt, receipt: Receipt) -> bool:
    return version.natural_key == receipt.natural_key and not version.cancelled


def _worth(receipt: Receipt, life: OrderLife, account: str, world: World) -> JournalEntry | None:
    rules, lines = rules_of(world), {one.line.number: one.line for one in life.lines}
    costs = []
    for part in receipt.lines:
        line = lines.get(part.order_line_number)
        own = (line.natural_account if line else None) or rules.inventory_account
        if line is None or own is None or part.quantity.unit != line.quantity.unit or line.price_unit is not None:
            return None  # its worth is not known exactly
        worth = line.price.times(part.quantity.amount * receipt.sign)
        costs.append(Cost(own, line.cost_center, worth, line.item_number, dimensions=line.dimensions))
    source = Source(
        f"RNI-{receipt.receipt_number}"[:78], receipt.received_on, "Receipt", receipt.natural_key,
        receipt.facility or life.order.facility, life.order.legal_entity,
    )  # fmt: skip
    return cost_entry(source, costs, account, world, rules.posting, JournalEntryType.ACCRUAL)


def _invoiced(papers: Papers, order_number: str) -> _Amounts:
    found: _Amounts = Counter()
    for invoice in papers.newest(Invoice):
        sign = Decimal(-1) if invoice.invoice_kind is InvoiceKind.CREDIT_MEMO else Decimal(1)
        for line in invoice.lines:
            if (line.order_number or invoice.order_number) not in (None, order_number):
                continue  # of another order that the invoice is for, too
            if line.order_line_number is not None:
                found[line.order_line_number, line.quantity.unit] += line.quantity.amount * sign  # type: ignore[assignment]
    return found


def _covered(receipts: Sequence[Receipt], invoiced: _Amounts) -> set[str]:
    """Keys of receipts that nothing is owed for any more, and of returns that nothing is to be credited for."""
    came = [one for one in receipts if one.sign > 0]
    back = [one for one in receipts if one.sign < 0]
    returned = _amounts(back)
    left: _Amounts = Counter(invoiced)
    left.update(returned)
    covered = {one.natural_key for one in came if _takes(one, left)}
    # What is left now is invoiced and neither kept nor credited; below zero, not even what was kept is invoiced.
    settled: _Amounts = Counter({key: amount - left[key] if left[key] >= 0 else 0 for key, amount in returned.items()})
    return covered | {one.natural_key for one in back if _takes(one, settled)}


def _amounts(receipts: Iterable[Receipt]) -> _Amounts:
    found: _Amounts = Counter()
    for one in receipts:
        for part in one.lines:
            found[part.order_line_number, part.quantity.unit] += part.quantity.amount  # type: ignore[assignment]
    return found


def _takes(receipt: Receipt, left: _Amounts) -> bool:
    """Takes what is left, receipt after receipt."""
    mine = _amounts([receipt])
    enough = all(left[key] >= amount for key, amount in mine.items())
    left.subtract(mine)
    return enough
