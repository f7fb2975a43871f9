"""A system's books as a comparison looks at them: first counts and sums, then ranges, entries last.

The narrower question is asked only where the wider one differed, so that equal books cost a few numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import msgspec


class LedgerEntry(msgspec.Struct, frozen=True, order=True):
    """One document as a side has it. `key` is the document's natural key; `amount` is exact text without zeros at
    the end; `state` is in our words, empty where the side has none."""

    key: str
    supplier: str
    amount: str
    currency: str = "USD"
    state: str = ""


class Totals(msgspec.Struct, frozen=True, order=True):
    """Of one supplier and currency in a period; `sum` is exact text."""

    supplier: str
    currency: str
    count: int
    sum: str


class LedgerRange(msgspec.Struct, frozen=True, order=True):
    """Entries whose key's digest begins with `prefix` (hexadecimal): how many there are, and a digest over them."""

    prefix: str
    count: int
    digest: str


class LedgerView(Protocol):
    """
    `kind` is a canonical kind (`Invoice`), `period` a month of the accounting day (`2026-11`).

    Every method raises:
        TransportError: the system cannot be asked now.
    """

    @property
    def system(self) -> str: ...

    async def totals(self, kind: str, period: str) -> Sequence[Totals]: ...

    async def ranges(self, kind: str, period: str, supplier: str, prefixes: Sequence[str]) -> Sequence[LedgerRange]:
        """One for each prefix, also where there is nothing."""
        ...

    async def entries(self, kind: str, period: str, supplier: str, prefix: str) -> Sequence[LedgerEntry]: ...
