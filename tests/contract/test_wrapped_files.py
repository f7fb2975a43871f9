"""ZIP and gzip around files: what is taken off, what is put around, and what is refused because it would blow up."""

from __future__ import annotations

import gzip
import io
import struct
import zipfile
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from engine.connectors.file.destination import FileDestination
from engine.connectors.file.settings import FileDestinationSettings, FileSourceSettings
from engine.connectors.file.source import FileSource
from engine.connectors.wrapping import gunzip
from engine.core.errors import FramingError, SizeLimitError
from engine.ports.connector import Outbound
from engine.protocols.archive import Archive, ArchiveLimits, Member, pack
from tests.support.connector_doubles import Door, context

LIMITS = ArchiveLimits(entries=10, total=4_000_000, ratio=100)


def zipped(*members: tuple[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return out.getvalue()


async def taken_in(root: Path, content: bytes, **settings: Any) -> Door:
    (root / "in").mkdir(exist_ok=True)
    (root / "in" / "lists.zip").write_bytes(content)
    given = {"folder": "in", "stable_for": "0s", "unwrap": ["zip"], **settings}
    door = Door()
    await FileSource(FileSourceSettings.model_validate(given), context(root)).look(door)
    return door


async def test_each_file_of_an_archive_is_a_message_and_a_bad_one_costs_the_others_nothing(tmp_path: Path) -> None:
    door = await taken_in(tmp_path, zipped(("a/one.csv", b"1"), ("empty.csv", b""), ("two.csv", b"2")))

    assert [(one.body, one.attributes["member"]) for one in door.accepted] == [(b"1", "a/one.csv"), (b"2", "two.csv")]
    assert [one.refusal.code for one in door.stored if one.refusal] == ["M005"]
    assert [path.suffix for path in (tmp_path / "in" / "error").iterdir() if path.suffix == ".zip"] == [".zip"]


def test_what_desktops_put_into_an_archive_for_themselves_is_no_file_of_it() -> None:
    made = ("in/a.csv", "__MACOSX/in/._a.csv", ".DS_Store", "in/Thumbs.db", "desktop.ini", "notes/__MACOSX.csv")
    archive = Archive(pack([Member(name, b"1") for name in made]), LIMITS)

    assert [one.name for one in archive.members()] == archive.names == ["in/a.csv", "notes/__MACOSX.csv"]


def test_two_archives_in_one_file_are_refused_and_words_before_one_are_not() -> None:
    one, other = pack([Member("a.csv", b"1")]), pack([Member("b.csv", b"2")])

    assert Archive(b"self-extracting: " + one, LIMITS).names == ["a.csv"]
    with pytest.raises(FramingError, match="two archives"):
        Archive(one + other, LIMITS)


async def test_the_same_archive_again_has_no_second_effect(tmp_path: Path) -> None:
    content = zipped(("one.csv", b"1"))
    (tmp_path / "in").mkdir()
    source = FileSource(
        FileSourceSettings.model_validate({"folder": "in", "stable_for": "0s", "unwrap": ["zip"]}), context(tmp_path)
    )
    door = Door()
    for name in ("first.zip", "again.zip"):
        (tmp_path / "in" / name).write_bytes(content)
        await source.look(door)

    assert len(door.stored) == 1


async def test_wrappers_are_taken_off_from_the_outermost_in(tmp_path: Path) -> None:
    door = await taken_in(tmp_path, gzip.compress(zipped(("one.csv", b"1"))), unwrap=["gzip", "zip"])

    assert [one.body for one in door.accepted] == [b"1"]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"no archive", "M002"),
        (zipped(), "M002"),
        (zipped(("../../etc/cron.d/x", b"x")), "M002"),
        (zipped(("/etc/passwd", b"x")), "M002"),
        (zipped(("C:\\x", b"x")), "M002"),
        (zipped(("zeros.csv", b"0" * 3_000_000)), "M003"),
        (zipped(*((f"{number}.csv", b"x") for number in range(12))), "M003"),
        (zipped(("one.csv", b"x" * 100))[:-30], "M002"),
    ],
    ids=["none", "empty", "upwards", "absolute", "drive", "zeros", "crowded", "cut off"],  # bytes tell the time
)
async def test_an_archive_that_is_not_meant_honestly_is_refused_whole(
    tmp_path: Path, content: bytes, code: str
) -> None:
    door = await taken_in(tmp_path, content, unpacked_limit="2MB", unpacked_files=10)

    assert [one.refusal.code for one in door.stored if one.refusal] == [code]
    assert not door.accepted


