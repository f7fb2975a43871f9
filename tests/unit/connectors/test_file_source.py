"""The watched folder: nothing half-written is read, nothing is lost, nothing leaves before it is durable."""

from __future__ import annotations

import asyncio
import errno
import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from engine.connectors.file import folder as work
from engine.connectors.file.settings import FileSourceSettings
from engine.connectors.file.source import FileSource
from engine.core.errors import DiskFullError
from engine.ports.connector import Reason, Received
from tests.support.connector_doubles import Clock, Door, context

HL7 = "MSH|^~\\&|A|B|C|D|20260301||ADT^A01|{id}|P|2.5.1\rPID|1||X\r"


class Site:
    """A folder, its source and the journal's door."""

    def __init__(self, root: Path, format: str | None = None, **settings: Any) -> None:
        self.inbox = root / "in"
        self.inbox.mkdir(exist_ok=True)
        self.clock, self.door = Clock(), Door()
        usual = {"folder": "in", "stable_for": "0s"}
        self.settings = FileSourceSettings.model_validate(usual | settings)
        self.source = self.restarted(root, format)
        self.root, self.format = root, format

    def restarted(self, root: Path, format: str | None) -> FileSource:
        return FileSource(self.settings, context(root, clock=self.clock, format=format))

    def put(self, name: str, content: bytes | str = b"content") -> Path:
        path = self.inbox / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    async def look(self) -> bool:
        return await self.source.look(self.door)

    def names(self, *where: str) -> list[str]:
        """File names in a folder below the inbox, without their time stamps."""
        found = sorted(path.name for path in self.inbox.joinpath(*where).iterdir() if path.is_file())
        return [name.partition("_")[2] if where else name for name in found]

    def bodies(self) -> list[bytes]:
        return [one.body for one in self.door.accepted]


async def test_file_moves_to_done_when_its_message_is_durable(tmp_path: Path) -> None:
    site = Site(tmp_path)
    site.put("a.txt", "hello")
    await site.look()

    assert site.bodies() == [b"hello"]
    assert (site.names(), site.names("done")) == ([], ["a.txt"])


async def test_growing_file_is_not_read_until_it_rests(tmp_path: Path) -> None:
    site = Site(tmp_path, stable_for="10s")
    path = site.put("a.txt", "half")
    for _ in range(5):
        await site.look()
        site.clock.advance(timedelta(seconds=6))
        with path.open("ab") as file:
            file.write(b"more")
    grown = path.read_bytes()
    early = site.bodies()
    for _ in range(3):
        await site.look()
        site.clock.advance(timedelta(seconds=6))
    await site.look()

    assert early == []
    assert site.bodies() == [grown]


async def test_file_of_the_same_size_written_again_is_not_read_until_it_rests(tmp_path: Path) -> None:
    site = Site(tmp_path, stable_for="10s")
    path = site.put("a.txt", "aaaa")
    await site.look()
    site.clock.advance(timedelta(seconds=6))
    path.write_text("bbbb")
    os.utime(path, ns=(1, 1))
    await site.look()
    site.clock.advance(timedelta(seconds=6))
    await site.look()

    assert site.bodies() == []


async def test_file_open_for_writing_is_left_alone(tmp_path: Path) -> None:
    site = Site(tmp_path)
    with (site.inbox / "a.txt").open("wb") as file:
        file.write(b"part")
        file.flush()
        await site.look()
        early = site.bodies()
        file.write(b" and rest")
    await site.look()

    assert early == []
    assert site.bodies() == [b"part and rest"]


@pytest.mark.parametrize("name", ["a.tmp", "a.part", "a~", ".hidden", "a.filepart", "a.crdownload"])
async def test_partial_name_is_never_read(tmp_path: Path, name: str) -> None:
    site = Site(tmp_path)
    site.put(name)
    await site.look()

    assert site.door.asked == 0
    assert site.names() == [name]


