"""The contract's price of an invoice line; when there is none, which of its conditions failed."""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from functools import lru_cache

import msgspec

from engine.canonical import Contract, ContractLine, Item, Quantity
from engine.procure.exact import Exact, exact
from engine.procure.units import units_factor

_REMEMBERED = 256  # contracts with their lines by item


class ContractPrice(msgspec.Struct, frozen=True):
    """`price` per unit of the quantity; None: `failed` says why: contract, supplier, currency, member, dates,
    item, tier or unit."""

    price: Exact | None
    failed: str = ""


class Buying(msgspec.Struct, frozen=True):
    """What was agreed when it was ordered: breaks of the price are reached by what was ordered, not by one invoice.

    `supplier` None: whoever the contract's is.
    """

    ordered: Quantity
    day: date
    facility: str | None = None
    supplier: str | None = None
    currency: str | None = None


def contract_price(contract: Contract, item_number: str, unit: str, item: Item | None, buying: Buying) -> ContractPrice:
    """Per `unit`, which need not be the one it was ordered in."""
    facility, day = buying.facility, buying.day
    if not contract.active:
        return ContractPrice(None, "contract")
    if buying.supplier not in (None, contract.supplier_number):
        return ContractPrice(None, "supplier")
    if buying.currency not in (None, contract.currency):
        return ContractPrice(None, "currency")
    if not contract.is_valid_on(day):
        return ContractPrice(None, "dates")
    own = [one for one in contract.members if one.facility in (None, facility) and one.is_valid_on(day)]
    if contract.members and not own:
        return ContractPrice(None, "member")
    lines = _lines_for(contract, item_number, item)
    if not lines:
        return ContractPrice(None, "item")
    lines = [one for one in lines if one.is_valid_on(day)]
    if not lines:
        return ContractPrice(None, "dates")
    tiers = {one.tier for one in own if one.tier}
    lines = [one for one in lines if one.tier is None or one.tier in tiers]
    if not lines:
        return ContractPrice(None, "tier")
    in_currency = [one for one in lines if buying.currency in (None, one.price.currency)]
    if not in_currency:
        return ContractPrice(None, "currency")
    prices = [price for one in in_currency if (price := _per_unit(one, contract, unit, item, buying)) is not None]
    return ContractPrice(min(prices)) if prices else ContractPrice(None, "unit")


def _lines_for(contract: Contract, item_number: str, item: Item | None) -> list[ContractLine]:
    """By our number; lines without one by the supplier's."""
    by_item = _by_item(_Lines(contract.lines))
    found = list(by_item.get(item_number, ()))
    theirs = item.supplier_item_number if item is not None else None
    if theirs is not None:
        found += [one for one in by_item.get(None, ()) if one.supplier_item_number == theirs]
    return found


class _Lines:
    """These very lines: to compare thousands of them would take longer than to go through them."""

    def __init__(self, lines: tuple[ContractLine, ...]) -> None:
        self.lines = lines

    def __hash__(self) -> int:
        return id(self.lines)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Lines) and other.lines is self.lines


@lru_cache(maxsize=_REMEMBERED)
def _by_item(of: _Lines) -> dict[str | None, list[ContractLine]]:
    found: defaultdict[str | None, list[ContractLine]] = defaultdict(list)
    for line in of.lines:
        found[line.item_number].append(line)
    return dict(found)


def _per_unit(line: ContractLine, contract: Contract, unit: str, item: Item | None, buying: Buying) -> Exact | None:
    factor = units_factor(unit, line.unit, item, contract.supplier_number, buying.day)
    of_order = units_factor(buying.ordered.unit, line.unit, item, contract.supplier_number, buying.day)
    if factor is None or of_order is None:
        return None
    amount = exact(buying.ordered.amount) * of_order
    reached = [one for one in line.breaks if exact(one.minimum) <= amount]
    price = max(reached, key=lambda one: one.minimum).price if reached else line.price
    return exact(price.amount) * factor
