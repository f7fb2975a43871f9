"""The contract's price of an invoice line; when there is none, which of its conditions failed."""

from __future__ import annotations

from datetime import date
from fractions import Fraction

import msgspec

from engine.canonical import Contract, ContractLine, Item, Quantity
from engine.procure.units import units_factor


class ContractPrice(msgspec.Struct, frozen=True):
    """`price` per unit of the quantity; None: `failed` says why: contract, member, dates, item, tier or unit."""

    price: Fraction | None
    failed: str = ""


def contract_price(
    contract: Contract, item_number: str, quantity: Quantity, item: Item | None, facility: str | None, day: date
) -> ContractPrice:
    if not contract.active:
        return ContractPrice(None, "contract")
    if not contract.is_valid_on(day):
        return ContractPrice(None, "dates")
    own = [one for one in contract.members if one.facility in (None, facility) and one.is_valid_on(day)]
    if contract.members and not own:
        return ContractPrice(None, "member")
    lines = [one for one in contract.lines if _is_for(one, item_number, item)]
    if not lines:
        return ContractPrice(None, "item")
    lines = [one for one in lines if one.is_valid_on(day)]
    if not lines:
        return ContractPrice(None, "dates")
    tiers = {one.tier for one in own if one.tier}
    lines = [one for one in lines if one.tier is None or one.tier in tiers]
    if not lines:
        return ContractPrice(None, "tier")
    prices = [price for one in lines if (price := _per_unit(one, contract, quantity, item, day)) is not None]
    return ContractPrice(min(prices)) if prices else ContractPrice(None, "unit")


def _is_for(line: ContractLine, item_number: str, item: Item | None) -> bool:
    if line.item_number is not None:
        return line.item_number == item_number
    return item is not None and line.supplier_item_number == item.supplier_item_number is not None


def _per_unit(
    line: ContractLine, contract: Contract, quantity: Quantity, item: Item | None, day: date
) -> Fraction | None:
    factor = units_factor(quantity.unit, line.unit, item, contract.supplier_number, day)
    if factor is None:
        return None
    amount = Fraction(quantity.amount) * factor
    reached = [one for one in line.breaks if Fraction(one.minimum) <= amount]
    price = max(reached, key=lambda one: one.minimum).price if reached else line.price
    return Fraction(price.amount) * factor
