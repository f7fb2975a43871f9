"""Errors of the databases become the engine's own, without any value of a message in them."""

from __future__ import annotations

import errno

import sqlalchemy as sa

from engine.core.errors import DiskFullError, IsthmusError, StoreError, UnstorableError

_FULL = ("database or disk is full", "no space left", "disk full", "file too large")
_DISK_FULL_SQLSTATES = frozenset({"53100", "53400"})
_LOST_CLASSES = ("08", "57", "58", "53", "XX")  # connection, operator intervention, system, resources, internal
_AGAIN = frozenset({"40001", "40P01", "55P03"})  # serialisation, deadlock, lock not available


def translate(error: BaseException) -> IsthmusError:
    """The error to give to those who wait for a commit."""
    if isinstance(error, IsthmusError):
        return error
    cause = _driver_error(error)
    if _is_full(cause):
        return DiskFullError("the disk of the store is full", remedy="free space; the engine goes on by itself")
    kind = type(cause).__name__
    if is_broken(cause):
        return StoreError(f"the store cannot be written ({kind})", remedy="see the database's own log; retried")
    return UnstorableError(f"the store refused these values ({kind})", remedy="the message holds what it cannot keep")


def is_broken(error: BaseException) -> bool:
    """The connection, the disk or the server is at fault: reopen before going on. False: the values are."""
    cause = _driver_error(error)
    if isinstance(cause, OSError | MemoryError) or _is_full(cause):
        return True
    state = getattr(cause, "sqlstate", None)
    if state is not None:
        return state in _AGAIN or state.startswith(_LOST_CLASSES)
    return type(cause).__name__ in {"OperationalError", "DatabaseError", "InterfaceError"}


def is_collision(error: BaseException) -> bool:
    """Another node was in the way: the same transaction will succeed when tried again."""
    return getattr(_driver_error(error), "sqlstate", None) in _AGAIN


def _driver_error(error: BaseException) -> BaseException:
    if isinstance(error, sa.exc.DBAPIError) and error.orig is not None:
        return error.orig
    return error


def _is_full(error: BaseException) -> bool:
    if isinstance(error, OSError):
        return error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
    if getattr(error, "sqlstate", None) in _DISK_FULL_SQLSTATES:
        return True
    return any(words in str(error).lower() for words in _FULL)
