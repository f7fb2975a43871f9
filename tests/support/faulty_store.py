"""A database whose connection fails where the test says: at the n-th thing asked of it."""

from __future__ import annotations

import sqlite3
from contextlib import AbstractContextManager
from typing import Any

import sqlalchemy as sa

from engine.store.database import Database
from engine.store.session import Session

DISK_FULL = "database or disk is full"
DEVICE = "disk I/O error"
WORK = frozenset({"begin", "insert", "change", "find", "mark", "commit"})


class FaultySession:
    """Passes everything on to a real session, and fails instead when it is time."""

    def __init__(self, real: Session, owner: FaultyDatabase) -> None:
        self._real, self._owner = real, owner

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._real, name)
        if name not in WORK:
            return found

        def asked(*arguments: Any) -> Any:
            self._owner.step(name)
            return found(*arguments)

        return asked


class FaultyDatabase:
    """`fail_at`: number, from 1, of the write that fails; later ones fail too until `mend`."""

    name = "faulty"

    def __init__(self, real: Database) -> None:
        self._real = real
        self.steps: list[str] = []
        self.fail_at: int | None = None
        self.words = DISK_FULL
        self.suspected = 0

    def step(self, what: str) -> None:
        self.steps.append(what)
        if self.fail_at is not None and len(self.steps) >= self.fail_at:
            raise sqlite3.OperationalError(self.words)

    def mend(self) -> None:
        self.fail_at = None

    def writer(self) -> Any:
        return FaultySession(self._real.writer(), self)

    def reading(self) -> AbstractContextManager[sa.Connection]:
        found: AbstractContextManager[sa.Connection] = self._real.reading()
        return found

    def suspect(self) -> None:
        self.suspected += 1
        self._real.suspect()

    def after_commit(self, session: Session, idle: bool) -> None:
        """The wrapped session is not the real database's own."""

    def close(self) -> None:
        self._real.close()
