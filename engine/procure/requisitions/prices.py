"""What a requisition's line will cost: the contract's price, else what the requester expects, else the item's cost."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date
from decimal import Decimal
from fractions import Fraction

import msgspec

from engine.canonical import Contract, ContractLine, Item, Money, Quantity, RequisitionLine
from engine.procure.decision import World
from engine.procure.units import units_factor
from engine.procure.usage.papers import contracts_dossier


class Price(msgspec.Struct, frozen=True):
    """Per unit of the line's quantity. `source`: contract, requester or item."""

    unit_price: Money
    source: str
    contract_number: str | None = None


def price_of(
    line: RequisitionLine, item: Item | None, supplier: str | None, facility: str | None, day: date, world: World
) -> Price | None:
    """The lowest of the contracts that hold: of those that line and item name, else of any of the supplier's.

    None: nobody knows one, or its unit cannot be converted exactly.
    """
    for contracts in (_named, _of_supplier):
        found = [*_contracted(contracts(line, item, supplier, world), line, item, supplier, facility, day)]
        if found:
            return _lowest(found, line, item)
    if line.anticipated_price is not None:
        return Price(line.anticipated_price, "requester")
    if item is None or item.cost_price is None:
        return None
    per_base = factor(line.quantity.unit, item.unit, item, supplier, day)
    price = None if per_base is None else exact(Fraction(item.cost_price.amount) * per_base)
    return None if price is None else Price(Money(amount=price, currency=item.cost_price.currency), "item")


def _lowest(found: list[Price], line: RequisitionLine, item: Item | None) -> Price:
    """Of one currency, for nobody told of a rate: that of the expected price, else of the item's, else of the first
    contract."""
    known = [one.currency for one in (line.anticipated_price, item.cost_price if item else None) if one is not None]
    known += [min(found, key=lambda one: one.contract_number or "").unit_price.currency]
    offered = {one.unit_price.currency for one in found}
    wanted = next(one for one in known if one in offered)
    comparable = (one for one in found if one.unit_price.currency == wanted)
    return min(comparable, key=lambda one: (one.unit_price.amount, one.contract_number or ""))


def _named(line: RequisitionLine, item: Item | None, supplier: str | None, world: World) -> Iterator[Contract]:
    for number in dict.fromkeys((line.contract_number, *(item.contract_numbers if item else ()))):
        contract = world.find(Contract, number) if number else None
        if contract is not None:
            yield contract


def _of_supplier(line: RequisitionLine, item: Item | None, supplier: str | None, world: World) -> Iterable[Contract]:
    """Few items' masters keep up with the numbers of contracts."""
    return world.papers(contracts_dossier(supplier)).newest(Contract) if supplier and item else ()


def _contracted(
    contracts: Iterable[Contract], line: RequisitionLine, item: Item | None, supplier: str | None,
    facility: str | None, day: date,
) -> Iterator[Price]:  # fmt: skip
    for contract in contracts:
        if contract.supplier_number == supplier:
            for price in contract_prices(contract, item, line.quantity, facility, day):
                yield Price(price, "contract", contract.contract_number)


def contract_prices(
    contract: Contract, item: Item | None, quantity: Quantity, facility: str | None, day: date
) -> Iterator[Money]:
    """Prices per unit of `quantity` that the contract gives this facility on this day."""
    tiers = tiers_of(contract, facility, day)
    if item is None or tiers is None or not contract.active or not contract.is_valid_on(day):
        return
    for line in contract.lines:
        if _is_for(line, item) and line.is_valid_on(day) and line.tier in (None, *tiers):
            price = _per_unit(line, item, quantity, contract.supplier_number, day)
            if price is not None:
                yield price


def tiers_of(contract: Contract, facility: str | None, day: date) -> frozenset[str] | None:
    """Tiers that a facility reached; None: it is no member."""
    if not contract.members:
        return frozenset()
    own = [one for one in contract.members if one.facility in (None, facility) and one.is_valid_on(day)]
    return frozenset(one.tier for one in own if one.tier) if own else None


def _is_for(line: ContractLine, item: Item) -> bool:
    if line.item_number is not None:
        return line.item_number == item.item_number
    return line.supplier_item_number is not None and line.supplier_item_number == item.supplier_item_number


def _per_unit(line: ContractLine, item: Item, quantity: Quantity, supplier: str | None, day: date) -> Money | None:
    per = factor(quantity.unit, line.unit, item, supplier, day)
    amount = None if per is None else exact(Fraction(quantity.amount) * per)
    if per is None or amount is None:
        return None
    price = line.price_for(amount)
    if per == 1:
        return price
    of_unit = exact(Fraction(price.amount) * per)
    return None if of_unit is None else Money(amount=of_unit, currency=price.currency)


# ------------------------------------------------------------------ units
def quantity_in(quantity: Quantity, unit: str, item: Item, supplier: str | None, day: date) -> Decimal | None:
    """The amount in another unit; None when no conversion is known, or the result has no end."""
    per = factor(quantity.unit, unit, item, supplier, day)
    return None if per is None else exact(Fraction(quantity.amount) * per)


def factor(unit: str, to: str, item: Item, supplier: str | None, day: date) -> Fraction | None:
    """So many `to` are one `unit` of this item; None: nobody told of it. It is never assumed."""
    found = units_factor(unit, to, item, supplier, day)
    return None if found is None else Fraction(found)


def exact(value: Fraction) -> Decimal | None:
    """The same number as a Decimal; None when it has no end (a third)."""
    rest = value.denominator
    for prime in (2, 5):
        while rest % prime == 0:
            rest //= prime
    if rest != 1:
        return None
    places = max(0, value.denominator.bit_length())
    return _shortest(Decimal(value.numerator * 10**places // value.denominator).scaleb(-places))


def _shortest(value: Decimal) -> Decimal:
    """Without zeros at its end, and no exponent above zero."""
    short = value.normalize()
    return short.quantize(Decimal(1)) if short == short.to_integral_value() else short
