"""Names in the listing of a server that means ill: passed over or harmless, and the files beside them are found."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from engine.connectors.ftps.listing import of_facts, of_lines
from engine.connectors.ftps.settings import FtpsSourceSettings
from engine.connectors.remote_folder.client import Attributes, Entry
from engine.connectors.remote_folder.folder import Complete, below, shortened
from engine.core.errors import IsthmusError

NOW = datetime(2026, 3, 1, tzinfo=UTC)
BREAKING = ["a\rDELE b.csv", "\rb.csv", "a\r", "a\x00.csv", "a\nDELE b.csv", "a\r\nQUIT"]
ODD = [
    "\u202egpj.csv",
    "a\u2028b.csv",
    "\ufeffa.csv",
    "x" * 5000 + ".csv",
    "-rf.csv",
    "$(id).csv",
    "%00.csv",
    "\x1b[2J.csv",
]
OUTSIDE = ["..", ".", "", "../b.csv", "/etc/passwd", "a/../../b.csv", "a\x00/../b.csv", "\x00"]
SETTINGS = FtpsSourceSettings.model_validate(
    {"address": "h.example:21", "user": "u", "password": "env:P", "folder": "/in", "stable_for": "0s"}
)


def names(entries: list[Entry]) -> list[str]:
    return [entry.name for entry in entries]


@pytest.mark.parametrize("name", BREAKING)
def test_a_name_that_would_be_a_second_command_is_passed_over_and_the_rest_is_found(name: str) -> None:
    facts = of_facts([f"type=file;size=1; {name}", "type=file;size=1; good.csv"])
    lines = of_lines([f"-rw-r--r-- 1 u g 1 Feb 01 10:00 {n}" for n in (name, "good.csv")], NOW)

    assert names(facts) == ["good.csv"]
    assert names(lines) == ["good.csv"]


@pytest.mark.parametrize("name", [*OUTSIDE, *ODD])
def test_what_is_read_lies_in_the_folder_under_a_name_of_usual_length(name: str) -> None:
    entries = [Entry(name, Attributes(1, 0o100644, 1)), Entry("good.csv", Attributes(1, 0o100644, 1))]
    found = names(Complete(SETTINGS).of(entries, 1.0))

    assert "good.csv" in found
    assert not set(OUTSIDE) & set(found)
    for one in found:
        assert below("/in", one) == f"/in/{one}"
        assert len(shortened(one).encode()) <= 255


def test_a_user_name_with_a_second_command_is_no_setting() -> None:
    with pytest.raises((ValueError, IsthmusError)):
        FtpsSourceSettings.model_validate(SETTINGS.model_dump() | {"user": "u\r\nDELE b"})
