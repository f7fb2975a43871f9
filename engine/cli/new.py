"""`isthmus new`: a site to start from."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("directory", type=click.Path(file_okay=False, path_type=Path))
@click.option("--title", default=None, help="The site's name, shown in the console.")
def command(directory: Path, title: str | None) -> None:
    """Make a site in DIRECTORY: configuration, one channel with its transform and case, schemas for editors.

    \b
    Example:
      isthmus new general-hospital && cd general-hospital && isthmus lint && isthmus test
    """
    from engine.cli.scaffold import new_site

    name = title or directory.resolve().name.replace("-", " ").replace("_", " ").title()
    for path in new_site(directory, name):
        click.echo(f"made: {directory / path}")
    click.echo(f"\nnext: cd {directory}; isthmus lint; isthmus test; isthmus run")
