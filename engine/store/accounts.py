"""The Accounts port over SQL: SQLite in a file of its own, or the site's PostgreSQL.

An attempt to sign in is counted before the password is looked at, so that many attempts at once cannot slip
under the lockout together.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any, TypeVar

from argon2 import PasswordHasher
from sqlalchemy import Connection, Engine, Row, delete, func, insert, select, text, update

from engine.core.clock import Clock, SystemClock, from_micros, to_micros
from engine.core.errors import AccountError, LinkError, LockedOutError, SignInError
from engine.ports.accounts import (
    IDLE_LIMIT,
    LINK_LIMIT,
    LOCKOUT_FAILURES,
    LOCKOUT_TIME,
    SESSION_LIMIT,
    Link,
    Role,
    Session,
    User,
)
from engine.store.accounts_schema import failures, links, metadata, sessions, users
from engine.store.passwords import check_policy, make_hasher, make_token, matches, token_digest

T = TypeVar("T")
_NAME = re.compile(r"[a-z][a-z0-9._-]{1,63}")
# Two nodes may count the first failure of a name at once; both databases know this form.
_FIRST_FAILURE = text(
    "INSERT INTO account_failure (name, attempts, last_micros) VALUES (:name, 0, :now) ON CONFLICT DO NOTHING"
)
_SEEN_STEP = 20_000_000  # a session's last use is written at most this often (microseconds)
_LOCKOUT, _IDLE, _LIFE = (d // timedelta(microseconds=1) for d in (LOCKOUT_TIME, IDLE_LIMIT, SESSION_LIMIT))


def tidy_name(name: str) -> str:
    return name.strip().lower()


class SqlAccounts:
    """Args:
    engine: its tables are made when absent.
    hasher: argon2id with other parameters, for tests.
    """

    def __init__(self, engine: Engine, clock: Clock | None = None, hasher: PasswordHasher | None = None) -> None:
        self._engine, self._clock = engine, clock or SystemClock()
        self._hasher = hasher or make_hasher()
        self._decoy: str | None = None
        # One writer and one password at a time: signing in may wait, the engine's memory and CPU may not.
        self._writer = ThreadPoolExecutor(1, "accounts")
        self._passwords = ThreadPoolExecutor(1, "passwords")
        metadata.create_all(engine)

    def close(self) -> None:
        self._writer.shutdown()
        self._passwords.shutdown()
        self._engine.dispose()

    # -------------------------------------------------------------- one-time links
    async def first_admin_link(self) -> str | None:
        return await self._write(self._make_first_link)

    def _make_first_link(self, db: Connection) -> str | None:
        if _administrators(db):
            return None
        db.execute(delete(links).where(links.c.name.is_(None)))
        return self._make_link(db, None)

    def _make_link(self, db: Connection, name: str | None) -> str:
        token, expires = make_token(), self._now() + LINK_LIMIT // timedelta(microseconds=1)
        db.execute(insert(links).values(digest=token_digest(token), name=name, expires_micros=expires))
        return token

    async def link(self, token: str) -> Link | None:
        return await self._write(lambda db: self._find_link(db, token))

    def _find_link(self, db: Connection, token: str) -> Link | None:
        good = (links.c.digest == token_digest(token)) & (links.c.expires_micros > self._now())
        row = db.execute(select(links).where(good)).first()
        if row is None or (row.name is None and _administrators(db)):
            return None
        user = _user_row(db, row.name) if row.name else None
        role = Role(user.role) if user else Role.ADMIN
        return Link(name=row.name, role=role, expires_at=from_micros(row.expires_micros))

    async def redeem(self, token: str, name: str, password: str) -> User:
        name = tidy_name(name)
        check_policy(name, password)
        if await self.link(token) is None:  # before the costly digest
            raise _bad_link()
        digest = await self._in_password_thread(lambda: self._hasher.hash(password))
        return await self._write(lambda db: self._redeem(db, token, name, digest))

    def _redeem(self, db: Connection, token: str, name: str, digest: str) -> User:
        found = self._find_link(db, token)
        used = db.execute(delete(links).where(links.c.digest == token_digest(token))).rowcount
        if found is None or used != 1:
            raise _bad_link()
        if found.name is None:
            self._add_user(db, name, found.role, ())
        elif found.name != name:
            raise AccountError("this link is for another name")
        db.execute(update(users).where(users.c.name == name).values(password=digest, active=True))
        db.execute(delete(failures).where(failures.c.name == name))
        return self._user(db, name)

    # -------------------------------------------------------------- sessions
    async def sign_in(self, name: str, password: str) -> tuple[str, Session]:
        name = tidy_name(name)[:64]
        stored = await self._write(lambda db: self._count_attempt(db, name))
        good = await self._in_password_thread(lambda: self._matches(stored, password))
        if not good or stored is None:
            raise SignInError("the name or the password is wrong")
        return await self._write(lambda db: self._begin_session(db, name))

    def _count_attempt(self, db: Connection, name: str) -> str | None:
        """The stored digest, None for nobody's name. Raises LockedOutError."""
        now = self._now()
        db.execute(delete(failures).where(failures.c.last_micros <= now - _LOCKOUT))
        db.execute(_FIRST_FAILURE, {"name": name, "now": now})
        row = db.execute(select(failures).where(failures.c.name == name).with_for_update()).one()
        if row.attempts >= LOCKOUT_FAILURES:
            raise LockedOutError("too many failures in a row", remedy="wait fifteen minutes or ask an administrator")
        more = {"attempts": failures.c.attempts + 1, "last_micros": now}
        db.execute(update(failures).where(failures.c.name == name).values(more))
        user = _user_row(db, name)
        return user.password if user is not None and user.active else None

    def _begin_session(self, db: Connection, name: str) -> tuple[str, Session]:
        token, now = make_token(), self._now()
        db.execute(delete(failures).where(failures.c.name == name))
        db.execute(delete(sessions).where(sessions.c.seen_micros < now - _IDLE))
        values = {"csrf": make_token(), "started_micros": now, "seen_micros": now}
        db.execute(insert(sessions).values(digest=token_digest(token), name=name, **values))
        db.execute(update(users).where(users.c.name == name).values(last_sign_in_micros=now))
        session = self._find_session(db, token, touch=False)
        if session is None:
            raise SignInError("the name or the password is wrong")  # deactivated in between
        return token, session

    async def session(self, token: str, *, touch: bool = True) -> Session | None:
        return await self._write(lambda db: self._find_session(db, token, touch=touch))

    def _find_session(self, db: Connection, token: str, *, touch: bool) -> Session | None:
        now, digest = self._now(), token_digest(token)
        row = db.execute(select(sessions).where(sessions.c.digest == digest)).first()
        if row is None or now - row.seen_micros >= _IDLE or now - row.started_micros >= _LIFE:
            return None
        user = self._user(db, row.name)
        if not user.active:
            return None
        if touch and now - row.seen_micros > _SEEN_STEP:
            db.execute(update(sessions).where(sessions.c.digest == digest).values(seen_micros=now))
        return Session(
            key=digest[:32],
            user=user,
            csrf=row.csrf,
            started_at=from_micros(row.started_micros),
            expires_at=from_micros(min(row.seen_micros + _IDLE, row.started_micros + _LIFE)),
        )

    async def sign_out(self, token: str) -> None:
        gone = delete(sessions).where(sessions.c.digest == token_digest(token))
        await self._write(lambda db: db.execute(gone).close())

    async def change_password(self, name: str, current: str, new: str) -> None:
        stored = await self._write(lambda db: self._count_attempt(db, name))
        if not await self._in_password_thread(lambda: self._matches(stored, current)):
            raise SignInError("the current password is wrong")
        check_policy(name, new)
        digest = await self._in_password_thread(lambda: self._hasher.hash(new))
        await self._write(lambda db: self._set_password(db, name, digest))

    def _set_password(self, db: Connection, name: str, digest: str | None) -> None:
        db.execute(update(users).where(users.c.name == name).values(password=digest))
        db.execute(delete(sessions).where(sessions.c.name == name))
        db.execute(delete(failures).where(failures.c.name == name))

    # -------------------------------------------------------------- people
    async def users(self) -> list[User]:
        return await self._write(self._all_users)

    def _all_users(self, db: Connection) -> list[User]:
        locks = {row.name: row for row in db.execute(select(failures))}
        return [_as_user(row, locks.get(row.name)) for row in db.execute(select(users).order_by(users.c.name))]

    async def invite(self, name: str, role: Role, facilities: Sequence[str] = ()) -> str:
        name = tidy_name(name)
        return await self._write(lambda db: self._invite(db, name, role, facilities))

    def _invite(self, db: Connection, name: str, role: Role, facilities: Sequence[str]) -> str:
        if _user_row(db, name) is None:
            self._add_user(db, name, role, facilities)
        else:
            _keep_an_administrator(db, name)
            self._set_user(db, name, role, facilities, True)
            self._set_password(db, name, None)
        db.execute(delete(links).where(links.c.name == name))
        return self._make_link(db, name)

    def _add_user(self, db: Connection, name: str, role: Role, facilities: Sequence[str]) -> None:
        if not _NAME.fullmatch(name):
            raise AccountError("a name has 2 to 64 of a-z, 0-9, dot, dash and underscore and begins with a letter")
        if _user_row(db, name) is not None:
            raise AccountError("this name is taken")
        values = {"name": name, "role": role.value, "facilities": ",".join(facilities), "active": True}
        db.execute(insert(users).values(created_micros=self._now(), **values))

    async def change_user(self, name: str, role: Role, facilities: Sequence[str], active: bool) -> User:
        return await self._write(lambda db: self._change_user(db, name, role, facilities, active))

    def _change_user(self, db: Connection, name: str, role: Role, facilities: Sequence[str], active: bool) -> User:
        if role is not Role.ADMIN or not active:
            _keep_an_administrator(db, name)
        if not active:
            db.execute(delete(sessions).where(sessions.c.name == name))
        self._set_user(db, name, role, facilities, active)
        return self._user(db, name)

    def _set_user(self, db: Connection, name: str, role: Role, facilities: Sequence[str], active: bool) -> None:
        values = {"role": role.value, "facilities": ",".join(facilities), "active": active}
        if db.execute(update(users).where(users.c.name == name).values(values)).rowcount != 1:
            raise AccountError("there is no such account")

    async def unlock(self, name: str) -> None:
        await self._write(lambda db: db.execute(delete(failures).where(failures.c.name == name)).close())

    # -------------------------------------------------------------- inside
    def _now(self) -> int:
        return to_micros(self._clock.now())

    def _user(self, db: Connection, name: str) -> User:
        row = _user_row(db, name)
        if row is None:
            raise AccountError("there is no such account")
        return _as_user(row, db.execute(select(failures).where(failures.c.name == name)).first())

    async def _write(self, work: Callable[[Connection], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._writer, self._transact, work)

    def _transact(self, work: Callable[[Connection], T]) -> T:
        with self._engine.begin() as db:
            return work(db)

    def _matches(self, stored: str | None, password: str) -> bool:
        """Nobody's name costs the same time as a real one: its password is compared with a decoy."""
        if self._decoy is None:
            self._decoy = self._hasher.hash(make_token())
        return matches(self._hasher, stored or self._decoy, password)

    async def _in_password_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._passwords, work)


