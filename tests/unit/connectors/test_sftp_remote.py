"""Which files of a listing are read, by name, kind, time and looks; what the server says leads nowhere else."""

from __future__ import annotations

import stat
from typing import Any

import pytest

from engine.connectors.file.folder import UnreadableFileError
from engine.connectors.remote_folder import folder as remote
from engine.connectors.remote_folder.folder import Complete
from engine.connectors.sftp.settings import SftpSourceSettings
from engine.connectors.sftp.wire import Attributes, Entry
from engine.core.errors import SizeLimitError

HOSTILE = ["../a.edi", "/etc/passwd", "a/../../b.edi", "..", ".", "", "a\x00.edi", "done/x.edi", "..\u2215/x", "./a"]


def settings(**changed: Any) -> SftpSourceSettings:
    usual = {
        "address": "h:22",
        "user": "u",
        "password": "env:P",
        "known_hosts": "k",
        "folder": "/in",
        "stable_for": "0s",
    }
    return SftpSourceSettings.model_validate(usual | changed)


def entry(name: str, size: int | None = 1, modified: int = 1, mode: int | None = stat.S_IFREG | 0o644) -> Entry:
    return Entry(name, Attributes(size, mode, modified))


@pytest.mark.parametrize("name", HOSTILE)
def test_name_that_leads_to_another_place_is_never_read(name: str) -> None:
    assert Complete(settings()).of([entry(name)], 0.0) == []


@pytest.mark.parametrize("kind", [stat.S_IFDIR, stat.S_IFIFO, stat.S_IFSOCK, stat.S_IFCHR])
def test_what_is_no_file_is_let_be(kind: int) -> None:
    assert Complete(settings()).of([entry("a", mode=kind | 0o644)], 0.0) == []


def test_server_that_does_not_tell_kinds_is_believed() -> None:
    assert len(Complete(settings()).of([entry("a", mode=None), entry("b", mode=0o644)], 0.0)) == 2


@pytest.mark.parametrize(("order", "names"), [("name", ["a", "b", "c"]), ("time", ["c", "a", "b"])])
def test_order_is_by_name_or_by_time_and_then_name(order: str, names: list[str]) -> None:
    found = Complete(settings(order=order)).of([entry("b", modified=2), entry("a", modified=2), entry("c")], 0.0)

    assert [one.name for one in found] == names


@pytest.mark.parametrize("change", [{"size": 2}, {"modified": 2}])
def test_change_of_size_or_time_begins_the_wait_anew(change: dict[str, int]) -> None:
    complete = Complete(settings(stable_for="10s"))
    ready = [
        len(complete.of([one], now))
        for one, now in ((entry("a"), 0.0), (entry("a", **change), 9.0), (entry("a", **change), 18.9))
    ]

    assert ready == [0, 0, 0]
    assert len(complete.of([entry("a", **change)], 19.0)) == 1


def test_file_that_goes_and_comes_again_waits_anew() -> None:
    complete = Complete(settings(stable_for="10s"))
    for entries, now in (([entry("a")], 0.0), ([], 5.0)):
        complete.of(entries, now)

    assert complete.of([entry("a")], 10.0) == []


@pytest.mark.parametrize(
    ("looks", "error"),
    [
        (Attributes(1, stat.S_IFLNK | 0o777, 1), UnreadableFileError),
        (Attributes(1, stat.S_IFDIR | 0o755, 1), UnreadableFileError),
        (Attributes(None, stat.S_IFREG, 1), UnreadableFileError),
        (Attributes(11, stat.S_IFREG, 1), SizeLimitError),
    ],
)
async def test_link_folder_and_giant_are_refused_before_they_are_opened(looks: Attributes, error: type) -> None:
    nobody: Any = None  # no server is asked
    with pytest.raises(error):
        await remote.read(nobody, remote.RemoteFile("/in/a", "a", "T", looks), bytearray(), 10)


def test_token_of_a_kept_file_is_the_same_until_it_looks_different() -> None:
    tokens = [remote.unclaimed("/in", one).token for one in (entry("a"), entry("a"), entry("a", size=2), entry("b"))]

    assert tokens[0] == tokens[1]
    assert len({*tokens}) == 3


def test_overlong_name_keeps_its_end() -> None:
    name = remote.shortened("ä" * 200 + ".edi")

    assert name.endswith("ä.edi")
    assert len(name.encode()) <= 180


def test_file_in_the_root_has_one_slash() -> None:
    assert (remote.below("/", "a"), remote.below("/in", "a"), remote.below("in", "a")) == ("/a", "/in/a", "in/a")
