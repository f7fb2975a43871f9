"""Contracts and their prices: for whom, at which tier, in which unit, from when to when.

Source: X12 832 and 845 price authorisations; how group purchasing organizations tier their prices.
"""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field, model_validator

from engine.canonical.base import Code, Document, Effective, Text, Value
from engine.canonical.money import Exact, Money, Unit
from engine.canonical.party import Identifier


class PriceBreak(Value):
    """`price` per unit holds for orders of `minimum` units or more."""

    minimum: Exact
    price: Money


class ContractTier(Value):
    """A step of the contract's prices that members reach by commitment or volume."""

    code: Code
    description: Text | None = None
    requirement: Text | None = None


class ContractMember(Effective):
    """Who may buy by the contract: a facility by its GLN, at a tier."""

    facility: Code | None = None
    gln: Code | None = None
    tier: Code | None = None


class ContractLine(Effective):
    """A price per `unit`. Without `tier` it holds for all tiers; breaks are prices from a quantity on."""

    number: int = Field(ge=1)
    unit: Unit
    price: Money
    item_number: Code | None = None
    supplier_item_number: Code | None = None
    identifiers: tuple[Identifier, ...] = ()
    tier: Code | None = None
    breaks: tuple[PriceBreak, ...] = ()
    description: Text | None = None

    def price_for(self, amount: Exact) -> Money:
        """Per unit, for an order of so many units."""
        reached = [one for one in self.breaks if one.minimum <= amount]
        return max(reached, key=lambda one: one.minimum).price if reached else self.price


class Contract(Effective, Document):
    """What a supplier promised: prices by item, unit, tier and date. Lines' dates lie within the contract's."""

    kind: ClassVar[str] = "Contract"

    contract_number: Code
    supplier_number: Code
    lines: tuple[ContractLine, ...] = Field(min_length=1)
    name: Text | None = None
    gpo: Code | None = Field(default=None, description="Group purchasing organization that made it; none: our own.")
    gpo_contract_number: Code | None = None
    members: tuple[ContractMember, ...] = Field(default=(), description="None: every facility may buy by it.")
    tiers: tuple[ContractTier, ...] = ()
    currency: str = "USD"
    active: bool = True

    @property
    def natural_key(self) -> str:
        return self.contract_number

    @model_validator(mode="after")
    def _tiers_are_known(self) -> Contract:
        known = {one.code for one in self.tiers}
        named = {one.tier for one in self.lines if one.tier} | {one.tier for one in self.members if one.tier}
        if self.tiers and not named <= known:
            raise ValueError("a line or member names a tier that the contract does not have")
        return self
