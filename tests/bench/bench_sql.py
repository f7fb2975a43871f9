"""Figures of tables on this machine: rows polled and documents written, beside sqlite3 and SQLAlchemy core bare.

SQLite, WAL, one transaction a document in all of them. Run: python -m tests.bench.bench_sql
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
import tempfile
import time
from pathlib import Path

import sqlalchemy

from tests.bench.rates import destination, line, outbound, source, timed, until

ROWS, DOCUMENTS = 2_000, 500
UPSERT = (
    "INSERT INTO {table} (number, total) VALUES (:number, :total) ON CONFLICT (number) DO UPDATE SET total = :total"
)


def database(path: Path) -> Path:
    made = sqlite3.connect(path)
    made.execute("PRAGMA journal_mode=WAL")
    made.execute("CREATE TABLE receipts (id INTEGER PRIMARY KEY, body TEXT)")
    for table in ("bare", "core", "ours"):
        made.execute(f"CREATE TABLE {table} (number TEXT PRIMARY KEY, total TEXT)")
    made.executemany("INSERT INTO receipts (body) VALUES (?)", [(f"receipt {n} {'x' * 200}",) for n in range(ROWS)])
    made.commit()
    made.close()
    return path


def bare_select(path: Path) -> float:
    made, started, last = sqlite3.connect(path), time.perf_counter(), 0
    while rows := made.execute("SELECT * FROM receipts WHERE id > ? ORDER BY id LIMIT 100", (last,)).fetchall():
        last = rows[-1][0]
        [json.dumps({"id": row[0], "body": row[1]}).encode() for row in rows]
    return ROWS / (time.perf_counter() - started)


def bare_upsert(path: Path) -> float:
    made, started = sqlite3.connect(path), time.perf_counter()
    made.execute("PRAGMA synchronous=FULL")
    for number in range(DOCUMENTS):
        with made:
            made.execute(UPSERT.format(table="bare"), {"number": f"B{number}", "total": "10.00"})
    return DOCUMENTS / (time.perf_counter() - started)


def core_upsert(path: Path) -> float:
    made = sqlalchemy.create_engine(f"sqlite:///{path}")
    statement, started = sqlalchemy.text(UPSERT.format(table="core")), time.perf_counter()
    for number in range(DOCUMENTS):
        with made.begin() as connection:
            connection.execute(statement, {"number": f"C{number}", "total": "10.00"})
    rate = DOCUMENTS / (time.perf_counter() - started)
    made.dispose()
    return rate


async def run(root: Path) -> None:
    path = database(root / "bench.db")
    print(f"{ROWS} rows polled by watermark; {DOCUMENTS} documents upserted, a transaction each")
    bare = line("sqlite3, rows of 100 at once as JSON", bare_select(path))
    settings = {"url": "sqlite:bench.db", "table": "receipts", "key": ["id"], "watermark": "id", "poll": "10ms"}
    started = time.perf_counter()
    async with source("sql", root, settings) as door:
        await until(door, ROWS)
        line("our source", ROWS / (time.perf_counter() - started), bare)
    bare = line("sqlite3, an upsert a transaction", bare_upsert(path))
    line("SQLAlchemy core, the same", core_upsert(path), bare)
    columns = {"number": "invoice_number", "total": "total.amount"}
    far = destination("sql", root, {"url": "sqlite:bench.db", "table": "ours", "key": ["number"], "columns": columns})

    async def send(number: int) -> None:
        body = json.dumps({"invoice_number": f"D{number}", "total": {"amount": "10.00"}}).encode()
        await far.send(outbound(number, body))

    line("our destination", await timed(DOCUMENTS, 1, send), bare)
    await far.close()


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(run(Path(folder)))


if __name__ == "__main__":
    main()
