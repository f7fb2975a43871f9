"""The engine as a process, killed again and again between reading a row and marking it: each row ends once."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.engine_process import EngineProcess, write_site

pytestmark = pytest.mark.process

ROWS = 600
KILLED_AT = (30, 150, 300)  # rows of the outbox that are marked
BETWEEN = """
channel: {name}
version: 1
title: Rows from one database into another
source: {{type: sql, url: 'sqlite:hospital.db', {how}, page: 7, poll: 20ms}}
transform: same
destinations:
  - {{name: ledger, type: sql, url: 'sqlite:ledger.db', table: {name}, key: [id], columns: {{id: id, total: total}}}}
"""
SAME = "def transform(message):\n    return message\n"
CHANNELS = {
    "followed": BETWEEN.format(name="followed", how="table: receipts, key: [id], watermark: id"),
    "worked_off": BETWEEN.format(name="worked_off", how="table: outbox, key: [id], outbox: {column: sent_at}"),
}


def asked(file: Path, statement: str) -> list[Any]:
    database = sqlite3.connect(file, timeout=10)
    try:
        with database:
            return database.execute(statement).fetchall()
    finally:
        database.close()


def site_of(folder: Path) -> Path:
    site = write_site(folder, CHANNELS, {"same": SAME})
    for table in ("receipts", "outbox"):
        asked(site / "hospital.db", f"CREATE TABLE {table} (id INTEGER PRIMARY KEY, total NUMERIC, sent_at TIMESTAMP)")
    for table in CHANNELS:
        asked(site / "ledger.db", f"CREATE TABLE {table} (id INTEGER PRIMARY KEY, total NUMERIC)")
    return site


def test_killed_engine_loses_no_row_and_takes_none_twice(tmp_path: Path) -> None:
    site = site_of(tmp_path)
    numbers = f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {ROWS}) "
    for table in ("receipts", "outbox"):
        asked(site / "hospital.db", f"INSERT INTO {table} {numbers} SELECT i, i * 1.25, NULL FROM n")
    left = []
    for count in KILLED_AT:
        process = EngineProcess(site)
        process.start()
        _wait(lambda count=count: _marked(site) >= count)
        process.kill()
        left.append(ROWS - _marked(site))
    process = EngineProcess(site)
    process.start()
    try:
        _wait(lambda: _written(site) == [ROWS, ROWS] and _marked(site) == ROWS)
    finally:
        process.stop()
    query = "SELECT n.name, count(*) FROM messages m JOIN names n ON n.id = m.channel GROUP BY 1"
    messages = dict(asked(site / "var/isthmus.db", query))

    assert all(left)  # each kill came while there was work, or this test shows nothing
    assert _written(site) == [ROWS, ROWS]
    assert messages == {"followed": ROWS, "worked_off": ROWS}


def _written(site: Path) -> list[int]:
    return [asked(site / "ledger.db", f"SELECT count(*) FROM {table}")[0][0] for table in CHANNELS]


def _marked(site: Path) -> int:
    return int(asked(site / "hospital.db", "SELECT count(*) FROM outbox WHERE sent_at IS NOT NULL")[0][0])


def _wait(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < end, "the engine does not go on"
        time.sleep(0.01)
