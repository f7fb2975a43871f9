"""Stock that goes from one inventory to another: one movement, out of the one and into the other, each counted once.

Both places look at their own thresholds afterwards. A transfer that does not say clearly what went where, and one to or
from a place that nobody knows, is for a person.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from engine.canonical import InventoryMovement, MovementKind, Quantity
from engine.procure.decision import Finding, World, text_of
from engine.procure.papers import Papers
from engine.procure.usage.waiting import wait_for

SOURCE = "stock"  # watermark of who tells what lies where


def changes_at(movement: InventoryMovement, location: str) -> Iterator[Quantity]:
    """What a place gains by it, below zero what it loses."""
    if _is_backwards(movement):
        return
    if movement.location == location:
        yield movement.quantity
    if movement.to_location == location and movement.movement_kind is not MovementKind.COUNT:
        yield Quantity(amount=-movement.quantity.amount, unit=movement.quantity.unit)


def _is_backwards(movement: InventoryMovement) -> bool:
    """Its quantity says that the goods came from where they are to go."""
    is_transfer = movement.movement_kind is MovementKind.TRANSFER
    return is_transfer and movement.to_location is not None and movement.quantity.amount > 0


def counted_once(movements: Iterable[InventoryMovement]) -> list[InventoryMovement]:
    """Without those by which another inventory tells of a movement that is here already."""
    found = list(movements)
    known = {one.natural_key for one in found}
    return [one for one in found if not (one.source_kind == InventoryMovement.kind and one.source_key in known)]


def transfer_findings(papers: Papers, location: str, world: World) -> Iterator[Finding]:
    transfers = [one for one in papers.newest(InventoryMovement) if one.movement_kind is MovementKind.TRANSFER]
    for one in transfers:
        if one.location == location and (why := unclear(one)) is not None:
            flip = "a quantity below zero, out of one place into another"
            yield _finding("stock_transfer_unclear", one, location, why, flip)
    if transfers and all(isinstance(one.document, InventoryMovement) and one.document in transfers
                         for one in papers.latest()):  # fmt: skip
        first = min(transfers, key=lambda one: (one.moved_at, one.natural_key))
        if SOURCE not in world.watermarks or wait_for(world, SOURCE, first.moved_at).is_over:
            title = "Goods were moved to or from a place of which nobody told what lies there"
            flip = "a level, a count or an order of this item at this place"
            yield _finding("stock_place_unknown", first, location, title, flip)


def unclear(movement: InventoryMovement) -> str | None:
    """Why a transfer says not clearly what went where; None: it does."""
    if movement.to_location is None:
        return "Goods were moved, and nobody says where to"
    if movement.to_location == movement.location:
        return "Goods were moved to where they were"
    return "Goods were moved, and the quantity says the other way round" if _is_backwards(movement) else None


def _finding(type_: str, movement: InventoryMovement, location: str, title: str, flip: str) -> Finding:
    return Finding(
        type_,
        f"movement {movement.movement_number}",
        title,
        facility=movement.facility,
        flip=flip,
        facts={
            "rule": "stock.transfer",
            "item": movement.item_number,
            "from": movement.location,
            "to": movement.to_location or "",
            "place": location,
            "quantity": text_of(abs(movement.quantity.amount)),
            "unit": movement.quantity.unit,
        },
    )
