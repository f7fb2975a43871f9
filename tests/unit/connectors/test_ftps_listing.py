"""Listings as servers write them, and as nobody should."""

from __future__ import annotations

import stat
from datetime import UTC, datetime

import pytest

from engine.connectors.ftps.listing import UnknownFormError, attributes_of, moment, of_facts, of_lines

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def seconds(*when: int) -> int:
    return int(datetime(*when, tzinfo=UTC).timestamp())  # type: ignore[arg-type,misc]


@pytest.mark.parametrize(
    ("line", "name", "size", "kind", "modified"),
    [
        (
            "-rw-r--r-- 1 1000     1000     512 Feb 28 09:15 a b.edi",
            "a b.edi",
            512,
            "REG",
            (2026, 2, 28, 9, 15),
        ),
        ("-rw-r--r--    1 ftp      ftp             5 Nov 21 09:15 late", "late", 5, "REG", (2025, 11, 21, 9, 15)),
        ("-rw-r--r--+   1 o g 7 Jan  2  2024  leads", " leads", 7, "REG", (2024, 1, 2)),
        ("-rw-r--r--    1 owner 7 Jan  2  2024 no group", "no group", 7, "REG", (2024, 1, 2)),
        ("lrwxrwxrwx    1 0 0 11 Jan  2  2024 link -> /etc/passwd", "link", 11, "LNK", (2024, 1, 2)),
        ("drwxr-xr-x    2 0 0 4096 Jan  2  2024 done", "done", 4096, "DIR", (2024, 1, 2)),
        ("prw-r--r--    1 0 0 0 Jan  2  2024 pipe", "pipe", 0, "SOCK", (2024, 1, 2)),
        ("02-28-26  09:15PM                  512 price list.csv", "price list.csv", 512, "REG", (2026, 2, 28, 21, 15)),
        ("02-28-2026  12:15AM       <DIR>          done", "done", None, "DIR", (2026, 2, 28, 0, 15)),
    ],
)
def test_line_for_people_is_read(line: str, name: str, size: int, kind: str, modified: tuple[int, ...]) -> None:
    [found] = of_lines([line], NOW)

    assert (found.name, found.attributes.size) == (name, size)
    assert found.attributes.mode == getattr(stat, f"S_IF{kind}")
    assert found.attributes.modified == seconds(*modified)


def test_facts_are_read_whatever_their_order_and_case() -> None:
    [found] = of_facts(["Modify=20260301120000.5;Type=file;Size=12;UNIX.mode=0644; a; b.edi"])

    assert (found.name, found.attributes) == ("a; b.edi", (12, stat.S_IFREG, seconds(2026, 3, 1, 12)))


def test_folder_itself_and_the_one_above_are_left_out() -> None:
    lines = ["type=cdir; /in", "type=pdir; /", "type=dir; done", "type=OS.unix=slink:/etc; link", "junk", ""]

    assert [entry.name for entry in of_facts(lines)] == ["done", "link"]
    linked = attributes_of("type=OS.unix=symlink;")
    assert linked is not None
    assert linked.mode == stat.S_IFLNK


def test_time_that_is_none_is_left_out() -> None:
    assert [moment(text) for text in ("", "2026", "20261301000000", "x" * 14)] == [None] * 4
    [found] = of_lines(["-rw-r--r-- 1 0 0 5 Feb 29 09:15 a"], NOW)
    assert found.attributes.modified is None


def test_form_that_is_not_known_is_told_and_not_taken_for_an_empty_folder() -> None:
    assert of_lines(["total 0", ""], NOW) == []
    with pytest.raises(UnknownFormError):
        of_lines(["+i8388621.48594,m825718503,r,s280,\tname"], NOW)
