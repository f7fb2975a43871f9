"""The dictionary of names survives neither rollback nor another node's additions wrongly."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.store.database import SqliteDatabase
from engine.store.migrate import bring_up_to_date
from engine.store.names import Names


@pytest.fixture
def database(tmp_path: Path) -> SqliteDatabase:
    made = SqliteDatabase(tmp_path / "journal.db")
    bring_up_to_date(made)
    return made


def test_a_number_given_in_a_transaction_that_was_rolled_back_is_forgotten(database: SqliteDatabase) -> None:
    names, session = Names(), database.writer()
    session.begin()
    names.number(session, "lost")
    session.rollback()
    names.forget()

    session.begin()
    kept = names.number(session, "kept")
    session.commit()
    names.keep()

    with database.reading() as connection:
        assert names.known(connection, "lost") is None
        assert names.name(connection, kept) == "kept"
    session.close()
    database.close()


def test_names_added_by_another_are_found(database: SqliteDatabase) -> None:
    ours, theirs, session = Names(), Names(), database.writer()
    session.begin()
    number = theirs.number(session, "orders")
    session.commit()

    with database.reading() as connection:
        assert ours.known(connection, "orders") == number
        assert ours.name(connection, number) == "orders"
    session.begin()
    assert ours.number(session, "orders") == number
    session.rollback()
    session.close()
    database.close()
