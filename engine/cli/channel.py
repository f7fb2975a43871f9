"""`isthmus channel new`: a channel to start from."""

from __future__ import annotations

from pathlib import Path

import click

from engine.cli.scaffold_ends import DESTINATIONS, SOURCES
from engine.cli.workspace import site_root


@click.group()
def command() -> None:
    """Make channels."""


@command.command("new")
@click.argument("name")
@click.option("--source", required=True, type=click.Choice(sorted(SOURCES)), help="Where messages come from.")
@click.option("--destination", required=True, type=click.Choice(sorted(DESTINATIONS)), help="Where documents go.")
@click.option("--flow", default="first", show_default=True, help="Folder below channels/.")
@click.option("--title", default="", help="What it does, in one line.")
@click.option(
    "--format", "format_name", type=click.Choice(["hl7v2", "x12", "json", "xml", "fhir"]), help="Of files and requests."
)
@click.option(
    "--site", default=".", type=click.Path(exists=True, file_okay=False, path_type=Path), help="Folder of the site."
)
def new(name: str, source: str, destination: str, flow: str, title: str, format_name: str | None, site: Path) -> None:
    """Make the channel NAME with a transform and one case; it lints and tests as it is, then edit it.

    \b
    Examples:
      isthmus channel new requisitions --source hl7v2_mllp --destination erp
      isthmus channel new orders --source file --format x12 --destination erp --flow purchasing
    """
    from engine.cli.scaffold import NewChannel, new_channel

    root = site_root(site)
    for path in new_channel(root, NewChannel(name, source, destination, flow, title, format_name)):
        click.echo(f"made: {path}")
    click.echo(f"\nnext: isthmus lint; isthmus test channels/{flow}/{name}.yaml")
