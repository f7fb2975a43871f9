"""People who use the console and the API: users, roles, sessions and one-time links.

Passwords, session tokens and link tokens are stored as digests only. Every method is async, because hashing
a password costs tens of milliseconds of CPU and must not stop the engine's loop.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

import msgspec

PASSWORD_MIN_LENGTH = 12
PASSWORD_MAX_LENGTH = 256
LOCKOUT_FAILURES = 10
LOCKOUT_TIME = timedelta(minutes=15)
IDLE_LIMIT = timedelta(minutes=15)
SESSION_LIMIT = timedelta(hours=12)
LINK_LIMIT = timedelta(hours=24)


class Role(StrEnum):
    """What a person may do. Each role may do everything that the roles above it may."""

    VIEWER = "viewer"  # see channels, messages, audit
    OPERATOR = "operator"  # pause and resume, resend, confirm, discard
    ANALYST = "analyst"  # deploy and roll back revisions, plan and run replays
    ADMIN = "admin"  # people, retention

    @property
    def rank(self) -> int:
        return list(Role).index(self)

    def may(self, needed: Role) -> bool:
        return self.rank >= needed.rank


class User(msgspec.Struct, frozen=True):
    """`facilities` limits what the person sees; empty: all facilities. `name` is unique, lower case."""

    name: str
    role: Role
    facilities: Sequence[str] = ()
    active: bool = True
    created_at: datetime | None = None
    last_sign_in_at: datetime | None = None
    locked_until: datetime | None = None
    has_password: bool = True


class Session(msgspec.Struct, frozen=True):
    """A signed-in person. `key` names the session in memory (a digest, not the token)."""

    key: str
    user: User
    csrf: str
    started_at: datetime
    expires_at: datetime


class Link(msgspec.Struct, frozen=True):
    """Whom a one-time link lets in, once, to set a password. `name` None: the first administrator, who chooses one."""

    name: str | None
    role: Role
    expires_at: datetime


class Accounts(Protocol):
    """People, their passwords, roles and one-time links."""

    async def first_admin_link(self) -> str | None:
        """A fresh one-time token for the first administrator, or None when there is one.

        Earlier unused tokens for the first administrator stop working.
        """
        ...

    async def link(self, token: str) -> Link | None:
        """What the link is good for, without using it; None: unknown, used or expired."""
        ...

    async def redeem(self, token: str, name: str, password: str) -> User:
        """Set the password of the link's account (of a new administrator for the first link). Once.

        Raises:
            LinkError: unknown, used or expired.
            PasswordPolicyError: the password is too weak; the link stays good.
            AccountError: the name is not usable.
        """
        ...

    async def sign_in(self, name: str, password: str) -> tuple[str, Session]:
        """The session's token, for the cookie, and the session.

        Raises:
            SignInError: wrong name or password.
            LockedOutError: ten failures in a row; also the right password is refused for fifteen minutes.
        """
        ...

    async def session(self, token: str, *, touch: bool = True) -> Session | None:
        """The session of a cookie; None: unknown, signed out, idle for 15 minutes or 12 hours old.

        `touch` False: a page refreshing itself, which does not count as activity.
        """
        ...

    async def sign_out(self, token: str) -> None: ...

    async def change_password(self, name: str, current: str, new: str) -> None:
        """Ends every session of the account.

        Raises:
            SignInError: `current` is wrong.
            PasswordPolicyError: `new` is too weak.
        """
        ...

    async def users(self) -> list[User]: ...

    async def invite(self, name: str, role: Role, facilities: Sequence[str] = ()) -> str:
        """Make an account without a password, or reset one; returns the token of a one-time link.

        Raises:
            AccountError: the name is not usable, or this would leave no administrator.
        """
        ...

    async def change_user(self, name: str, role: Role, facilities: Sequence[str], active: bool) -> User:
        """Takes effect at once, also in open sessions; a deactivated person is signed out.

        Raises:
            AccountError: unknown name, or this would leave no administrator.
        """
        ...

    async def unlock(self, name: str) -> None: ...
