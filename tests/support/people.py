"""Accounts and audit for tests: the real SQL accounts in a temporary file, with a cheap password digest."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from argon2 import PasswordHasher
from sqlalchemy import create_engine

from engine.core.clock import Clock
from engine.ports.accounts import Role
from engine.ports.audit import AuditRecord
from engine.store.accounts import SqlAccounts

CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
PASSWORD = "harbor pilot vessel nine"


class AuditDouble:
    def __init__(self) -> None:
        self.kept: list[AuditRecord] = []

    async def record(self, who: str, action: str, subject: str, reason: str | None = None) -> None:
        at = datetime(2026, 11, 20, tzinfo=UTC)
        self.kept.append(AuditRecord(len(self.kept) + 1, at, who, action, subject, reason, ""))

    async def records(self, subject: str | None = None, limit: int = 100) -> list[AuditRecord]:
        return [r for r in reversed(self.kept) if subject in {None, r.subject}][:limit]

    async def verify(self) -> int | None:
        return None


def make_accounts(folder: Path, clock: Clock | None = None) -> SqlAccounts:
    engine = create_engine(f"sqlite:///{folder / 'accounts.db'}")
    return SqlAccounts(engine, clock, CHEAP)


async def enrol(accounts: SqlAccounts, name: str, role: Role, facilities: tuple[str, ...] = ()) -> str:
    """A person of this role; returns the session token."""
    token = await accounts.first_admin_link() if role is Role.ADMIN else None
    token = token or await accounts.invite(name, role, facilities)
    await accounts.redeem(token, name, PASSWORD)
    return (await accounts.sign_in(name, PASSWORD))[0]
