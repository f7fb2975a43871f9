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
@click.option("--accept-breaking", is_flag=True, help="Write contracts although they break their readers.")
def command(check: bool, directory: Path, accept_breaking: bool) -> None:
    """Write the reference pages: channels, connectors, lint codes, errors, states, documents, commands.

    Refuses a change of a canonical document that breaks who reads it, until the document's version is raised.

    \b
    Examples:
      isthmus docs
      isthmus docs --check
    """
    from engine.cli.contracts import breaks, contract_files
    from engine.cli.reference import pages

    if not _gate(breaks(directory)) and not accept_breaking:
        sys.exit(1)
    made = pages() | contract_files()
    stale = [name for name, text in made.items() if _text(directory / name) != text]
    kept = [*directory.glob("*.md"), *directory.glob("*/*.json")]
    old = sorted({path.relative_to(directory).as_posix() for path in kept} - set(made))
    for name in stale:
        if not check:
            (directory / name).parent.mkdir(parents=True, exist_ok=True)
            (directory / name).write_text(made[name], encoding="utf-8")
        click.echo(f"{'stale' if check else 'written'}: {directory / name}")
    for name in old:
        click.echo(f"no longer generated: {directory / name}")
    if check and (stale or old):
        click.echo("run: isthmus docs")
    sys.exit(1 if check and (stale or old) else 0)


def _gate(broken: list[str]) -> bool:
    """Whether the contracts may change so."""
    for text in broken:
        click.echo(f"breaks its readers: {text}")
    if broken:
        click.echo("raise the `version` of the document, or keep what its readers rely on")
    return not broken


def _text(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.is_file() else None
