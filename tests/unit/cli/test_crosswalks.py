"""`isthmus crosswalks`: where tables are used, what holds when, which lookups failed."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path

from click.testing import CliRunner

from engine.channel.crosswalk import read_csv
from engine.channel.load import load_site
from engine.cli.crosswalks import command, misses_of, rows_on, tables_of
from engine.ports.journal import MessageRow
from engine.ports.states import MessageState

WHEN = datetime(2026, 11, 20, tzinfo=UTC)


def _row(message_id: int, channel: str, *keys: tuple[str, str]) -> MessageRow:
    return MessageRow(message_id, channel, 1, MessageState.HELD, WHEN, WHEN, 1, "c", None, None, None, None, keys)


def _user(site: Path) -> tuple[str, str, str]:
    """A channel, its parameter and its table."""
    loaded = load_site(site)
    model = next(one for one in loaded.channels.values() if one.lookups)
    return model.channel, *next(iter(model.lookups.items()))


def test_a_table_names_the_channels_that_use_it(good_site: Path) -> None:
    channel, parameter, table = _user(good_site)

    found = {one.name: one for one in tables_of(load_site(good_site))}

    assert (channel, parameter) in [(use.channel, use.parameter) for use in found[table].used_by]


def test_the_list_can_be_read_by_programs_and_by_people(good_site: Path) -> None:
    channel, _, table = _user(good_site)

    words = CliRunner().invoke(command, ["--site", str(good_site)])
    data = CliRunner().invoke(command, ["--site", str(good_site), "--json"])

    assert (words.exit_code, data.exit_code) == (0, 0)
    assert table in words.output
    assert channel in words.output
    assert table in [one["name"] for one in json.loads(data.output)]


def test_an_unknown_table_is_told_with_those_there_are(good_site: Path) -> None:
    _, _, table = _user(good_site)

    result = CliRunner().invoke(command, ["nowhere", "--site", str(good_site)])

    assert result.exit_code == 2
    assert table in result.output


def test_rows_of_a_day() -> None:
    file, _ = read_csv("c.csv", "from,to,valid_from,valid_to\na,1,,2026-06-30\na,2,2026-07-01,\nb,9,,\n")

    assert [row["to"] for row in rows_on(file, date(2026, 6, 30))] == ["1", "9"]
    assert [row["to"] for row in rows_on(file, date(2026, 7, 1))] == ["2", "9"]
    assert [row["to"] for row in rows_on(file, None)] == ["1", "2", "9"]


def test_failed_lookups_are_counted_by_table_and_code_the_most_wanted_first(good_site: Path) -> None:
    channel, parameter, table = _user(good_site)
    site = load_site(good_site)
    known = next(iter(site.crosswalks[table]))
    missing = f"missing_{parameter}"

    found = misses_of(
        site,
        [
            _row(1, channel, (missing, "NEW")),
            _row(2, channel, (missing, known), ("order", "P1")),
            _row(3, channel, (missing, "NEW")),
            _row(3, channel, (missing, "NEW")),
        ],
    )

    assert [(one.table, one.code, one.messages, one.stands_in_table) for one in found] == [
        (table, "NEW", 2, False),
        (table, known, 1, True),
    ]


def test_a_channel_that_is_gone_still_tells_its_parameter(good_site: Path) -> None:
    found = misses_of(load_site(good_site), [_row(1, "gone", ("missing_items", "X"))])

    assert [(one.table, one.channel) for one in found] == [("items", "gone")]
