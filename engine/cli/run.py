"""`isthmus run`: the engine in the foreground, until SIGTERM or Ctrl-C drains it."""

from __future__ import annotations

import asyncio
import gc
import signal
from contextlib import AsyncExitStack
from pathlib import Path

import click

from engine.app import Engine, run_forever, running


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
    run_forever(lambda: _run(site.resolve(), deploy_all, as_json))


async def _run(root: Path, deploy_all: bool, as_json: bool) -> None:
    from engine.cli.serving import announce, log_to_terminal, serving

    emit, events = log_to_terminal(root)
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stopping.set)
    async with AsyncExitStack() as stack:
        engine: Engine = await stack.enter_async_context(running(root, deploy_all=deploy_all, emit=emit))
        addresses = await stack.enter_async_context(serving(engine, events))
        # What start-up made stays for good: the collector need not look at it again.
        gc.collect()
        gc.freeze()
        announce(engine, addresses, as_json=as_json)
        await stopping.wait()
        if not as_json:
            click.echo("stopping: finishing what is under way", err=True)
