"""`config/policies/currencies.yaml`: the site's own currency, and what others are worth in it."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Annotated, Self

from pydantic import BeforeValidator, Field, model_validator

from engine.canonical.money import Currency, Money
from engine.channel.model import Settings
from engine.channel.policy_parts import NUMBER, exact_number

Worth = Annotated[Decimal, BeforeValidator(exact_number), Field(gt=0, allow_inf_nan=False), NUMBER]


class Rate(Settings):
    """What one unit of a currency is worth, from a day on until the next rate of it begins."""

    currency: Currency = Field(description="ISO 4217 letters.", examples=["EUR"])
    worth: Worth = Field(description="Of one unit, in the base currency.", examples=["1.0850"])
    first_day: date = Field(description="From.", examples=["2026-11-01"])
    last_day: date | None = Field(default=None, description="Until, this day included; left out: until the next one.")

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.last_day and self.last_day < self.first_day:
            raise ValueError("last_day is before first_day")
        return self


class Currencies(Settings):
    """All of `currencies.yaml`. Limits that name no currency are in `base`. What has no rate is above every limit."""

    base: Currency = Field(default="USD", description="Currency of all limits that name none.", examples=["USD"])
    rates: tuple[Rate, ...] = Field(default=(), description="Of a day, the rate that began last counts.")

    @model_validator(mode="after")
    def _told_once(self) -> Self:
        seen = set[tuple[str, date]]()
        for one in self.rates:
            if one.currency == self.base:
                raise ValueError(f"'{one.currency}' is the base currency: it has no rate")
            if (one.currency, one.first_day) in seen:
                raise ValueError(f"'{one.currency}' has two rates from {one.first_day} on: remove one of them")
            seen.add((one.currency, one.first_day))
        return self

    def rate(self, currency: str, day: date) -> Rate | None:
        """The one that holds on a day; None: nobody told one."""
        held = (one for one in self.rates if one.currency == currency and one.first_day <= day)
        newest = max(held, key=lambda one: one.first_day, default=None)
        return None if newest is None or (newest.last_day is not None and newest.last_day < day) else newest

    def worth(self, money: Money, currency: str, day: date) -> Fraction | None:
        """Exactly as much in another currency, by the rates of a day; None: nobody told one of them. Nothing is
        nothing in each."""
        if money.currency == currency or money.amount == 0:
            return Fraction(money.amount)
        units = [self._unit(one, day) for one in (money.currency, currency)]
        return None if units[0] is None or units[1] is None else Fraction(money.amount) * units[0] / units[1]

    def _unit(self, currency: str, day: date) -> Fraction | None:
        found = self.rate(currency, day)
        return Fraction(1) if currency == self.base else Fraction(found.worth) if found else None

    def is_above(self, money: Money, limit: Decimal | None, currency: str | None, day: date) -> bool:
        """Whether it is more than a limit in a currency (None: the base); what nobody can compare is. At the limit is
        not above."""
        if limit is None:
            return False
        worth = self.worth(money, currency or self.base, day)
        return worth is None or worth > limit
