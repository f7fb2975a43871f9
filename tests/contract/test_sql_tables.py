"""What the `sql` source and destination promise, the same on SQLite, PostgreSQL and MariaDB."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from engine.connectors.sql.destination import SqlDestination
from engine.connectors.sql.settings import SqlDestinationSettings, SqlSourceSettings
from engine.connectors.sql.source import SqlSource
from engine.core.errors import DestinationError, StoreError, TransportError
from engine.ports.connector import Outbound, Reason
from tests.support.connector_doubles import Clock, Door, Secrets, context
from tests.support.mariadb import mariadb_uri
from tests.support.stores import create_database

__all__ = ["mariadb_uri"]
_COUNT = itertools.count(1)


class Hospital:
    """A database as its own programs see it."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url, self.folder = url, folder
        self.engine = sa.create_engine(url)
        self.kind, self.clock = self.engine.dialect.name, Clock()

    def run(self, *statements: str) -> None:
        with self.engine.begin() as connection:
            for statement in statements:
                connection.exec_driver_sql(statement)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with self.engine.connect() as connection:
            return [tuple(row) for row in connection.exec_driver_sql(query)]

    def source(self, **settings: Any) -> SqlSource:
        return SqlSource(SqlSourceSettings(url="env:URL", **settings), self._context())

    def destination(self, **settings: Any) -> SqlDestination:
        return SqlDestination(SqlDestinationSettings(url="env:URL", **settings), self._context())

    def _context(self) -> Any:
        url = self.url.replace("postgresql+psycopg:", "postgresql:")
        return context(self.folder, clock=self.clock, secrets=Secrets({"env:URL": url}))


@pytest.fixture(
    params=[
        "sqlite",
        pytest.param("postgresql", marks=pytest.mark.integration),
        pytest.param("mariadb", marks=pytest.mark.integration),
    ]
)
def hospital(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Hospital]:
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path}/hospital.db"
    elif request.param == "postgresql":
        uri = create_database(request.getfixturevalue("postgres_uri"), f"hospital_{next(_COUNT)}")
        url = uri.replace("postgresql:", "postgresql+psycopg:")
    else:
        url = request.getfixturevalue("mariadb_uri")
    found = Hospital(url, tmp_path)
    yield found
    if request.param == "mariadb":
        found.run("DROP DATABASE test", "CREATE DATABASE test")
    found.engine.dispose()


BY_ID: dict[str, Any] = {"table": "receipts", "key": ["id"], "watermark": "id", "page": 3}
BY_TIME: dict[str, Any] = {"table": "items", "key": ["number"], "watermark": "changed_at", "page": 3}
RECEIPTS = "CREATE TABLE receipts (id INTEGER PRIMARY KEY, quantity NUMERIC(12,4))"
ITEMS = "CREATE TABLE items (number VARCHAR(20) PRIMARY KEY, name VARCHAR(50), changed_at TIMESTAMP NULL)"


def received(door: Door, column: str = "id") -> list[Any]:
    return [json.loads(one.body)[column] for one in door.stored]


async def looked(source: SqlSource, door: Door, times: int = 1) -> None:
    for _ in range(times):
        await source.look(door)
    await source._database.close()


# ------------------------------------------------------------------ a watermark
async def test_each_row_is_taken_once_in_order_over_many_pages(hospital: Hospital) -> None:
    hospital.run(RECEIPTS, *(f"INSERT INTO receipts VALUES ({n}, {n}.2500)" for n in range(8, 0, -1)))
    door = Door()
    source = hospital.source(**BY_ID)
    await looked(source, door, 3)

    assert received(door) == [1, 2, 3, 4, 5, 6, 7, 8]
    assert door.asked == 8
    assert source.problem is None


async def test_row_whose_transaction_ended_late_is_not_lost(hospital: Hospital) -> None:
    hospital.run(RECEIPTS, "INSERT INTO receipts VALUES (1, 1), (3, 1)")
    door, source = Door(), hospital.source(**BY_ID)
    await source.look(door)
    hospital.run("INSERT INTO receipts VALUES (2, 1)")
    await looked(source, door, 2)

    assert received(door) == [1, 3, 2]


