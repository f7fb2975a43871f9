"""Rows of a command, made when it is given: what the process decided by itself or let people decide."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from engine.canonical import Consumption, Document, JournalEntry, JournalEntryType, Money, PurchaseOrder
from engine.ports.measures import Milestone
from engine.procure.milestones.rows import money, only


def milestones_of_command(dossier: str, document: Document, name: str, key: str, at: int) -> Iterator[Milestone]:
    """
    Args:
        document: what the command acts with.
        key: the command's own; the same command for another reason has another one.
    """
    order = document if isinstance(document, PurchaseOrder) else None
    yield Milestone(
        what="command_given", key=document.natural_key, detail=key, kind=document.kind, dossier=dossier,
        stage="ledger", at_micros=at, type=name, matter=dossier, supplier=_text(document, "supplier_number"),
        facility=_text(document, "facility"), department=_text(document, "department"),
        category=_text(document, "category") or (only(one.category for one in order.lines) if order else None),
        **money(_amount(document)),
    )  # fmt: skip
    if name == "post_journal" and isinstance(document, JournalEntry):
        yield from _entry(dossier, document, at)


def _text(document: Document, name: str) -> str | None:
    found = getattr(document, name, None)
    return found if isinstance(found, str) else None


def _amount(document: Document) -> Money | None:
    for name in ("stated_total", "total", "amount"):
        found = getattr(document, name, None)
        if isinstance(found, Money):
            return found
    return None


def _entry(dossier: str, entry: JournalEntry, at: int) -> Iterator[Milestone]:
    """What the entry is of, and each cost center's part of it: debits less credits."""
    usual: dict[str, Any] = {
        "detail": entry.entry_number, "dossier": dossier, "stage": "usage", "at_micros": at,
        "type": entry.entry_type.value, "facility": entry.facility, "matter": entry.entry_number,
    }  # fmt: skip
    parts: defaultdict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for line in entry.lines:
        side = line.debit or line.credit
        if side is not None and line.cost_center:
            parts[line.cost_center, side.currency] += side.amount if line.debit else -side.amount
    if entry.source_key and entry.source_kind and entry.entry_type is not JournalEntryType.REVERSAL:
        yield Milestone(what="cost_posted", key=entry.source_key, kind=entry.source_kind, **usual)
    is_use = entry.source_kind == Consumption.kind and entry.entry_type is not JournalEntryType.REVERSAL
    for (center, currency), amount in sorted(parts.items()):
        yield Milestone(
            what="cost_allocated", key=f"{entry.entry_number}/{center}", kind=entry.kind, department=center,
            **usual, **money(Money(amount=amount, currency=currency)),
        )  # fmt: skip
        if is_use and entry.source_key:
            # What it cost to use it: when the invoice takes an accrual's place, it still did.
            yield Milestone(
                what="usage_cost", key=entry.source_key, kind=Consumption.kind, department=center,
                **{**usual, "detail": f"{entry.entry_number}/{center}/{currency}"},
                **money(Money(amount=amount, currency=currency)),
            )  # fmt: skip
