"""An order as its changes left it, for those that know it only as it was sent."""

from __future__ import annotations

from engine.canonical import OrderChange, PurchaseOrder
from engine.procure.decision import World
from engine.procure.matching.order import CANCELS, changed_lines, in_turn
from engine.procure.papers import changes_dossier


def as_changed(order: PurchaseOrder, world: World) -> PurchaseOrder | None:
    """With every change that counts, without the lines that were taken out; None: nothing is ordered any more."""
    changes = in_turn(world.papers(changes_dossier(order.order_number)).newest(OrderChange))
    if order.purpose in CANCELS or any(one.cancels for one in changes):
        return None
    if not changes:
        return order
    lines, gone = changed_lines(order, changes)
    left = tuple(lines[number] for number in sorted(lines) if number not in gone)
    return order.model_copy(update={"lines": left}) if left else None
