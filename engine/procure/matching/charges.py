"""What beside the goods is agreed: freight and the like, and a supplier's charge for orders that are too small."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal

from engine.canonical import LineKind, OrderLine, PurchaseOrder
from engine.channel.policies import Policies
from engine.channel.policy_parts import Aspects, most_specific
from engine.procure.exact import Exact, exact

NOT_GOODS = frozenset({LineKind.FREIGHT, LineKind.HANDLING, LineKind.TAX, LineKind.DISCOUNT, LineKind.OTHER})


def minimum_charge(order: PurchaseOrder, policies: Policies) -> Exact:
    """What its supplier may ask because the order's goods are worth less than was agreed; in the order's currency."""
    rules = policies.matching.minimum_charges
    if not rules:
        return 0
    of = Aspects(order.supplier_number, order.category, order.department, order.facility, order.legal_entity)
    rule = next(iter(most_specific(rules, of)), None)
    goods = sum((line.extended.amount for line in order.lines), Decimal(0))
    return exact(rule.charge) if rule is not None and goods < rule.below else 0


def agreed_charges(order: PurchaseOrder, policies: Policies) -> Exact:
    """Beside the lines of the order."""
    charges = sum((exact(one.amount.amount) for one in order.charges), exact(Decimal(0)))
    return charges + minimum_charge(order, policies)


def charge_lines(lines: Iterable[OrderLine]) -> list[OrderLine]:
    """Freight and the like that were ordered as lines: suppliers ask for them by their number, or as a charge."""
    return [one for one in lines if one.line_kind in NOT_GOODS and one.line_kind is not LineKind.TAX]


def agreed_by_lines(lines: Iterable[OrderLine], gone: frozenset[int]) -> Exact:
    agreed = (exact(one.extended.amount) for one in charge_lines(lines) if one.number not in gone)
    return sum(agreed, exact(Decimal(0)))


def asked_by_lines(lines: Iterable[OrderLine], used: Mapping[int, Exact]) -> Exact:
    """
    Args:
        used: of each line, by all invoices up to this one; in the line's unit.
    """
    asked = (exact(one.price.amount) * used.get(one.number, 0) for one in charge_lines(lines))
    return sum(asked, exact(Decimal(0)))
