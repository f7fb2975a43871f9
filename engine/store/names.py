"""Names that repeat on every row are stored as small integers; this is their dictionary, cached."""

from __future__ import annotations

import sqlalchemy as sa

from engine.store.schema import names
from engine.store.session import Session

MESSAGES = 0  # in `counters`: not a destination, the messages themselves


class Names:
    """Both directions. The writer adds; readers look up, and ask the database for what another node added.

    Names added by a transaction are trusted only after `keep`: a rollback takes their numbers back.
    """

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self._names: dict[int, str] = {}
        self._new: dict[str, int] = {}

    def number(self, session: Session, name: str) -> int:
        """The number of a name, made when it is new. Only in the writer's transaction."""
        known = self._numbers.get(name) or self._new.get(name)
        return known or self._make(session, name)

    def keep(self) -> None:
        """The transaction was committed."""
        if self._new:
            self._learn(self._new)
            self._new = {}

    def forget(self) -> None:
        """The transaction was rolled back."""
        self._new = {}

    def made(self) -> dict[str, int]:
        """What this transaction added so far."""
        return dict(self._new)

    def only(self, made: dict[str, int]) -> None:
        """A savepoint took the rest back."""
        self._new = made

    def known(self, connection: sa.Connection, name: str) -> int | None:
        if name not in self._numbers:
            self._load(connection)
        return self._numbers.get(name)

    def name(self, connection: sa.Connection, number: int) -> str:
        if number not in self._names:
            self._load(connection)
        return self._names[number]

    def _make(self, session: Session, name: str) -> int:
        find = sa.select(names.c.id).where(names.c.name == name)
        number = session.sql.execute(find).scalar()
        if number is None:
            session.sql.execute(_ADD, {"name": name})
            number = session.sql.execute(find).scalar_one()
        self._new[name] = number
        return int(number)

    def _load(self, connection: sa.Connection) -> None:
        self._learn({row.name: row.id for row in connection.execute(sa.select(names))})

    def _learn(self, found: dict[str, int]) -> None:
        self._numbers = self._numbers | found
        self._names = self._names | {number: name for name, number in found.items()}


_ADD = sa.text("INSERT INTO names (name) VALUES (:name) ON CONFLICT DO NOTHING")
