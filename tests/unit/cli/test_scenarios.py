"""How scenarios are chosen, told and judged."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from engine.cli.demo.command import command
from engine.cli.demo.scenarios import told
from engine.cli.demo.scenarios.catalog import SCENARIOS
from engine.cli.demo.scenarios.site import set_key
from engine.cli.demo.scenarios.telling import Line, Teller, shown


async def _quiet() -> None:
    return None


def _values(*values: Any) -> Any:
    """Each look sees the next value; the last one stays."""
    left = list(values)

    async def look() -> Any:
        return left.pop(0) if len(left) > 1 else left[0]

    return look


def test_every_scenario_is_known_by_its_own_name_and_each_variant_once() -> None:
    for name, scenario in SCENARIOS.items():
        assert scenario.name == name
        assert len({variant.name for variant in scenario.variants}) == len(scenario.variants) >= 2


async def test_what_comes_true_in_time_agrees() -> None:
    teller = Teller(lambda _: None, _quiet, patience=5)

    await teller.sees("posted", Decimal("12.50"), _values(None, Decimal("12.50")))

    assert teller.lines == [Line("posted", "12.50", "12.50")]
    assert teller.agrees


async def test_what_never_comes_true_is_told_with_what_was_seen() -> None:
    teller = Teller(lambda _: None, _quiet, patience=0)

    await teller.sees("posted", "12.50", _values("12.49"))

    assert not teller.agrees
    assert "12.49, and not 12.50" in told.in_words(teller.lines[0])


async def test_what_must_not_happen_is_looked_at_once_all_is_quiet() -> None:
    order: list[str] = []

    async def quiet() -> None:
        order.append("quiet")

    async def look() -> list[str]:
        order.append("look")
        return []

    teller = Teller(lambda _: None, quiet)
    await teller.stays("nothing was posted", [], look)

    assert order == ["quiet", "look"]
    assert teller.agrees


def test_nothing_has_a_word_of_its_own() -> None:
    assert shown([]) == shown(None) == "nothing"
    assert shown(["b", "a"]) == "b, a"


@pytest.mark.parametrize("before", ['# account: "1310"\nposting: line\n', 'account: "1310"\nposting: line\n', ""])
def test_a_setting_stands_once_whatever_stood_there(tmp_path: Path, before: str) -> None:
    path = tmp_path / "usage.yaml"
    path.write_text(before, encoding="utf-8")

    set_key(path, "account", '"1300"')

    assert [line for line in path.read_text(encoding="utf-8").splitlines() if line.startswith("account")] == [
        'account: "1300"'
    ]


def test_the_list_names_every_variant() -> None:
    said = CliRunner().invoke(command, ["--scenario", "list"]).output

    assert all(variant.name in said for scenario in SCENARIOS.values() for variant in scenario.variants)


@pytest.mark.parametrize(
    "options", [["--scenario", "SC99"], ["--scenario", "SC7", "--variant", "no"], ["--variant", "x"]]
)
def test_what_is_not_there_is_refused_with_what_is(options: list[str]) -> None:
    done = CliRunner().invoke(command, options)

    assert done.exit_code == 2
    assert "give one of" in done.output
