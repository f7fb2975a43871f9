"""How far a figure may differ: limits of the policies, exact. At the limit is within."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from functools import lru_cache

import msgspec

from engine.channel.policies import Policies
from engine.channel.policy_matching import Limit
from engine.channel.policy_parts import Aspects
from engine.procure.decision import text_of
from engine.procure.exact import Exact, decimal_of, exact, size
from engine.procure.policies import tolerance_for

_EXACT = Limit(absolute=Decimal(0))
_FREE = Limit(unlimited=True)
_PARTS = frozenset({"quantity_ordered", "quantity_received", "quantity_accepted"})


class Verdict(msgspec.Struct, frozen=True):
    """`difference` is actual less expected; `allowed` to that side, None without a limit."""

    rule: str
    expected: Exact
    actual: Exact
    allowed: Exact | None

    @property
    def difference(self) -> Exact:
        return self.actual - self.expected

    @property
    def within(self) -> bool:
        return self.allowed is None or size(self.difference) <= self.allowed

    @property
    def above(self) -> bool:
        return self.actual > self.expected

    @property
    def facts(self) -> dict[str, str]:
        allowed = "any" if self.allowed is None else shown(self.allowed)
        figures = {"expected": shown(self.expected), "actual": shown(self.actual)}
        return {"rule": self.rule, **figures, "difference": shown(self.difference), "allowed": allowed}

    @property
    def edge(self) -> Exact | None:
        """The last figure to its side that is within; None: any is."""
        if self.allowed is None:
            return None
        return self.expected + (self.allowed if self.above else -self.allowed)

    @property
    def flip(self) -> str:
        """The smallest change of the figure that would have been within."""
        return self.flip_with()

    def flip_with(self, *edges: Exact | None) -> str:
        """
        Args:
            edges: to the same side, of other rules that the figure must hold to as well.
        """
        if self.within or self.allowed is None:
            return ""
        known = [one for one in (self.edge, *edges) if one is not None]
        edge = min(known) if self.above else max(known)
        return f"{text_of(_inward(edge, self.above))} instead of {shown(self.actual)} would have been within"


def judge(
    rule: str, expected: Exact | Decimal, actual: Exact | Decimal, policies: Policies, of: Aspects, credit: bool = False
) -> Verdict:
    """By the most specific rule; without one the figures must be equal, only parts of a quantity are always fine.

    Args:
        credit: of a credit memo, less is not better: the upper limit holds to either side.
    """
    wanted = exact(expected) if isinstance(expected, Decimal) else expected
    found = exact(actual) if isinstance(actual, Decimal) else actual
    tolerance = tolerance_for(policies, rule, of)
    usual = (_EXACT, _FREE if rule in _PARTS else _EXACT)
    upper, lower = (tolerance.upper, tolerance.lower) if tolerance is not None else usual
    return Verdict(rule, wanted, found, allowed_by(upper if credit or found > wanted else lower, wanted))


def allowed_by(limit: Limit, expected: Exact) -> Exact | None:
    """The greatest difference that is within; None: any."""
    if limit.unlimited:
        return None
    limits = [] if limit.absolute is None else [exact(limit.absolute)]
    if limit.percent is not None:
        limits.append(size(expected) * _hundredth(limit.percent))
    if not limits:
        return 0
    return max(limits) if limit.take == "higher" else min(limits)


@lru_cache(maxsize=256)
def _hundredth(percent: Decimal) -> Fraction:
    return Fraction(percent) / 100


def _inward(edge: Exact, above: bool) -> Decimal:
    """To six places, and never beyond the edge."""
    millionths, rest = divmod(edge.numerator * 1_000_000, edge.denominator)
    if rest and not above:
        millionths += 1
    return decimal_of(Fraction(millionths, 1_000_000))


def shown(value: Exact) -> str:
    return text_of(decimal_of(value))
