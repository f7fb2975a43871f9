"""`isthmus erp`: the ERP of the demonstration and of trials, beside us as a process of its own (Tryton)."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import click

from engine.adapters.tryton.databases import SQLITE
from engine.adapters.tryton.environment import VERSIONS
from engine.adapters.tryton.server import ErpServer, is_answering, read_state, stop_by_state
from engine.adapters.tryton.setup import ensure_template

_directory = click.option(
    "--directory",
    default=".isthmus/erp",
    show_default=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Where the ERP's database, log and key are kept.",
)
_json = click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
_version = click.option(
    "--version", type=click.Choice(VERSIONS), default="8.2", show_default=True, help="Release of Tryton."
)
_database = click.option(
    "--database",
    default="sqlite",
    show_default=True,
    help="`sqlite`, or the URI of a PostgreSQL server without a database.",
)


@click.group()
def command() -> None:
    """Set up, start and stop the ERP of the demonstration."""


@command.command()
@_version
@_database
@_directory
@_json
def setup(version: str, database: str, directory: Path, as_json: bool) -> None:
    """Install the ERP in an environment of its own and make a company; what is there already is kept.

    \b
    Example:
      isthmus erp setup
      isthmus erp start
    """
    server = asyncio.run(_server(version, database, directory, port=0, quiet=as_json))
    facts = {"directory": str(directory), "database": server.database, "key": f"file:{server.key_file}"}
    _print(facts, as_json, f"The ERP is ready in {directory}; start it with: isthmus erp start")


@command.command()
@_version
@_database
@_directory
@click.option("--port", default=18000, show_default=True, help="Loopback port; 0: a free one.")
@_json
def start(version: str, database: str, directory: Path, port: int, as_json: bool) -> None:
    """Start the ERP and leave it running; sets it up first when need be.

    \b
    Example:
      isthmus erp start --port 18000
    """
    if read_state(directory) is not None:
        raise click.ClickException(f"an ERP already runs in {directory}; stop it with: isthmus erp stop")
    server = asyncio.run(_started(version, database, directory, port, as_json))
    connection = server.connection()
    lines = ["The ERP answers. For config/connections.yaml:", "", "finance:"]
    _print(connection, as_json, "\n".join([*lines, *[f"  {name}: {value}" for name, value in connection.items()]]))


@command.command()
@_directory
def stop(directory: Path) -> None:
    """Stop the ERP that `start` left running; its database stays.

    \b
    Example:
      isthmus erp stop
    """
    if not stop_by_state(directory):
        raise click.ClickException(f"no ERP runs in {directory}")
    click.echo("stopped")


@command.command()
@_directory
@_json
def status(directory: Path, as_json: bool) -> None:
    """Tell whether the ERP runs and answers. Exit 1 when it does not.

    \b
    Example:
      isthmus erp status
    """
    state = read_state(directory)
    answering = state is not None and asyncio.run(is_answering(state))
    words = "answers" if answering else "runs, but does not answer" if state else "does not run"
    where = f" on port {state['port']}" if state else ""
    _print({**(state or {}), "answers": answering}, as_json, f"The ERP in {directory} {words}{where}")
    if not answering:
        raise SystemExit(1)


async def _server(version: str, database: str, directory: Path, port: int, quiet: bool) -> ErpServer:
    from rich.console import Console

    uri = SQLITE if database in ("sqlite", SQLITE) else database
    console = Console(stderr=True, quiet=quiet)
    with console.status("the ERP: looking for what is there already") as spinner:
        template = await ensure_template(lambda text: spinner.update(f"the ERP: {text}"), version, uri)
    return ErpServer(template, directory, port)


async def _started(version: str, database: str, directory: Path, port: int, quiet: bool) -> ErpServer:
    server = await _server(version, database, directory, port, quiet)
    await server.start()
    return server


def _print(facts: dict[str, Any], as_json: bool, words: str) -> None:
    click.echo(json.dumps(facts, default=str) if as_json else words)
