"""An order line's contract: whether anybody knows it, and what it says for an invoice."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from engine.canonical import Contract, OrderLine, PurchaseOrder
from engine.procure.decision import World
from engine.procure.matching.book import Book
from engine.procure.matching.contract_price import Buying, ContractPrice, contract_price
from engine.procure.usage.papers import contracts_dossier

_SOURCE = "contracts"  # watermark of who tells contracts


class NoPrice(NamedTuple):
    title: str
    facts: Mapping[str, object]
    flip: str


def agreed_by_contract(
    ordered: OrderLine, unit: str, order: PurchaseOrder, facility: str | None, book: Book, posted: bool
) -> tuple[str, ContractPrice] | None:
    """The contract's number with its price per `unit`; None: the line names none, or nobody keeps contracts here.

    Args:
        posted: whether the invoice is: that contracts are kept since then says nothing against it.
    """
    number = ordered.contract_number or order.contract_number
    if not number:
        return None
    contract = book.world.find(Contract, number)
    if contract is None:
        is_none = not posted and _are_told(order.supplier_number, book.world)
        return (number, ContractPrice(None, "contract")) if is_none else None
    buying = Buying(ordered.quantity, order.ordered_on, facility, order.supplier_number, order.currency)
    return number, contract_price(contract, ordered.item_number, unit, book.item(ordered.item_number), buying)


def _are_told(supplier: str, world: World) -> bool:
    """Whether a contract that is not known here is none: others of its supplier are, or a source tells of them."""
    return _SOURCE in world.watermarks or bool(world.papers(contracts_dossier(supplier)).newest(Contract))


def no_price(number: str, agreed: ContractPrice) -> NoPrice:
    failed = agreed.failed
    does = "do" if failed == "dates" else "does"
    title = f"The contract gives no price: its {failed} {does} not fit"
    if failed == "contract":
        title = "Its contract is not known, or not in force"
    flip = "dates that fit" if failed == "dates" else f"a fitting {failed}"
    return NoPrice(title, {"contract": number, "failed": failed}, flip)
