"""How commands reach the running engine: its control socket, where the caller is the user of this terminal."""

from __future__ import annotations

import asyncio
import getpass
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from engine.api.client import ControlClient
from engine.channel.load import load_site
from engine.core.errors import ConfigurationError

T = TypeVar("T")

site_option = click.option(
    "--site", default=".", type=click.Path(exists=True, file_okay=False, path_type=Path), help="Folder of the site."
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print data instead of words.")


def ask(site: Path, question: Callable[[ControlClient], Awaitable[T]]) -> T:
    """Ask the engine of a site.

    Raises:
        ConfigurationError: it does not run.
    """

    async def run() -> T:
        path = site.resolve() / load_site(site.resolve()).engine.control
        if not path.exists():
            raise ConfigurationError("no engine runs here", where=str(path), remedy="start it with `isthmus run`")
        async with ControlClient(path) as client:
            return await question(client)

    return asyncio.run(run())


def who() -> str:
    """Named in the audit trail; the engine checks it against the socket's peer."""
    return getpass.getuser()


def print_json(value: Any) -> None:
    import msgspec

    click.echo(msgspec.json.format(msgspec.json.encode(value), indent=2).decode())
