"""`isthmus diff` tells in words what deploying would do."""

from __future__ import annotations

import click
from click.testing import CliRunner

from engine.cli.diff import command, show
from engine.ports.operations import ChannelDiff

DIFFS = [
    ChannelDiff("requisitions", "changed", 3, ["-first: 5s", "+first: 6s"], ["destination erp changes: retry.first"]),
    ChannelDiff("invoices", "same", 1, [], []),
    ChannelDiff("orders", "new", None, [], ["channel orders starts"]),
]


def _shown() -> str:
    runner = CliRunner()
    return runner.invoke(click.Command("show", callback=lambda: show(DIFFS))).output


def test_each_channel_has_its_change_effects_and_lines() -> None:
    lines = _shown().splitlines()

    assert lines[0] == "~ requisitions  changed, active revision 3"
    assert lines[1:4] == ["    destination erp changes: retry.first", "    -first: 5s", "    +first: 6s"]
    assert "+ orders  new, not deployed" in lines


def test_it_ends_with_how_many_would_change() -> None:
    assert _shown().splitlines()[-1] == "2 of 3 would change: isthmus deploy"


def test_without_an_engine_it_says_how_to_start_one(good_site: object) -> None:
    run = CliRunner().invoke(command, ["--site", str(good_site)])

    assert run.exit_code == 1
    assert "isthmus run" in str(run.exception)
