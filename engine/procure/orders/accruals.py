"""Received and not invoiced: owed from the receipt on, taken back when all of the receipt is invoiced.

Off unless `config/policies/usage.yaml` says so: many ERPs accrue by themselves.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from decimal import Decimal

from engine.canonical import Invoice, InvoiceKind, JournalEntry, JournalEntryType, Receipt
from engine.procure.decision import Intent, World
from engine.procure.orders.lines import OrderLife
from engine.procure.papers import Papers
from engine.procure.usage.costs import Cost, Source, cost_entry, reversal
from engine.procure.usage.waiting import rules_of


def accruals(life: OrderLife, papers: Papers, world: World) -> Iterator[Intent]:
    """An entry for each receipt at the order's prices, and its reversal; receipts are invoiced in their own order."""
    account = rules_of(world).accrued_account
    if "received_not_invoiced" not in rules_of(world).accrue or account is None:
        return
    invoiced = _invoiced(papers, life.order.order_number)
    for receipt in sorted(papers.newest(Receipt), key=lambda one: (one.received_on, one.receipt_number)):
        entry = _entry(receipt, life, account, world)
        if entry is None:
            continue
        yield Intent("post_journal", entry)
        if _covered(receipt, invoiced):
            day = max(receipt.received_on, world.now.date())
            yield Intent("post_journal", reversal(entry, f"{entry.entry_number}-R", day, world))


def _entry(receipt: Receipt, life: OrderLife, account: str, world: World) -> JournalEntry | None:
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


def _invoiced(papers: Papers, order_number: str) -> Counter[tuple[int, str]]:
    """By order line and unit."""
    found: Counter[tuple[int, str]] = Counter()
    for invoice in papers.newest(Invoice):
        sign = Decimal(-1) if invoice.invoice_kind is InvoiceKind.CREDIT_MEMO else Decimal(1)
        for line in invoice.lines:
            if (line.order_number or invoice.order_number) not in (None, order_number):
                continue  # of another order that the invoice is for, too
            if line.order_line_number is not None:
                found[line.order_line_number, line.quantity.unit] += line.quantity.amount * sign  # type: ignore[assignment]
    return found


def _covered(receipt: Receipt, left: Counter[tuple[int, str]]) -> bool:
    """Takes what is invoiced, receipt after receipt."""
    enough = True
    for part in receipt.lines:
        key, amount = (part.order_line_number, part.quantity.unit), part.quantity.amount * receipt.sign
        enough = enough and left[key] >= amount
        left[key] -= amount  # type: ignore[assignment]
    return enough
