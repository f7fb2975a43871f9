"""The policies as deciders look at them. Without any, the usual values of each file count."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from functools import lru_cache
from typing import Any

import msgspec

from engine.canonical import Money
from engine.channel.policies import Policies
from engine.channel.policy_matching import MatchRule, Tolerance
from engine.channel.policy_parts import Aspects, most_specific
from engine.ports.procure import Reference
from engine.procure.decision import World

USUAL = Policies()
_REMEMBERED = 20_000  # suppliers times categories; a decision asks several times a line
ACTIVE = Reference("Policies", "active")
ACTIVE_DOSSIER = "policies:active"
"""Where the revisions of the policies are kept; what is open looks at them, and is decided anew by new ones."""


def with_digest(state: Mapping[str, Any], policies: Any) -> Mapping[str, Any]:
    """Each decision says by which policies it was made."""
    return {**state, "policies": policies.digest} if isinstance(policies, Policies) else state


def decided_by(state: bytes) -> str | None:
    """The digest of the policies of a stored decision."""
    found = msgspec.json.decode(state).get("policies")
    return found if isinstance(found, str) else None


def policies_of(world: World) -> Policies:
    return world.policies if isinstance(world.policies, Policies) else USUAL


@lru_cache(maxsize=_REMEMBERED)
def tolerance_for(policies: Policies, rule: str, of: Aspects) -> Tolerance | None:
    """The most specific rule for a kind of figure; None: it must agree exactly."""
    rules = (one for one in policies.tolerances.rules if one.rule == rule)
    return next(iter(most_specific(rules, of)), None)


@lru_cache(maxsize=_REMEMBERED)
def match_rule_for(policies: Policies, of: Aspects, line_kind: str | None = None) -> MatchRule:
    """The most specific rule; three ways when none applies."""
    rules = (one for one in policies.matching.rules if one.line_kind in (None, line_kind))
    return next(iter(most_specific(rules, of)), MatchRule())


def is_above_four_eyes(money: Money | None, policies: Policies, day: date) -> bool:
    """Whether so much is at stake that a second person confirms; by the rates of the day."""
    limit = policies.exceptions.four_eyes_above
    if limit is None or money is None:
        return False
    return policies.currencies.is_above(Money(amount=abs(money.amount), currency=money.currency), limit, None, day)