async def test_row_that_changed_is_a_message_of_its_own(hospital: Hospital) -> None:
    hospital.run(ITEMS, "INSERT INTO items VALUES ('A', 'gauze', '2026-03-01 10:00:00')")
    door, source = Door(), hospital.source(**BY_TIME)
    await source.look(door)
    hospital.run("UPDATE items SET name = 'gauze, sterile', changed_at = '2026-03-01 10:00:07' WHERE number = 'A'")
    await looked(source, door, 2)

    assert received(door, "name") == ["gauze", "gauze, sterile"]
    assert len({one.natural_id for one in door.stored}) == 2


async def test_rows_of_one_moment_are_all_taken_across_pages(hospital: Hospital) -> None:
    rows = (f"INSERT INTO items VALUES ('{n:02}', 'item', '2026-03-01 10:00:00')" for n in range(10))
    hospital.run(ITEMS, *rows)
    door = Door()
    await looked(hospital.source(**BY_TIME), door, 2)

    assert received(door, "number") == [f"{n:02}" for n in range(10)]
    assert door.asked == 10


async def test_late_row_with_an_earlier_time_is_not_lost(hospital: Hospital) -> None:
    hospital.run(ITEMS, "INSERT INTO items VALUES ('A', 'a', '2026-03-01 10:00:00')")
    door, source = Door(), hospital.source(**BY_TIME, overlap="5m")
    await source.look(door)
    hospital.run(
        "INSERT INTO items VALUES ('B', 'b', '2026-03-01 09:56:00')",
        "INSERT INTO items VALUES ('C', 'c', '2026-03-01 09:54:00')",
    )
    await looked(source, door)

    assert received(door, "number") == ["A", "B"]  # C came later than the overlap allows


async def test_row_whose_time_is_ahead_hides_none_of_those_before_it(hospital: Hospital) -> None:
    """A typing mistake, or a clock that went wrong for a moment."""
    ahead = "2031-03-01 10:00:00" if hospital.kind != "sqlite" else "2126-03-01 10:00:00"
    hospital.run(ITEMS, "INSERT INTO items VALUES ('A', 'a', '2026-03-01 10:00:00')")
    door, source = Door(), hospital.source(**BY_TIME, overlap="5m")
    await source.look(door)
    hospital.run(f"INSERT INTO items VALUES ('far', 'a', '{ahead}')")
    await source.look(door)
    hospital.run("INSERT INTO items VALUES ('B', 'b', '2026-03-01 10:00:01')")
    await looked(source, door, 2)
    await looked(hospital.source(**BY_TIME, overlap="5m"), door)
    hospital.clock.advance(timedelta(minutes=6))
    later = hospital.source(**BY_TIME, overlap="5m")
    await looked(later, door)
    hospital.clock.advance(timedelta(minutes=6))
    await looked(later, door)
    hospital.run("INSERT INTO items VALUES ('C', 'c', '2026-03-01 12:00:00')")
    await looked(later, door, 2)

    assert received(door, "number") == ["A", "far", "B", "C"]
    assert door.asked == 4


async def test_rows_without_a_watermark_are_told_because_they_are_never_read(hospital: Hospital) -> None:
    hospital.run(ITEMS, "INSERT INTO items VALUES ('A', 'a', NULL), ('B', 'b', '2026-03-01 10:00:00')")
    door, source = Door(), hospital.source(**BY_TIME)
    before = await source.check()
    await source.look(door)
    hospital.run("UPDATE items SET changed_at = '2026-03-01 10:00:01' WHERE number = 'A'")
    after = await source.check()
    await looked(source, door)

    assert (before.ok, after.ok) == (False, True)
    assert "watermark is NULL" in before.text
    assert received(door, "number") == ["B", "A"]


