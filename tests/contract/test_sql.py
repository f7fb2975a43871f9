"""The connector contract of `sql`, on SQLite: a program that writes rows is the peer, the tables the far side."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from pathlib import Path
from typing import Any

from engine.ports.connector import Outbound
from tests.support.connector_contract import (
    LIMIT,
    Answer,
    DestinationHarness,
    SourceHarness,
    destination_contract,
    source_contract,
)


class Program:
    """Writes rows into an outbox and watches what becomes of them."""

    def __init__(self, harness: OutboxHarness) -> None:
        self.harness = harness
        self.database = sqlite3.connect(harness.file, isolation_level=None)

    async def send(self, body: bytes) -> Answer:
        asked = self.harness.door.asked
        key = body.split(b"|")[0].decode()
        self.database.execute("INSERT OR REPLACE INTO outbox (id, body, state) VALUES (?, ?, 'NEW')", (key, body))
        while (state := self._state(key)) == "NEW":
            await asyncio.sleep(0.01)
            if self.harness.door.failure is not None and self.harness.door.asked > asked:
                return Answer.SILENT
        return Answer.ACCEPTED if state == "DONE" else Answer.REFUSED

    def _state(self, key: str) -> str:
        found = self.database.execute("SELECT state FROM outbox WHERE id = ?", (key,)).fetchone()
        return str(found[0])

    async def close(self) -> None:
        self.database.close()


class OutboxHarness(SourceHarness):
    type = "sql"
    exempt = {  # noqa: RUF012 - a ClassVar in the base
        "protocol": "a table has no protocol to break",
        "tls": "SQLite is a file",
    }

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.file = folder / "hospital.db"
        database = sqlite3.connect(self.file)
        database.execute("CREATE TABLE outbox (id TEXT PRIMARY KEY, body BLOB, state TEXT)")
        database.close()

    def settings(self) -> dict[str, Any]:
        return {
            "url": "sqlite:hospital.db",
            "table": "outbox",
            "key": ["id"],
            "outbox": {"column": "state", "waiting": "NEW", "done": "DONE", "refused": "REFUSED"},
            "body_column": "body",
            "poll": "20ms",
            "max_size": f"{LIMIT}B",
        }

    async def connect(self) -> Program:
        return Program(self)

    def message(self, key: str, text: str = "text", size: int = 0) -> bytes:
        return f"{key}|{text}".encode().ljust(size, b".")


class Clerk:
    """Writes rows into a table that nobody marks."""

    def __init__(self, harness: WatermarkHarness) -> None:
        self.harness = harness

    async def send(self, body: bytes) -> Answer:
        asked, stored = self.harness.door.asked, len(self.harness.door.stored)
        database = sqlite3.connect(self.harness.file)
        with database:
            database.execute("INSERT INTO receipts (body) VALUES (?)", (body,))
        database.close()
        while len(self.harness.door.stored) == stored:
            await asyncio.sleep(0.01)
            if self.harness.door.failure is not None and self.harness.door.asked > asked:
                return Answer.SILENT
        return Answer.ACCEPTED

    async def close(self) -> None:
        """A clerk holds nothing."""


_UNTOLD = "a table's writer is told nothing"


class WatermarkHarness(SourceHarness):
    type = "sql"
    exempt = dict.fromkeys(("repeat", "conflict", "oversize", "protocol", "tls", "store_failure"), _UNTOLD)

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.file = folder / "hospital.db"
        database = sqlite3.connect(self.file)
        database.execute("CREATE TABLE receipts (id INTEGER PRIMARY KEY, body TEXT)")
        database.close()

    def settings(self) -> dict[str, Any]:
        return {"url": "sqlite:hospital.db", "table": "receipts", "key": ["id"], "watermark": "id", "poll": "20ms"}

    async def connect(self) -> Clerk:
        return Clerk(self)

    def message(self, key: str, text: str = "text", size: int = 0) -> bytes:
        return f"{key}|{text}".encode()


class TableHarness(DestinationHarness):
    type = "sql"

    def settings(self) -> dict[str, Any]:
        return {
            "url": "sqlite:warehouse.db",
            "table": "invoices",
            "key": ["number"],
            "columns": {"number": "invoice_number", "total": "total.amount"},
            "timeout": "2s",
        }

    @property
    def file(self) -> Path:
        return self.folder / "warehouse.db"

    async def start(self) -> None:
        self.locking: sqlite3.Connection | None = None
        database = sqlite3.connect(self.file)
        database.execute("CREATE TABLE invoices (number TEXT PRIMARY KEY, total NUMERIC)")
        database.close()

    async def stop(self) -> None:
        if getattr(self, "locking", None) is not None:
            self.locking.close()  # type: ignore[union-attr]
            self.locking = None

    def refuse(self) -> None:
        database = sqlite3.connect(self.file)
        database.execute("DROP TABLE invoices")
        database.close()

    def hang(self) -> None:
        self.locking = sqlite3.connect(self.file)
        self.locking.execute("BEGIN EXCLUSIVE")

    def effects(self) -> list[bytes]:
        database = sqlite3.connect(self.file)
        found = database.execute("SELECT number FROM invoices").fetchall()
        database.close()
        return [number.encode() for (number,) in found]

    def outbound(self, key: str = "key-1", body: bytes = b"body") -> Outbound:
        document = json.dumps({"invoice_number": key, "total": {"amount": "10.50"}}).encode()
        return super().outbound(key, document if body == b"body" else body)


TestSqlOutboxContract = source_contract(OutboxHarness)
TestSqlWatermarkContract = source_contract(WatermarkHarness)
TestSqlDestinationContract = destination_contract(TableHarness)
