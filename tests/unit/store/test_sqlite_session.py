"""Bulk statements: few different texts, right rows, and a WAL whose size is known well enough."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.store.database import SqliteDatabase
from engine.store.migrate import bring_up_to_date
from engine.store.session import Change, Find, Insert
from engine.store.sqlite_session import LARGEST, WHOLE, SqliteSession, _parts

NAMES = Insert("names", ("id", "name"), ("int", "text"), "ON CONFLICT DO NOTHING")
RENAME = Change("UPDATE names SET name = v.name FROM {rows} WHERE names.id = v.id", ("id", "name"), ("int", "text"))
LOOK = Find("n.id, n.name", "FROM {rows} CROSS JOIN names n WHERE n.id = v.id", ("id",), ("int",))


@pytest.fixture
def session(tmp_path: Path) -> Iterator[SqliteSession]:
    database = SqliteDatabase(tmp_path / "journal.db")
    bring_up_to_date(database)
    opened = database.writer()
    assert isinstance(opened, SqliteSession)
    opened.begin()
    yield opened
    opened.rollback()
    opened.close()
    database.close()


@given(st.integers(0, 3000))
def test_parts_are_of_few_lengths_and_lose_nothing(count: int) -> None:
    rows = list(range(count))

    parts = _parts(rows)

    assert [row for part in parts for row in part] == rows
    few = {*range(WHOLE + 1)} | {1 << power for power in range(LARGEST.bit_length())}
    assert {len(part) for part in parts} <= few


@pytest.mark.parametrize("count", [1, 7, WHOLE])
def test_few_rows_are_one_statement(count: int) -> None:
    assert len(_parts(range(count))) == 1


@pytest.mark.parametrize("count", [1, 2, 7, 256, 300, 777])
def test_bulk_statements_treat_every_row(session: SqliteSession, count: int) -> None:
    inserted = session.insert(NAMES, [(number, f"n{number}") for number in range(1, count + 1)])
    changed = session.change(RENAME, [(number, f"m{number}") for number in range(1, count + 1)])

    found = session.find(LOOK, [(number,) for number in range(1, count + 100)])

    assert inserted == changed == count
    assert sorted(found) == [(number, f"m{number}") for number in range(1, count + 1)]


def test_rows_that_conflict_are_not_counted_as_inserted(session: SqliteSession) -> None:
    session.insert(NAMES, [(1, "a"), (2, "b")])

    assert session.insert(NAMES, [(2, "c"), (3, "b"), (4, "d")]) == 1


def test_nothing_is_asked_for_no_rows(session: SqliteSession) -> None:
    assert (session.insert(NAMES, []), session.change(RENAME, []), session.find(LOOK, [])) == (0, 0, [])


def test_after_a_checkpoint_the_size_of_the_wal_is_estimated_from_the_true_one(tmp_path: Path) -> None:
    database = SqliteDatabase(tmp_path / "journal.db")
    bring_up_to_date(database)
    session = database.writer()
    assert isinstance(session, SqliteSession)

    def write(start: int) -> None:
        session.begin()
        session.insert(NAMES, [(number, "name " * 40 + str(number)) for number in range(start, start + 500)])
        session.commit()

    write(1)
    session.checkpoint()
    emptied = session.wal_pages
    write(1001)
    estimated = session.wal_pages
    true = session.sql.exec_driver_sql("PRAGMA wal_checkpoint(PASSIVE)").one()[1]
    session.rollback()
    session.close()
    database.close()

    assert emptied == 0
    assert true / 2 <= estimated <= true * 2