async def test_overlap_is_not_read_any_more_when_it_has_passed(hospital: Hospital) -> None:
    hospital.run(ITEMS, *(f"INSERT INTO items VALUES ('{n}', 'a', '2026-03-01 10:00:00')" for n in range(5)))
    door, source = Door(), hospital.source(**BY_TIME, overlap="5m")
    await source.look(door)
    hospital.clock.advance(timedelta(minutes=6))
    hospital.run("INSERT INTO items VALUES ('late', 'a', '2026-03-01 09:58:00')")
    await source.look(door)  # the last look that finds what ended late
    hospital.clock.advance(timedelta(minutes=6))
    await source.look(door)
    read_again = await source._read(source._low(), None)
    hospital.run("INSERT INTO items VALUES ('new', 'a', '2026-03-01 10:20:00')")
    await looked(source, door, 2)
    await looked(hospital.source(**BY_TIME), door, 2)

    assert read_again == []
    assert received(door, "number") == ["0", "1", "2", "3", "4", "late", "new"]
    assert door.asked == 7


async def test_next_run_goes_on_from_the_mark_without_asking_the_journal_again(hospital: Hospital) -> None:
    hospital.run(ITEMS, "INSERT INTO items VALUES ('A', 'a', '2026-03-01 10:00:00')")
    door = Door()
    await looked(hospital.source(**BY_TIME), door)
    hospital.run("INSERT INTO items VALUES ('B', 'b', '2026-03-01 10:00:01')")
    await looked(hospital.source(**BY_TIME), door)

    assert received(door, "number") == ["A", "B"]
    assert door.asked == 2


async def test_lost_mark_repeats_nothing(hospital: Hospital) -> None:
    hospital.run(RECEIPTS, *(f"INSERT INTO receipts VALUES ({n}, 1)" for n in range(1, 6)))
    door = Door()
    await looked(hospital.source(**BY_ID), door)
    (hospital.folder / "var/sql/under_test.json").unlink()
    await looked(hospital.source(**BY_ID), door)

    assert door.asked == 10
    assert received(door) == [1, 2, 3, 4, 5]


async def test_failing_store_loses_no_row_and_repeats_none(hospital: Hospital) -> None:
    hospital.run(RECEIPTS, *(f"INSERT INTO receipts VALUES ({n}, 1)" for n in range(1, 8)))
    door, source = Door(), hospital.source(**BY_ID)
    door.failure = StoreError("the disk is gone")
    pause = await source.look(door)
    told = source.problem
    door.failure = None
    await looked(source, door)

    assert pause == 10.0
    assert told == "the disk is gone"
    assert received(door) == [1, 2, 3, 4, 5, 6, 7]


async def test_only_wanted_rows_and_columns_come(hospital: Hospital) -> None:
    rows = (f"INSERT INTO items VALUES ('{n}', '{'ab'[n % 2]}', '2026-03-01 10:00:0{n}')" for n in range(6))
    hospital.run(ITEMS, *rows)
    door = Door()
    more = {"where": {"name": "b"}, "start_after": "2026-03-01 10:00:01", "columns": ["number"], "type_column": "name"}
    await looked(hospital.source(**BY_TIME, **more), door)

    assert [one.body for one in door.stored] == [b'{"number":"3"}', b'{"number":"5"}']
    assert {one.message_type for one in door.stored} == {"b"}


async def test_row_is_json_with_exact_values(hospital: Hospital) -> None:
    binary = {"postgresql": "BYTEA", "mariadb": "BLOB", "sqlite": "BLOB"}[hospital.kind]
    literal = {"postgresql": "'\\x00ff'"}.get(hospital.kind, "x'00ff'")
    hospital.run(
        f"CREATE TABLE receipts (id INTEGER PRIMARY KEY, price NUMERIC(30,10), day DATE, at TIMESTAMP NULL, "
        f"raw {binary}, note VARCHAR(20))",
        f"INSERT INTO receipts VALUES (1, 12.1, '2026-03-01', '2026-03-01 10:00:00', {literal}, NULL)",
    )
    door = Door()
    await looked(hospital.source(**BY_ID), door)
    message = json.loads(door.stored[0].body)

    assert str(message["price"]).rstrip("0") == "12.1"
    assert (message["day"], message["raw"], message["note"]) == ("2026-03-01", "AP8=", None)
    assert message["at"].replace(" ", "T") == "2026-03-01T10:00:00"


