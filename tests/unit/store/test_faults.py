"""Errors of the drivers become the engine's, say what to do, and never repeat a value."""

from __future__ import annotations

import errno
import sqlite3

import psycopg
import pytest
import sqlalchemy as sa

from engine.core.errors import DiskFullError, FencedError, StoreError
from engine.store.faults import is_broken, is_collision, translate

CANARY = "PATIENT-4711"
FULL = [
    sqlite3.OperationalError("database or disk is full"),
    OSError(errno.ENOSPC, "No space left on device"),
    psycopg.errors.DiskFull("could not extend file"),
]
BROKEN = [
    sqlite3.OperationalError("disk I/O error"),
    sqlite3.DatabaseError("database disk image is malformed"),
    psycopg.OperationalError("server closed the connection unexpectedly"),
    psycopg.errors.AdminShutdown("terminating connection"),
]
REFUSED = [
    sqlite3.IntegrityError(f"UNIQUE constraint failed {CANARY}"),
    psycopg.DataError(f"PostgreSQL text fields cannot contain NUL {CANARY}"),
    psycopg.errors.UniqueViolation(f"Key (id)=({CANARY}) already exists"),
    UnicodeEncodeError("utf-8", CANARY, 0, 1, "surrogates not allowed"),
]


@pytest.mark.parametrize("error", FULL, ids=repr)
def test_a_full_disk_is_named(error: Exception) -> None:
    assert isinstance(translate(error), DiskFullError)
    assert is_broken(error)


@pytest.mark.parametrize("error", BROKEN, ids=repr)
def test_a_broken_connection_or_device_must_be_reopened(error: Exception) -> None:
    assert type(translate(error)) is StoreError
    assert is_broken(error)


@pytest.mark.parametrize("error", REFUSED, ids=lambda error: type(error).__name__)
def test_refused_values_leave_the_connection_trusted_and_are_not_repeated(error: Exception) -> None:
    assert not is_broken(error)
    assert CANARY not in str(translate(error))


@pytest.mark.parametrize("error", FULL + BROKEN + REFUSED, ids=lambda error: type(error).__name__)
def test_an_error_wrapped_by_sqlalchemy_is_judged_by_its_cause(error: Exception) -> None:
    wrapped = sa.exc.DBAPIError("INSERT ...", {"natural_id": CANARY}, error)

    assert is_broken(wrapped) == is_broken(error)
    assert CANARY not in str(translate(wrapped))


def test_collisions_of_nodes_are_tried_again() -> None:
    assert is_collision(psycopg.errors.DeadlockDetected("deadlock detected"))
    assert is_collision(psycopg.errors.SerializationFailure("could not serialize"))
    assert not is_collision(sqlite3.IntegrityError("UNIQUE"))


def test_the_engines_own_errors_stay_what_they_are() -> None:
    error = FencedError("fenced")

    assert translate(error) is error
    assert not is_broken(error)
