"""Routing of exceptions and approvals by the shipped policies, beside the bare look-up of a rule in a dictionary."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

from engine.canonical import Money
from engine.channel.load import load_policies
from engine.procure.approvals.approve import approve
from engine.procure.approvals.values import Act, Request
from engine.procure.decision import Finding, World
from engine.procure.ownership import owner_of

POLICIES = load_policies(Path(__file__).parents[2])
NOW = datetime(2026, 11, 23, 15, tzinfo=UTC)
CASES = 10_000
TYPES = ("price_above_tolerance", "quantity_not_received", "duplicate_invoice", "supplier_held", "tax_differs")


def rate(work: Callable[[int], object], count: int) -> float:
    began = time.perf_counter()
    for number in range(count):
        work(number)
    return count / (time.perf_counter() - began)


def owned(number: int) -> object:
    found = Finding(TYPES[number % len(TYPES)], f"S1/INV-{number}", "x", money=Money(amount=Decimal(number)))
    return owner_of(found, World(NOW, {}, {}, POLICIES), NOW)


def bare(number: int) -> object:
    owners = {"price_above_tolerance": "buyer", "quantity_not_received": "receiving"}
    return owners.get(TYPES[number % len(TYPES)], "accounts-payable")


def approved(number: int) -> object:
    amount = Money(amount=Decimal(600 + number % 9000))
    creators = frozenset({"b.nilsen"})
    request = Request(f"R-{number}", "requisition", amount, NOW, creators, "b.nilsen", department="M-OR")
    return approve(request, [Act(NOW, "1", "d.lindqvist", "approve")], World(NOW, {}, {}, POLICIES))


def main() -> None:
    plain, owners, approvals = rate(bare, CASES), rate(owned, CASES), rate(approved, CASES // 4)
    print(f"owner of an exception: {owners:,.0f}/s; a bare look-up {plain:,.0f}/s; ratio {owners / plain:.4f}")
    print(f"an approval decided:   {approvals:,.0f}/s")


if __name__ == "__main__":
    main()
