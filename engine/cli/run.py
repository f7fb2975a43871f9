"""`isthmus run`: the engine in the foreground, until SIGTERM or Ctrl-C drains it."""

from __future__ import annotations

import asyncio
import signal
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import click

from engine.core.collector import rest, spare_what_stays
from engine.core.errors import FencedError
from engine.script.cradle import Begun, begin

if TYPE_CHECKING:
    from engine.app import Engine


@click.command()
@click.option(
    "--site", default=".", type=click.Path(exists=True, file_okay=False, path_type=Path), help="Folder of the site."
)
@click.option("--deploy", "deploy_all", is_flag=True, help="Deploy every channel that differs on disk first.")
@click.option("--json", "as_json", is_flag=True, help="Print the addresses as one line of JSON.")
def command(site: Path, deploy_all: bool, as_json: bool) -> None:
    """Start the engine of a site and print where it listens.

    \b
    Example:
      isthmus run --site /srv/harbor --deploy
    """
    rest()
    nursery = begin()  # it imports while we do
    from engine.app import run_forever

    run_forever(lambda: _run(site.resolve(), deploy_all, as_json, nursery))


class Stopping:
    """The wish to stop: SIGTERM, Ctrl-C. An engine that stands by has nothing to finish and ends at once."""

    def __init__(self) -> None:
        self._asked, self._standing_by = asyncio.Event(), False
        self._main = asyncio.current_task()
        for name in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(name, self._ask)

    def _ask(self) -> None:
        self._asked.set()
        if self._standing_by and self._main is not None:
            self._main.cancel()

    def standing_by(self) -> None:
        self._standing_by = True
        spare_what_stays()  # it may take days: what waiting makes is collected meanwhile
        click.echo("standing by: another engine has the journal; this one takes over when that one ends", err=True)

    def started(self) -> None:
        self._standing_by = False

    async def wait(self, overtaken: asyncio.Event) -> None:
        """Return when somebody asks. Raises FencedError: another engine took over."""
        waits = [asyncio.create_task(event.wait()) for event in (self._asked, overtaken)]
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for one in waits:
            one.cancel()
        if overtaken.is_set():
            raise FencedError("another engine took over this journal", remedy="start this one again: it stands by then")


async def _run(root: Path, deploy_all: bool, as_json: bool, nursery: Begun) -> None:
    stopping = Stopping()
    try:
        await _serve(root, deploy_all, as_json, stopping, nursery)
    except asyncio.CancelledError:
        click.echo("stopped while standing by", err=True)


async def _serve(root: Path, deploy_all: bool, as_json: bool, stopping: Stopping, nursery: Begun) -> None:
    from engine.app import running
    from engine.cli.serving import announce, log_to_terminal, serving

    emit, events = log_to_terminal(root)
    async with AsyncExitStack() as stack:
        engine: Engine = await stack.enter_async_context(
            running(root, deploy_all=deploy_all, emit=emit, standing_by=stopping.standing_by, nursery=nursery)
        )
        stopping.started()
        addresses = await stack.enter_async_context(serving(engine, events))
        announce(engine, addresses, as_json=as_json)
        spare_what_stays()
        await stopping.wait(engine.overtaken)
        if not as_json:
            click.echo("stopping: finishing what is under way", err=True)
