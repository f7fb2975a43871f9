"""The command `isthmus demo`."""

from __future__ import annotations

import asyncio
import json
import shutil
import sys
from pathlib import Path

import click

from engine.core.errors import IsthmusError

_DAY = 2100
_INTERRUPTED = 130  # as shells say of SIGINT
_PIPED_WIDTH = 140  # columns, where there is no terminal to ask


@click.command()
@click.option("--exit", "leave", is_flag=True, help="End with the comparison: status 0 when all agrees, else 1.")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON and nothing else; implies --exit.")
@click.option("--messages", default=_DAY, show_default=True, type=click.IntRange(min=300), help="Messages in all.")
@click.option("--seed", default=1, show_default=True, help="The same seed plays the same day.")
@click.option(
    "--directory", type=click.Path(file_okay=False, path_type=Path), help="Work folder, kept; none: a temporary one."
)
@click.option("--port-base", default="auto", show_default=True, help="First port to use, or auto for free ones.")
@click.option("--seconds", default=30.0, show_default=True, help="How long the busy part of the day is spread over.")
@click.option("--scenario", help="Play a scenario instead of the day: its name (SC7), list, or all.")
@click.option("--variant", help="Only this course of the scenario; first: the good one.")
@click.option("--keep", is_flag=True, help="Leave engine and ERP up until Ctrl-C: after a scenario, or after --json.")
def command(
    leave: bool, as_json: bool, messages: int, seed: int, directory: Path | None, port_base: str, seconds: float,
    scenario: str | None, variant: str | None, keep: bool,
) -> None:  # fmt: skip
    """Play a hospital day into a real ERP and show that the money agrees.

    \b
    Starts Tryton and the engine on a copy of the shipped site, sends messages over MLLP, HTTP and files,
    kills the ERP in the middle, then reads the ERP and compares it with what was sent, to the cent.
    """
    from datetime import UTC, datetime

    from engine.cli.demo.play import Wishes, default_directory
    from engine.cli.demo.story import Pace

    if scenario is not None or variant is not None:
        from engine.cli.demo.scenarios.command import play_scenarios

        sys.exit(play_scenarios(scenario, variant, directory, keep=keep and not leave, as_json=as_json))
    base = None if port_base == "auto" else _port(port_base)
    place = (directory or default_directory(datetime.now(UTC).date())).resolve()
    place.mkdir(parents=True, exist_ok=True)
    wishes = Wishes(messages, seed, place, base, Pace(day=seconds))
    try:
        agrees = asyncio.run(_run(wishes, leave=leave or (as_json and not keep), as_json=as_json))
    except (KeyboardInterrupt, asyncio.CancelledError):
        sys.exit(_INTERRUPTED)
    except IsthmusError as error:
        click.echo(f"isthmus: {error}\nEngine, ERP and their logs were in {place}", err=True)
        sys.exit(1)
    if agrees and directory is None:
        shutil.rmtree(place, ignore_errors=True)  # nobody asked to keep it, and there is nothing to look into
    sys.exit(0 if agrees else 1)


def _port(text: str) -> int:
    if not text.isdigit() or not 1024 <= int(text) <= 65000:
        raise click.BadParameter("give a number from 1024 to 65000, or auto", param_hint="--port-base")
    return int(text)


async def _run(wishes: object, *, leave: bool, as_json: bool) -> bool:
    from rich.console import Console

    from engine.cli.demo import report
    from engine.cli.demo.board import Board
    from engine.cli.demo.play import Wishes, end_in_order, play, stage
    from engine.cli.demo.tally import Tally

    assert isinstance(wishes, Wishes)
    end_in_order()
    console = Console(stderr=as_json, highlight=False)
    if not console.is_terminal:
        console = Console(stderr=as_json, highlight=False, width=_PIPED_WIDTH)
    tally = Tally()
    board = Board(console, tally, quiet=as_json and not console.is_terminal)
    async with stage(wishes, board, tally) as on:
        board.start()
        try:
            outcome = await play(on, wishes, board, tally)
        finally:
            board.stop()
        if as_json:
            click.echo(json.dumps(report.as_data(outcome), indent=2))
        else:
            report.show(console, outcome)
        if not leave:
            report.where_next(console, outcome)
            await asyncio.Event().wait()
        return outcome.agrees