async def test_reserved_and_mixed_case_names_are_quoted(hospital: Hospital) -> None:
    quote = hospital.engine.dialect.identifier_preparer.quote_identifier
    hospital.run(
        f"CREATE TABLE {quote('Order')} ({quote('Group')} INTEGER PRIMARY KEY, {quote('unit price')} INTEGER)",
        f"INSERT INTO {quote('Order')} VALUES (1, 2)",
    )
    door = Door()
    settings = {"table": "Order", "key": ["Group"], "watermark": "Group", "columns": ["Group", "unit price"]}
    await looked(hospital.source(**settings), door)

    assert [one.body for one in door.stored] == [b'{"Group":1,"unit price":2}']


async def test_missing_table_is_told_and_waited_for(hospital: Hospital) -> None:
    if hospital.kind == "sqlite":
        hospital.run("CREATE TABLE other (id INTEGER)")  # the file is there
    door, source = Door(), hospital.source(**BY_ID)
    await source.look(door)
    told, health = source.problem, await source.check()
    hospital.run(RECEIPTS, "INSERT INTO receipts VALUES (1, 1)")
    await looked(source, door)

    assert told is not None
    assert told.startswith("the database refused it (")
    assert not health.ok
    assert received(door) == [1]
    assert (await source.check()).ok


# ------------------------------------------------------------------ an outbox
OUTBOX = "CREATE TABLE outbox (id INTEGER PRIMARY KEY, body VARCHAR(200), kind VARCHAR(20), sent_at TIMESTAMP NULL)"
WORK_OFF: dict[str, Any] = {
    "table": "outbox",
    "key": ["id"],
    "outbox": {"column": "sent_at"},
    "body_column": "body",
    "type_column": "kind",
    "page": 3,
}


async def test_outbox_rows_are_marked_after_they_are_safe(hospital: Hospital) -> None:
    hospital.run(OUTBOX, *(f"INSERT INTO outbox VALUES ({n}, 'body {n}', 'ADT^A01', NULL)" for n in range(1, 8)))
    door = Door()
    await looked(hospital.source(**WORK_OFF), door, 2)

    assert [one.body for one in door.stored] == [f"body {n}".encode() for n in range(1, 8)]
    assert door.asked == 7
    assert door.stored[0].message_type == "ADT^A01"
    assert hospital.rows("SELECT count(*) FROM outbox WHERE sent_at IS NULL") == [(0,)]


async def test_crash_between_accept_and_mark_repeats_nothing(hospital: Hospital) -> None:
    hospital.run(OUTBOX, "INSERT INTO outbox VALUES (1, 'body', 'ADT', NULL)")
    door = Door()
    await looked(hospital.source(**WORK_OFF), door)
    hospital.run("UPDATE outbox SET sent_at = NULL")  # as if the mark had never been committed
    await looked(hospital.source(**WORK_OFF), door)

    assert door.asked == 2
    assert len(door.stored) == 1
    assert hospital.rows("SELECT count(*) FROM outbox WHERE sent_at IS NULL") == [(0,)]


async def test_outbox_row_that_is_refused_or_has_no_body_does_not_stop_the_others(hospital: Hospital) -> None:
    hospital.run(
        "CREATE TABLE outbox (id INTEGER PRIMARY KEY, body VARCHAR(200), state VARCHAR(9))",
        "INSERT INTO outbox VALUES (1, NULL, 'NEW'), (2, 'bad', 'NEW'), (3, 'good', 'NEW'), (4, 'old', 'DONE')",
    )
    door = Door()
    door.judge = lambda one: Reason("M001", "bad") if one.body == b"bad" else one.refusal
    states = {"column": "state", "waiting": "NEW", "done": "DONE", "refused": "BAD"}
    await looked(hospital.source(table="outbox", key=["id"], outbox=states, body_column="body"), door)

    assert hospital.rows("SELECT id, state FROM outbox ORDER BY id") == [
        (1, "BAD"), (2, "BAD"), (3, "DONE"), (4, "DONE"),
    ]  # fmt: skip


async def test_outbox_rows_can_be_deleted(hospital: Hospital) -> None:
    hospital.run(OUTBOX, "INSERT INTO outbox VALUES (1, 'body', 'ADT', NULL)")
    await looked(hospital.source(**WORK_OFF | {"outbox": {"column": "sent_at", "delete": True}}), Door())

    assert hospital.rows("SELECT * FROM outbox") == []