async def test_pattern_chooses_files(tmp_path: Path) -> None:
    site = Site(tmp_path, pattern="inv_*.edi")
    site.put("inv_1.edi")
    site.put("other.edi")
    await site.look()

    assert site.names() == ["other.edi"]


async def test_trigger_file_releases_its_file_and_goes(tmp_path: Path) -> None:
    site = Site(tmp_path, trigger=".ready")
    site.put("a.txt", "one")
    site.put("b.txt", "two")
    site.put("a.txt.ready", "")
    await site.look()

    assert site.bodies() == [b"one"]
    assert site.names() == ["b.txt"]


@pytest.mark.parametrize(("order", "expected"), [("name", [b"1", b"2", b"3"]), ("time", [b"3", b"1", b"2"])])
async def test_files_are_taken_in_order(tmp_path: Path, order: str, expected: list[bytes]) -> None:
    site = Site(tmp_path, order=order)
    for name, age in (("1", 20), ("2", 10), ("3", 30)):
        os.utime(site.put(name, name), (1_000_000 - age, 1_000_000 - age))
    await site.look()

    assert site.bodies() == expected


async def test_claimed_file_is_taken_up_again_after_a_crash(tmp_path: Path) -> None:
    site = Site(tmp_path)
    site.put("a.txt", "hello")
    site.door.failure = DiskFullError("no space")
    await site.look()
    site.door.failure = None
    await site.restarted(tmp_path, None).look(site.door)

    assert site.bodies() == [b"hello"]
    assert site.names("done") == ["a.txt"]


@pytest.mark.parametrize("policy", ["content", "name", "none"])
async def test_crash_between_receipt_and_move_makes_no_second_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, policy: str
) -> None:
    site = Site(tmp_path, deduplicate=policy)
    site.put("a.txt", "hello")
    monkeypatch.setattr(work, "move", _full)
    finished = await site.look()
    monkeypatch.undo()
    await site.restarted(tmp_path, None).look(site.door)

    assert not finished
    assert site.bodies() == [b"hello"]
    assert site.names("done") == ["a.txt"]


def _full(*_: object) -> Path:
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize(("policy", "effects"), [("content", 1), ("name", 1), ("none", 2)])
async def test_same_file_sent_again_is_judged_by_the_policy(tmp_path: Path, policy: str, effects: int) -> None:
    site = Site(tmp_path, deduplicate=policy)
    for _ in range(2):
        site.put("a.txt", "hello")
        await site.look()

    assert len(site.bodies()) == effects
    assert len(site.names("done")) == 2


async def test_other_content_under_a_known_name_is_refused_with_a_reason(tmp_path: Path) -> None:
    site = Site(tmp_path, deduplicate="name")
    for content in ("one", "two"):
        site.put("a.txt", content)
        await site.look()

    assert site.names("done") == ["a.txt"]
    assert site.names("error") == ["a.txt", "a.txt.reason.txt"]


async def test_done_folder_keeps_two_files_of_one_name(tmp_path: Path) -> None:
    site = Site(tmp_path)
    for content in ("one", "two", "three"):
        site.put("a.txt", content)
        await site.look()

    kept = [path.read_text() for path in sorted((site.inbox / "done").iterdir())]
    assert sorted(kept) == ["one", "three", "two"]


async def test_refused_message_puts_the_file_into_error_with_place_and_remedy_but_no_value(tmp_path: Path) -> None:
    site = Site(tmp_path)
    site.source._messages.splitter = Refusing()
    site.put("a.txt", "CANARY patient")
    await site.look()

    [reason] = (site.inbox / "error").glob("*.reason.txt")
    assert "M004 at PID-5: wrong character" in reason.read_text()
    assert "what to do: ask the sender" in reason.read_text()
    assert "CANARY" not in reason.read_text()
    assert site.names("error") == ["a.txt", "a.txt.reason.txt"]


