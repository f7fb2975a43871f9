"""`isthmus schema`: JSON Schema, so that an editor completes and explains every key."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from engine.cli.workspace import print_json, site_root

FOLDER = "config/schema"
POLICIES = (
    *("tolerances", "matching", "approvals", "exceptions", "milestones", "calendars", "people"),
    *("currencies", "records", "usage", "postings"),
)
NAMES = (
    *("channel", "engine", "connections", "partner", "layout", "expect"),
    *(f"policy_{part}" for part in POLICIES),
)


@click.command()
@click.argument("name", required=False, type=click.Choice(NAMES))
@click.option("--write", is_flag=True, help=f"Write all of them to {FOLDER}/ of the site, with settings for editors.")
@click.option("--check", is_flag=True, help="Only tell whether the written ones are up to date.")
@click.option(
    "--site", default=".", type=click.Path(exists=True, file_okay=False, path_type=Path), help="Folder of the site."
)
def command(name: str | None, write: bool, check: bool, site: Path) -> None:
    """Print the JSON Schema of channels, or of other files; or write them all for editors.

    Editors that know the YAML language server find them by the first line of each file:
    `# yaml-language-server: $schema=../../config/schema/channel.schema.json`.

    \b
    Examples:
      isthmus schema channel
      isthmus schema --write
    """
    from engine.cli.schemas import schema

    if not write and not check:
        print_json(schema(name or "channel"))
        return
    root = site_root(site)
    stale = [path for path, text in files_of().items() if _differs(root / path, text)]
    if check:
        for path in stale:
            click.echo(f"{path} is not up to date: isthmus schema --write")
        sys.exit(1 if stale else 0)
    for path in stale:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(files_of()[path], encoding="utf-8")
        click.echo(f"written: {path}")
    if not stale:
        click.echo("up to date")


def files_of() -> dict[str, str]:
    """Every schema file of a site, by path."""
    from engine.cli.schemas import schema

    return {
        f"{FOLDER}/{name}.schema.json": json.dumps(schema(name), indent=2, ensure_ascii=False) + "\n" for name in NAMES
    }


def editor_settings() -> str:
    """`.vscode/settings.json`: schema to files."""
    from engine.cli.schemas import FILES

    schemas = {f"./{FOLDER}/{name}.schema.json": [files] for name, files in FILES.items()}
    return json.dumps({"yaml.schemas": schemas}, indent=2) + "\n"


def _differs(path: Path, text: str) -> bool:
    return not path.is_file() or path.read_text(encoding="utf-8") != text
