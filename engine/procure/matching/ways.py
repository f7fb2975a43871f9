"""With how much an order line is compared: the order's word, else the policies', and what must be inspected."""

from __future__ import annotations

from engine.canonical import Item, MatchRule, OrderLine, PurchaseOrder
from engine.channel.policies import Policies
from engine.channel.policy_parts import Aspects
from engine.procure.policies import match_rule_for

THREE_WAYS, FOUR_WAYS = 3, 4
_WAYS = {MatchRule.TWO_WAY: 2, MatchRule.THREE_WAY: THREE_WAYS, MatchRule.FOUR_WAY: FOUR_WAYS}


def ways_of(ordered: OrderLine, order: PurchaseOrder, aspects: Aspects, policies: Policies, item: Item | None) -> int:
    """2: order; 3: receipt, too; 4: inspection, too.

    Args:
        aspects: of the invoice, with the line's category.
        item: what it is by the master data; one whose receipts are accepted before they are paid is compared four ways.
    """
    rule = ordered.match_rule or order.match_rule
    if rule is not None:
        return _WAYS[rule]
    if ordered.receipt_required is False:
        return 2
    ways = match_rule_for(policies, aspects, ordered.line_kind.value).ways
    return FOUR_WAYS if ways == THREE_WAYS and item is not None and item.inspection_required else ways