class Refusing:
    def split(self, data: bytes, attributes: Any) -> list[Received]:
        reason = Reason("M004", "wrong character", "PID-5", "ask the sender")
        return [Received(data, attributes=attributes, refusal=reason)]


async def test_file_over_the_limit_is_refused_unread(tmp_path: Path) -> None:
    site = Site(tmp_path, max_size="100B")
    site.put("a.txt", "x" * 101)
    site.put("b.txt", "x" * 100)
    await site.look()

    assert site.names("error") == ["a.txt", "a.txt.reason.txt"]
    assert site.names("done") == ["b.txt"]
    assert site.door.stored[0].body == b""
    assert site.door.stored[0].refusal is not None


async def test_empty_file_is_refused(tmp_path: Path) -> None:
    site = Site(tmp_path)
    site.put("a.txt", "")
    await site.look()

    assert site.names("error") == ["a.txt", "a.txt.reason.txt"]


async def test_link_is_refused_and_not_followed(tmp_path: Path) -> None:
    site = Site(tmp_path)
    (tmp_path / "secret").write_text("outside")
    os.symlink(tmp_path / "secret", site.inbox / "link")
    os.symlink(tmp_path / "nowhere", site.inbox / "broken")
    await site.look()

    assert site.bodies() == []
    assert all(b"outside" not in one.body for one in site.door.stored)
    assert (tmp_path / "secret").read_text() == "outside"
    assert site.names("error") == ["broken.reason.txt", "link.reason.txt"] or "link" in site.names("error")


@pytest.mark.parametrize("kind", ["folder", "pipe"])
async def test_what_is_no_file_is_left_alone(tmp_path: Path, kind: str) -> None:
    site = Site(tmp_path)
    if kind == "folder":
        (site.inbox / "thing").mkdir()
    else:
        os.mkfifo(site.inbox / "thing")
    await site.look()

    assert site.door.asked == 0
    assert (site.inbox / "thing").exists()


@pytest.mark.parametrize(
    "name", ["a b.txt", "ü.txt", "-rf", "$(rm)", "a\nb", "a'\";|&", "x" * 255, "..txt".lstrip("."), "%2e%2e%2f", "~x"]
)
async def test_odd_name_is_only_a_name(tmp_path: Path, name: str) -> None:
    site = Site(tmp_path)
    site.put(name, "hello")
    await site.look()

    assert site.bodies() == [b"hello"]
    assert len(site.names("done")) == 1
    assert "\n" not in site.door.stored[0].attributes["file"]


async def test_name_that_is_no_text_is_taken(tmp_path: Path) -> None:
    site = Site(tmp_path)
    site.put(os.fsdecode(b"caf\xe9.txt"), "hello")
    await site.look()

    assert site.bodies() == [b"hello"]
    assert site.door.stored[0].attributes["file"] == "caf\\xe9.txt"


async def test_full_disk_while_moving_loses_no_file_and_goes_on_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = Site(tmp_path)
    for number in range(5):
        site.put(f"{number}.txt", f"{number}")
    monkeypatch.setattr(os, "rename", _full_rename(os.rename))
    await site.look()
    health = await site.source.check()
    left = len([*(site.inbox / ".claimed").iterdir()]) + len(site.names())
    monkeypatch.undo()
    await site.look()

    assert left == 5
    assert not health.ok
    assert len(site.bodies()) == 5
    assert len(site.names("done")) == 5


def _full_rename(rename: Any) -> Any:
    """Claiming works, the done folder is full."""

    def renamed(source: Any, target: Any) -> None:
        if "/done/" in str(target):
            _full()
        rename(source, target)

    return renamed


