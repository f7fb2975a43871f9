"""How far a figure may differ: limits of the policies, exact. At the limit is within."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from functools import lru_cache

import msgspec

from engine.channel.policies import Policies
from engine.channel.policy_matching import Limit
from engine.channel.policy_parts import Aspects
from engine.core.currency import minor_places
from engine.procure.decision import text_of
from engine.procure.exact import Exact, decimal_of, exact, size
from engine.procure.policies import tolerance_for

_EXACT = Limit(absolute=Decimal(0))
_FREE = Limit(unlimited=True)
_PARTS = frozenset({"quantity_ordered", "quantity_received", "quantity_accepted"})

_OF_MONEY = frozenset({"freight", "invoice_total", "line_amount", "small_differences", "tax", "tax_line"})


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

    def flip_in(self, currency: str) -> str:
        """Of an amount of money, one that the currency has, where one of them is within."""
        edge = self.edge if self.rule in _OF_MONEY and not self.within else None
        if edge is None:
            return self.flip
        amount = _inward(edge, self.above, minor_places(currency))
        crosses = exact(amount) < self.expected if self.above else exact(amount) > self.expected
        return self.flip if crosses else self._flip(amount)

    def flip_with(self, *edges: Exact | None) -> str:
        """
        Args:
            edges: to the same side, of other rules that the figure must hold to as well.
        """
        if self.within or self.allowed is None:
            return ""
        known = [one for one in (self.edge, *edges) if one is not None]
        return self._flip(_inward(min(known) if self.above else max(known), self.above))

    def _flip(self, figure: Decimal) -> str:
        return f"{text_of(figure)} instead of {shown(self.actual)} would have been within"


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


def _inward(edge: Exact, above: bool, places: int = 6) -> Decimal:
    """To so many places, and never beyond the edge."""
    parts = 10**places
    whole, rest = divmod(edge.numerator * parts, edge.denominator)
    if rest and not above:
        whole += 1
    return decimal_of(Fraction(whole, parts))


def shown(value: Exact) -> str:
    return text_of(decimal_of(value))