# ------------------------------------------------------------------ a destination
INVOICES = (
    "CREATE TABLE invoices (number VARCHAR(20), supplier VARCHAR(20), total NUMERIC(12,2), due DATE, version INTEGER, "
    "PRIMARY KEY (number, supplier))"
)
LINES = (
    "CREATE TABLE invoice_lines (number VARCHAR(20), supplier VARCHAR(20), line INTEGER, item VARCHAR(20), "
    "PRIMARY KEY (number, supplier, line))"
)
INTO: dict[str, Any] = {
    "table": "invoices",
    "key": ["number", "supplier"],
    "columns": {"number": "number", "supplier": "supplier.id", "total": "total.amount", "due": "due", "version": "v"},
    "lines": [
        {
            "table": "invoice_lines",
            "each": "lines",
            "key": ["number", "supplier", "line"],
            "belongs_by": ["number", "supplier"],
            "columns": {"number": "/number", "supplier": "/supplier.id", "line": "#", "item": "item"},
        }
    ],
}


def invoice(number: str = "1", items: tuple[str, ...] = ("a", "b"), **more: Any) -> Outbound:
    document = {
        "number": number,
        "supplier": {"id": "S"},
        "total": {"amount": "10.50"},
        "due": "2026-04-01",
        "v": 1,
        "lines": [{"item": item} for item in items],
    }
    body = json.dumps(document | more).encode()
    return Outbound(1, 1, "under_test", "correlation", f"key-{number}", body, natural_key=number)


async def test_document_becomes_rows_and_again_the_same_rows(hospital: Hospital) -> None:
    hospital.run(INVOICES, LINES)
    destination = hospital.destination(**INTO)
    for _ in range(3):
        await destination.send(invoice())
    await destination.close()

    assert [(n, s, f"{t:.2f}", v) for n, s, t, _, v in hospital.rows("SELECT * FROM invoices")] == [
        ("1", "S", "10.50", 1)
    ]
    assert hospital.rows("SELECT line, item FROM invoice_lines ORDER BY line") == [(1, "a"), (2, "b")]


async def test_changed_document_changes_its_rows_and_deletes_lines_that_went(hospital: Hospital) -> None:
    hospital.run(INVOICES, LINES)
    destination = hospital.destination(**INTO)
    await destination.send(invoice("1", ("a", "b", "c")))
    await destination.send(invoice("2", ("x",)))
    await destination.send(invoice("1", ("A",), total={"amount": 7}))
    await destination.send(invoice("2", ()))
    await destination.close()

    assert [f"{t:.2f}" for (t,) in hospital.rows("SELECT total FROM invoices ORDER BY number")] == ["7.00", "10.50"]
    assert hospital.rows("SELECT number, line, item FROM invoice_lines") == [("1", 1, "A")]


async def test_failure_in_a_line_leaves_nothing_of_the_document(hospital: Hospital) -> None:
    hospital.run(INVOICES, LINES.replace("item VARCHAR(20)", "item VARCHAR(20) NOT NULL"))
    destination = hospital.destination(**INTO)
    with pytest.raises(DestinationError) as caught:
        await destination.send(invoice(lines=[{"item": "a"}, {"item": None}]))
    await destination.close()

    assert "10.50" not in str(caught.value)
    assert hospital.rows("SELECT * FROM invoices") == []
    assert hospital.rows("SELECT * FROM invoice_lines") == []


async def test_newer_row_stays_with_its_lines(hospital: Hospital) -> None:
    hospital.run(INVOICES, LINES)
    destination = hospital.destination(**INTO, keep_newer="version")
    await destination.send(invoice(v=2))
    await destination.send(invoice(v=1, items=("old",), total={"amount": "1"}))
    after_old = hospital.rows("SELECT item FROM invoice_lines ORDER BY line")
    await destination.send(invoice(v=3, items=("new",), total={"amount": "3"}))
    await destination.close()

    assert after_old == [("a",), ("b",)]
    assert hospital.rows("SELECT item FROM invoice_lines") == [("new",)]
    assert [int(t) for (t,) in hospital.rows("SELECT total FROM invoices")] == [3]


