"""What the end of many scenarios looks like: a row each, and what is wrong is seen at once."""

from __future__ import annotations

from engine.cli.demo.scenarios.catalog import SCENARIOS
from engine.cli.demo.scenarios.run import Played
from engine.cli.demo.scenarios.telling import Line
from engine.cli.demo.scenarios.told import table, teller_to

RIGHT, WRONG = Line("Posted", "there", "there"), Line("Paid", "nothing", "40.00")


def test_the_table_has_a_row_for_each_course_with_what_was_seen_and_what_of_it_is_right() -> None:
    first, second = SCENARIOS["SC4"].variants[:2]
    told = table([
        Played(SCENARIOS["SC4"], first, (Line("An order comes"), RIGHT, RIGHT), 3.25),
        Played(SCENARIOS["SC4"], second, (RIGHT, WRONG), 10.0),
    ])  # fmt: skip

    good, bad = (line.split() for line in told.splitlines()[1:])
    assert good == ["SC4", first.name, "2", "2", "✓", "3.2"]
    assert bad == ["SC4", second.name, "2", "1", "✗", "10.0"]


def test_each_course_says_how_many_there_are() -> None:
    said: list[str] = []
    listener = teller_to(said.append, 2)
    for variant in SCENARIOS["SC4"].variants[:2]:
        listener.begins(SCENARIOS["SC4"], variant)

    assert ["[1 of 2]" in "".join(said), "[2 of 2]" in said[-1]] == [True, True]
