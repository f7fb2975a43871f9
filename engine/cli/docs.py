"""`isthmus docs`: writes the reference pages, or tells whether they are stale."""

from __future__ import annotations

import sys
from pathlib import Path

import click


@click.command()
@click.option("--check", is_flag=True, help="Write nothing; exit 1 when a page is not what it would be now.")
@click.option(
    "--directory",
    default="docs/reference",
    show_default=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder of the pages.",
)
def command(check: bool, directory: Path) -> None:
    """Write the reference pages: channels, connectors, lint codes, errors, states, commands.

    \b
    Examples:
      isthmus docs
      isthmus docs --check
    """
    from engine.cli.reference import pages

    made = pages()
    stale = [name for name, text in made.items() if _text(directory / name) != text]
    old = sorted({path.name for path in directory.glob("*.md")} - set(made)) if directory.is_dir() else []
    for name in stale:
        if not check:
            directory.mkdir(parents=True, exist_ok=True)
            (directory / name).write_text(made[name], encoding="utf-8")
        click.echo(f"{'stale' if check else 'written'}: {directory / name}")
    for name in old:
        click.echo(f"no longer generated: {directory / name}")
    if check and (stale or old):
        click.echo("run: isthmus docs")
    sys.exit(1 if check and (stale or old) else 0)


def _text(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.is_file() else None