async def test_done_folder_on_another_file_system_gets_the_whole_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = Site(tmp_path)
    site.put("a.txt", "hello")
    rename = os.rename

    def across(source: Any, target: Any) -> None:
        if "/.claimed/" in str(source):
            raise OSError(errno.EXDEV, "Invalid cross-device link")
        rename(source, target)

    monkeypatch.setattr(os, "rename", across)
    await site.look()

    assert site.names("done") == ["a.txt"]
    assert [*(site.inbox / ".claimed").iterdir()] == []


async def test_store_that_refuses_takes_no_more_files(tmp_path: Path) -> None:
    site = Site(tmp_path, batch=2)
    for number in range(10):
        site.put(f"{number}.txt", f"{number}")
    site.door.failure = DiskFullError("no space")
    await site.look()
    waiting = len(site.names())
    site.door.failure = None
    await site.look()

    assert waiting >= 8
    assert site.bodies() == [str(number).encode() for number in range(10)]


async def test_busy_journal_slows_the_folder_and_sheds_nothing(tmp_path: Path) -> None:
    site = Site(tmp_path)
    for number in range(5):
        site.put(f"{number}.txt", f"{number}")
    site.door.backlogged = True
    looking = asyncio.ensure_future(site.look())
    await asyncio.wait({looking}, timeout=0.2)
    early = site.door.asked
    site.door.backlogged = False
    await looking

    assert early == 0
    assert len(site.bodies()) == 5


async def test_unreadable_file_stops_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    site = Site(tmp_path)
    site.put("a.txt", "broken sector")
    site.put("b.txt", "good")
    read = work.read

    def broken(path: Path, limit: int) -> bytes:
        if path.name.endswith("a.txt"):
            raise OSError(errno.EIO, "Input/output error")
        return read(path, limit)

    monkeypatch.setattr(work, "read", broken)
    for _ in range(2):
        await site.look()

    assert site.bodies() == [b"good"]


async def test_hl7_file_is_one_message_for_each_header(tmp_path: Path) -> None:
    site = Site(tmp_path, format="hl7v2")
    site.put("batch.hl7", "".join(HL7.format(id=number) for number in (1, 2, 3)))
    await site.look()

    assert [one.natural_id for one in site.door.stored] == ["1", "2", "3"]
    assert {one.message_type for one in site.door.stored} == {"ADT^A01"}
    assert site.names("done") == ["batch.hl7"]


async def test_one_refused_message_of_a_file_is_named_and_the_others_are_taken_in(tmp_path: Path) -> None:
    site = Site(tmp_path, format="hl7v2")
    bad = HL7.format(id=2).encode().replace(b"||X", b"||\xff").replace(b"2.5.1", b"2.5.1||||||ASCII")
    site.put("batch.hl7", HL7.format(id=1).encode() + bad + HL7.format(id=3).encode())
    await site.look()

    [reason] = (site.inbox / "error").glob("*.reason.txt")
    assert [one.natural_id for one in site.door.accepted] == ["1", "3"]
    assert reason.read_text().startswith("2 of 3 messages of this file were taken in, 1 refused.")
    assert "message 2" in reason.read_text()


async def test_file_that_is_no_hl7_is_kept_as_refused_and_moved_to_error(tmp_path: Path) -> None:
    site = Site(tmp_path, format="hl7v2")
    site.put("a.hl7", "not a message")
    await site.look()

    assert site.door.stored[0].refusal is not None
    assert site.door.stored[0].body == b"not a message"
    assert site.names("error") == ["a.hl7", "a.hl7.reason.txt"]


async def test_after_delete_leaves_no_done_file(tmp_path: Path) -> None:
    site = Site(tmp_path, after="delete")
    site.put("a.txt")
    await site.look()

    assert (site.names(), site.names("done")) == ([], [])
    assert len(site.bodies()) == 1


@pytest.mark.parametrize(
    "settings", [{"folder": ""}, {"pattern": "../*"}, {"batch": 0}, {"poll": "soon"}, {"trigger": "/etc"}]
)
def test_senseless_settings_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        FileSourceSettings.model_validate({"folder": "in"} | settings)
