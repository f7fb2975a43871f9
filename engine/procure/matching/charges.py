"""What beside the goods is agreed: a supplier's charge for orders that are too small."""

from __future__ import annotations

from decimal import Decimal

from engine.canonical import PurchaseOrder
from engine.channel.policies import Policies
from engine.channel.policy_parts import Aspects, most_specific
from engine.procure.exact import Exact, exact


def minimum_charge(order: PurchaseOrder, policies: Policies) -> Exact:
    """What its supplier may ask because the order's goods are worth less than was agreed; in the order's currency."""
    rules = policies.matching.minimum_charges
    if not rules:
        return 0
    of = Aspects(order.supplier_number, order.category, order.department, order.facility, order.legal_entity)
    rule = next(iter(most_specific(rules, of)), None)
    goods = sum((line.extended.amount for line in order.lines), Decimal(0))
    return exact(rule.charge) if rule is not None and goods < rule.below else 0
