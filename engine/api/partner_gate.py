"""Who asks with a token, and not too often."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable

from starlette.requests import Request

from engine.ports.partners import PartnerTokens

PER_MINUTE = 60
_KEPT = 10_000  # askers that are remembered
_LONGEST = 200  # characters of a token


class TooOftenError(Exception):
    """More than `PER_MINUTE` calls."""


class PartnerGate:
    """A bucket for each supplier, and one for each address that comes with no good token."""

    def __init__(self, tokens: PartnerTokens | None, clock: Callable[[], float] = time.monotonic) -> None:
        self.tokens, self._clock = tokens, clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    async def supplier(self, request: Request) -> str | None:
        """None: no token, or not a good one.

        Raises:
            TooOftenError: it is not even looked at.
        """
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        stranger = f"from {request.client.host if request.client else '-'}"
        if self._left(stranger) < 1:
            raise TooOftenError
        good = scheme.lower() == "bearer" and 0 < len(token) <= _LONGEST
        supplier = await self.tokens.supplier_of(token) if good and self.tokens is not None else None
        asker = stranger if supplier is None else f"supplier {supplier}"
        if self._left(asker) < 1:
            raise TooOftenError
        self._buckets[asker] = (self._left(asker) - 1, self._clock())
        self._buckets.move_to_end(asker)
        if len(self._buckets) > _KEPT:
            self._buckets.popitem(last=False)
        return supplier

    def _left(self, asker: str) -> float:
        left, at = self._buckets.get(asker, (float(PER_MINUTE), self._clock()))
        return min(PER_MINUTE, left + (self._clock() - at) * PER_MINUTE / 60)