@pytest.mark.parametrize(
    "wrong",
    [
        {"total": {"amount": "10.505"}},
        {"total": {"amount": "ten CANARY"}},
        {"due": "1 CANARY"},
        {"v": 1.5},
        {"number": None},
    ],
)
async def test_value_that_does_not_fit_is_refused_unshown(hospital: Hospital, wrong: dict[str, Any]) -> None:
    hospital.run(INVOICES, LINES)
    destination = hospital.destination(**INTO)
    with pytest.raises(DestinationError) as caught:
        await destination.send(invoice(**wrong))
    await destination.close()

    assert "CANARY" not in str(caught.value)
    assert "10.505" not in str(caught.value)
    assert hospital.rows("SELECT * FROM invoices") == []


async def test_database_s_own_refusal_shows_no_value(hospital: Hospital) -> None:
    hospital.run(
        "CREATE TABLE invoices (number VARCHAR(20) PRIMARY KEY, total INTEGER, "
        "CONSTRAINT not_negative CHECK (total > 0))"
    )
    destination = hospital.destination(table="invoices", key=["number"], columns={"number": "number", "total": "v"})
    with pytest.raises(DestinationError) as caught:
        await destination.send(invoice("CANARY-7", v=-424242))
    await destination.close()

    assert "CANARY" not in str(caught.value)
    assert "424242" not in str(caught.value)


async def test_locked_row_is_given_up_in_time_and_nothing_is_done(hospital: Hospital) -> None:
    hospital.run(
        "CREATE TABLE invoices (number VARCHAR(20) PRIMARY KEY, total INTEGER)", "INSERT INTO invoices VALUES ('1', 5)"
    )
    settings = {"table": "invoices", "key": ["number"], "columns": {"number": "number", "total": "v"}, "timeout": "1s"}
    destination = hospital.destination(**settings)
    with hospital.engine.connect() as holding:
        holding.exec_driver_sql("UPDATE invoices SET total = 6")
        with pytest.raises(TransportError) as caught:
            await asyncio.wait_for(destination.send(invoice(v=7)), 30)
        holding.rollback()
    before = hospital.rows("SELECT total FROM invoices")
    await destination.send(invoice(v=7))
    await destination.close()

    assert not caught.value.sent
    assert (before, hospital.rows("SELECT total FROM invoices")) == ([(5,)], [(7,)])


async def test_same_key_written_at_once_ends_in_one_row(hospital: Hospital) -> None:
    hospital.run(INVOICES, LINES)
    destination = hospital.destination(**INTO, parallel=4)

    async def send() -> bool:
        for _ in range(10):
            try:
                await destination.send(invoice())
                return True
            except TransportError:
                pass  # as the flow does: tried again
        return False

    sent = await asyncio.gather(*(send() for _ in range(8)))
    await destination.close()

    assert all(sent)
    assert hospital.rows("SELECT count(*) FROM invoices") == [(1,)]
    assert hospital.rows("SELECT count(*) FROM invoice_lines") == [(2,)]


async def test_check_names_a_column_that_is_not_there(hospital: Hospital) -> None:
    hospital.run(INVOICES.replace("due DATE, ", ""), LINES)
    destination = hospital.destination(**INTO)
    before = await destination.check()
    hospital.run("ALTER TABLE invoices ADD COLUMN due DATE")
    after = await destination.check()
    await destination.close()

    assert (before.ok, before.text) == (False, "not in the database: invoices.due")
    assert after.ok


async def test_check_asks_for_a_unique_key(hospital: Hospital) -> None:
    hospital.run("CREATE TABLE invoices (number VARCHAR(20), total INTEGER)")
    destination = hospital.destination(table="invoices", key=["number"], columns={"number": "number", "total": "v"})
    before = await destination.check()
    hospital.run("CREATE UNIQUE INDEX by_number ON invoices (number)")
    after = await destination.check()
    await destination.send(invoice())
    await destination.send(invoice())
    await destination.close()

    assert (before.ok, before.text) == (False, "not in the database: a unique key of number in invoices")
    assert after.ok
    assert hospital.rows("SELECT count(*) FROM invoices") == [(1,)]
