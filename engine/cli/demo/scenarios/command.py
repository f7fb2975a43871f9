"""`isthmus demo --scenario`: what to play, where, and with which exit status."""

from __future__ import annotations

import asyncio
import json
import shutil
import tempfile
from pathlib import Path

import click

from engine.cli.demo.engine_process import EngineProcess
from engine.cli.demo.scenarios import told
from engine.cli.demo.scenarios.catalog import SCENARIOS
from engine.cli.demo.scenarios.model import Scenario
from engine.cli.demo.scenarios.run import Played, Wish, play_all
from engine.core.errors import IsthmusError

FIRST = "first"  # the good course of each scenario
_INTERRUPTED = 130  # as shells say of SIGINT


def play_scenarios(
    scenario: str | None, variant: str | None, directory: Path | None, *, keep: bool, as_json: bool
) -> int:
    """Exit status: 0 when all is seen as it should be, else 1.

    Raises:
        BadParameter: no such scenario or variant.
    """
    if scenario == "list":
        click.echo(told.listing(list(SCENARIOS.values())))
        return 0
    wishes = chosen(scenario, variant)
    place = (directory or Path(tempfile.mkdtemp(prefix="isthmus-scenario-"))).resolve()
    try:
        played = asyncio.run(_play(wishes, place, keep=keep, as_json=as_json))
    except KeyboardInterrupt:
        return _INTERRUPTED
    except IsthmusError as error:
        click.echo(f"isthmus: {error}\nEngine, ERP and their logs were in {place}", err=True)
        return 1
    agrees = all(one.agrees for one in played)
    if agrees and directory is None:
        shutil.rmtree(place, ignore_errors=True)
    _end(played, place, as_json=as_json)
    return 0 if agrees else 1


def chosen(scenario: str | None, variant: str | None) -> list[Wish]:
    """
    Raises:
        BadParameter: no such scenario or variant.
    """
    if scenario is None or (scenario != "all" and scenario.upper() not in SCENARIOS):
        raise click.BadParameter(f"give one of: {', '.join(SCENARIOS)}, list, all", param_hint="--scenario")
    found = list(SCENARIOS.values()) if scenario == "all" else [SCENARIOS[scenario.upper()]]
    wishes = [_wish(one, variant) for one in found]
    wishes = [one for one in wishes if one.variants]
    if not wishes:
        names = ", ".join(variant.name for one in found for variant in one.variants)
        raise click.BadParameter(f"give one of: {names}", param_hint="--variant")
    return wishes


def _wish(scenario: Scenario, variant: str | None) -> Wish:
    good = scenario.variants[0].name
    wanted = {FIRST: good, "all": None}.get(variant or "all", variant)
    return Wish(scenario, tuple(one for one in scenario.variants if wanted in (None, one.name)))


async def _play(wishes: list[Wish], place: Path, *, keep: bool, as_json: bool) -> list[Played]:
    from engine.cli.demo.play import end_in_order

    end_in_order()
    total = sum(len(one.variants) for one in wishes)
    listener = told.silent() if as_json else told.teller_to(click.echo, total)
    return await play_all(wishes, place, listener, _stay if keep else None)


async def _stay(engine: EngineProcess) -> None:
    click.echo(
        f"\nLook around: {engine.addresses.get('first_link') or engine.addresses.get('console')}; Ctrl-C ends it."
    )
    await asyncio.Event().wait()


def _end(played: list[Played], place: Path, *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(told.as_data(played), indent=2))
        return
    if len(played) > 1:
        click.echo(f"\n{told.table(played)}")
    wrong = [f"{one.scenario.name} {one.variant.name}" for one in played if not one.agrees]
    if wrong:
        click.echo(f"\nNot as it should be: {', '.join(wrong)}. Engine, ERP and their logs were in {place}")
    else:
        click.echo(f"\nAll {len(played)} went as they should, to the cent.")