def test_an_encrypted_member_is_refused() -> None:
    content = bytearray(zipped(("one.csv", b"secret")))
    for signature, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        struct.pack_into("<H", content, content.index(signature) + flags, 1)

    with pytest.raises(FramingError):
        Archive(bytes(content), LIMITS)


def test_a_member_that_lies_about_its_size_is_refused() -> None:
    content = bytearray(zipped(("one.csv", b"12345678" * 40)))
    struct.pack_into("<I", content, content.index(b"PK\x01\x02") + 24, 8)

    with pytest.raises(FramingError):
        list(Archive(bytes(content), LIMITS).members())


def test_two_members_of_one_name_are_refused() -> None:
    with pytest.warns(UserWarning, match="Duplicate"):
        content = zipped(("one.csv", b"1"), ("one.csv", b"2"))

    with pytest.raises(FramingError):
        Archive(content, LIMITS)


@pytest.mark.parametrize("size", [0, 1, 1024 * 1024, 3_000_000])
def test_gzip_gives_back_what_was_packed_in_one_piece_or_several(size: int) -> None:
    content = bytes(range(256)) * (size // 256) + b"x" * (size % 256)

    assert gunzip(gzip.compress(content), 4_000_000) == content
    assert gunzip(gzip.compress(content) + gzip.compress(b"more") + b"\x00" * 10, 4_000_000) == content + b"more"


@pytest.mark.parametrize(
    "content", [b"", b"plain", gzip.compress(b"x" * 50, mtime=0)[:-9], gzip.compress(b"x", mtime=0) + b"tail"]
)
def test_what_is_not_whole_gzip_is_refused(content: bytes) -> None:
    with pytest.raises(FramingError):
        gunzip(content, 1000)


def test_gzip_stops_at_its_limit() -> None:
    with pytest.raises(SizeLimitError):
        gunzip(gzip.compress(b"0" * 50_000_000), 2_000_000)


async def test_a_delivery_is_wrapped_the_same_way_every_time(tmp_path: Path) -> None:
    settings = {"folder": "out", "file_name": "{key}.zip.gz", "wrap": ["zip", "gzip"], "member_name": "list.csv"}
    destination = FileDestination(FileDestinationSettings.model_validate(settings), context(tmp_path))
    outbound = Outbound(1, 1, "c", "c", "key-1", b"a,b\r\n")

    assert await destination.send(outbound) == await destination.send(outbound)
    (written,) = [path for path in (tmp_path / "out").iterdir() if path.is_file()]
    archive = zipfile.ZipFile(io.BytesIO(gzip.decompress(written.read_bytes())))
    assert {name: archive.read(name) for name in archive.namelist()} == {"list.csv": b"a,b\r\n"}
    assert pack([Member("list.csv", b"a,b\r\n")]) == gzip.decompress(written.read_bytes())


@pytest.mark.parametrize(
    ("model", "settings"),
    [
        (FileSourceSettings, {"unwrap": ["pgp"]}),
        (FileSourceSettings, {"pgp": {"key": "env:KEY"}}),
        (FileSourceSettings, {"unwrap": ["rar"]}),
        (FileDestinationSettings, {"wrap": ["zip", "zip"]}),
        (FileDestinationSettings, {"wrap": ["pgp"]}),
        (FileDestinationSettings, {"wrap": ["zip"], "member_name": "../x"}),
        (FileDestinationSettings, {"wrap": ["pgp"], "pgp": {"recipients": ["a.asc"], "passphrase": "env:P"}}),
    ],
)
def test_settings_that_do_not_fit_together_are_refused(model: type[Any], settings: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        model.model_validate({"folder": "x", **settings})
