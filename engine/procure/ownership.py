"""Who decides an exception, by when, and how it ranks among the others."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import msgspec

from engine.core.clock import to_micros
from engine.procure.decision import Finding, World

_USUAL_TIME = timedelta(days=2)


class Owner(msgspec.Struct, frozen=True):
    """`name` of a role or person; `rank`: the highest is shown first."""

    name: str
    due_micros: int
    rank: int


def owner_of(found: Finding, world: World) -> Owner:
    due = found.due_by or world.now + _USUAL_TIME
    money = found.money.amount if found.money else Decimal(0)
    return Owner("accounts-payable", to_micros(due), int(min(money, Decimal(1_000_000))))
