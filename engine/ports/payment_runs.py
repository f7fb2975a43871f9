"""What a payment run's timetable and the process promise one another."""

from __future__ import annotations

from datetime import date
from fractions import Fraction
from typing import Protocol

import msgspec

from engine.canonical import Money, PaymentRun

USUAL_COST = Fraction(8, 100)  # a year, of the money that is paid earlier


class RunRules(msgspec.Struct, frozen=True):
    """`cost` of money a year, as a share; `limit` of what may be paid in its currency."""

    cost: Fraction = USUAL_COST
    limit: Money | None = None


USUAL_RULES = RunRules()


class Proposes(Protocol):
    async def propose(self, number: str, pay_on: date, next_run: date, rules: RunRules = USUAL_RULES) -> PaymentRun:
        """The run of this number, made now or earlier, and its payments proposed.

        Raises:
            StoreError: nothing is certain; the same call is safe again.
        """
        ...
