"""Tables from a folder to rows in a transform, and documents to files: the way of a message through the doors."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from engine.connectors.file.destination import FileDestination
from engine.connectors.file.settings import FileDestinationSettings, FileSourceSettings
from engine.connectors.file.source import FileSource
from engine.connectors.tabular_format import TabularSplitter
from engine.core.errors import ConfigurationError, DestinationError
from engine.ports.connector import Outbound, Received
from engine.ports.script import Limits, Program, WorkItem, WorkResult
from engine.ports.states import MessageState
from engine.script.program import Compiled
from engine.script.runner import run_one
from tests.support.connector_doubles import Door, context
from tests.support.layouts import layout

HEAD = b"Item No.,price,since,unit\r\n"
SCRIPT = """
from engine.sdk import Item, Money, TabularMessage
def transform(message: TabularMessage) -> Item:
    row = message.row
    return Item(item_number=row.text("sku"), description="-", cost_price=Money(amount=row.number("price")))
"""


class Intake:
    """A folder whose files are tables."""

    def __init__(self, root: Path, kind: str = "delimited", deduplicate: str = "content", **more: Any) -> None:
        self.folder = root / "in"
        self.folder.mkdir()
        self.table = layout(kind, **more).table()
        settings = {"folder": "in", "stable_for": "0s", "deduplicate": deduplicate}
        ground = context(root, format=kind, layout=self.table)
        self.source, self.door = FileSource(FileSourceSettings.model_validate(settings), ground), Door()

    async def take(self, name: str, content: bytes) -> list[Received]:
        before = len(self.door.stored)
        (self.folder / name).write_bytes(content)
        await self.source.look(self.door)
        return self.door.stored[before:]

    def run(self, received: Received) -> WorkResult:
        words = msgspec.json.encode(self.table).decode()
        program = Program("c@1", "c", self.table.kind, index={"sku": "sku"}, script=SCRIPT, layout=words)
        item = WorkItem(1, "c@1", received.body, None, received.attributes)
        return run_one(Compiled(program, Limits()), item)


async def test_rows_become_documents_and_a_bad_row_is_refused_alone(tmp_path: Path) -> None:
    intake = Intake(tmp_path)

    taken = await intake.take("list.csv", HEAD + b"A1,1.50,,\r\nA2,x,,\r\nA3,,,\r\n")

    assert [one.refusal.where if one.refusal else None for one in taken] == [None, "line 3, price", None]
    assert taken[0].body == HEAD + b"A1,1.50,,\r\n"
    results = [intake.run(one) for one in (taken[0], taken[2])]
    assert results[0].keys == [("sku", "A1")]
    assert b'"amount":"1.50"' in results[0].documents[0].body
    assert results[1].state is MessageState.HELD
    assert results[1].reason is not None
    assert results[1].reason.where is not None
    assert results[1].reason.where.startswith("line 4, price")
    (reason,) = (tmp_path / "in" / "error").glob("*.reason.txt")
    assert "line 3, price: not a number" in reason.read_text()


async def test_like_rows_all_count_and_the_same_file_again_counts_once(tmp_path: Path) -> None:
    intake = Intake(tmp_path)
    body = HEAD + b"A1,1,,\r\nA1,1,,\r\n"

    first = await intake.take("one.csv", body)
    again = await intake.take("two.csv", body)
    longer = await intake.take("three.csv", body + b"A1,1,,\r\n")

    assert (len(first), len(again), len(longer)) == (2, 0, 3)


async def test_a_crash_between_rows_and_done_makes_no_row_count_twice(tmp_path: Path) -> None:
    intake = Intake(tmp_path, deduplicate="none")
    body = HEAD + b"A1,1,,\r\nA2,2,,\r\n"
    (tmp_path / "in" / ".claimed").mkdir()
    for _ in range(2):  # claimed, accepted, not moved: twice
        (tmp_path / "in" / ".claimed" / "0000000000001~list.csv").write_bytes(body)
        await intake.source.look(intake.door)

    assert len(intake.door.stored) == 2


async def test_a_file_that_cannot_be_told_apart_is_refused_whole(tmp_path: Path) -> None:
    (one,) = await Intake(tmp_path).take("list.csv", b"something,else\r\n1,2\r\n")

    assert one.refusal is not None
    assert one.refusal.code == "M005"
    assert one.body == b"something,else\r\n1,2\r\n"


async def test_an_excel_row_reads_alone_in_the_worker(tmp_path: Path) -> None:
    import io

    import openpyxl

    book = openpyxl.Workbook()
    for row in (["Item No.", "price"], ["A1", 19.99]):
        book.active.append(row)
    out = io.BytesIO()
    book.save(out)
    intake = Intake(tmp_path, "excel")

    (one,) = await intake.take("list.xlsx", out.getvalue())

    assert one.attributes["line"] == "2"
    assert b'"amount":"19.99"' in intake.run(one).documents[0].body


def written(root: Path, body: bytes, kind: str | None = "Item", **more: Any) -> tuple[FileDestination, Outbound]:
    settings = {"folder": "out", "file_name": "{key}.csv", "format": "delimited"}
    ground = context(root, layout=layout(**more).table())
    made = FileDestination(FileDestinationSettings.model_validate(settings), ground)
    return made, Outbound(1, 1, "c", "c", "key-1", body, kind)


async def test_a_document_is_written_as_a_file_of_the_layout_once(tmp_path: Path) -> None:
    columns = [{"name": "item", "from": "item_number"}, {"name": "price", "from": "cost_price.amount"}]
    destination, outbound = written(
        tmp_path, b'{"item_number":"A1","cost_price":{"amount":"1.50","currency":"USD"}}', columns=columns
    )

    assert await destination.send(outbound) == await destination.send(outbound)
    (file,) = [path for path in (tmp_path / "out").iterdir() if path.is_file()]
    assert file.read_bytes() == b"item,price\r\nA1,1.50\r\n"


@pytest.mark.parametrize("body", [b"not JSON", b'{"rows":[{"sku":""}]}', b"[1]", b'{"rows":[{"sku":"A","price":"x"}]}'])
async def test_what_cannot_be_written_is_refused_with_its_place(tmp_path: Path, body: bytes) -> None:
    destination, outbound = written(tmp_path, body, None)

    with pytest.raises(DestinationError):
        await destination.send(outbound)
    assert not list((tmp_path / "out").glob("*.csv"))


def test_a_door_without_its_layout_says_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError):
        TabularSplitter(context(tmp_path, format="delimited"))
    with pytest.raises(ConfigurationError):
        TabularSplitter(context(tmp_path, format="excel", layout=layout().table()))