def _bad_link() -> LinkError:
    return LinkError("this link is not good any more", remedy="ask for a new one; each works once, within 24 hours")


def _user_row(db: Connection, name: str) -> Row[Any] | None:
    return db.execute(select(users).where(users.c.name == name)).first()


def _administrators(db: Connection, besides: str | None = None) -> int:
    """Active administrators who have a password."""
    good = (users.c.role == Role.ADMIN.value) & users.c.active & users.c.password.is_not(None)
    if besides is not None:
        good &= users.c.name != besides
    return db.execute(select(func.count()).select_from(users).where(good)).scalar_one()


def _keep_an_administrator(db: Connection, name: str) -> None:
    row = _user_row(db, name)
    if row is not None and row.role == Role.ADMIN.value and not _administrators(db, besides=name):
        raise AccountError("this is the last administrator", remedy="make another one first")


def _as_user(row: Row[Any], failure: Row[Any] | None) -> User:
    locked = failure is not None and failure.attempts >= LOCKOUT_FAILURES
    return User(
        name=row.name,
        role=Role(row.role),
        facilities=tuple(filter(None, row.facilities.split(","))),
        active=row.active,
        created_at=from_micros(row.created_micros),
        last_sign_in_at=None if row.last_sign_in_micros is None else from_micros(row.last_sign_in_micros),
        locked_until=from_micros(failure.last_micros + _LOCKOUT) if locked and failure else None,
        has_password=row.password is not None,
    )
