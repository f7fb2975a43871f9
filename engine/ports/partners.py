"""Suppliers who ask how their own invoices stand: tokens of programs, not of people."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Protocol

import msgspec

TOKEN_LIFE = timedelta(days=365)


class PartnerToken(msgspec.Struct, frozen=True):
    """What is kept of a token: never the token. `mark`: its first characters, to tell it from others."""

    mark: str
    supplier: str
    made_by: str
    made_at: datetime
    expires_at: datetime


class PartnerTokens(Protocol):
    """
    Every method raises:
        StoreError: the store cannot be read or written now.
    """

    async def issue(self, supplier: str, made_by: str) -> str:
        """The token: shown once, kept as a digest."""
        ...

    async def supplier_of(self, token: str) -> str | None:
        """None: unknown, withdrawn or expired."""
        ...

    async def tokens(self) -> list[PartnerToken]: ...

    async def withdraw(self, supplier: str) -> int:
        """All tokens of a supplier end at once. Returns how many there were."""
        ...
