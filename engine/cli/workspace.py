"""What the analyst's commands share: which site, which files of it, what lint knows, how things are printed."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click

from engine.channel.lints.ground import Knowledge
from engine.channel.load import load_site
from engine.channel.model import ChannelModel
from engine.channel.site import Site

paths_argument = click.argument("paths", nargs=-1, type=click.Path(exists=True, path_type=Path))
json_option = click.option("--json", "as_json", is_flag=True, help="Print data instead of words.")
_MARKS = ("channels", "config")


def site_root(path: Path) -> Path:
    """The site that a path is in: the nearest folder above that has `channels/` and `config/`, or else `channels/`."""
    start = path.resolve()
    above = [folder for folder in (start, *start.parents) if folder.is_dir()]
    for marks in (_MARKS, _MARKS[:1]):
        for folder in above:
            if all((folder / mark).is_dir() for mark in marks):
                return folder
    raise click.UsageError(
        f"there is no site at {path}: no folder 'channels' here or above (make one: isthmus new DIR)"
    )


def selected(paths: Iterable[Path]) -> list[tuple[Site, list[str]]]:
    """Sites with what was asked for in each, as paths inside the site; empty: all of it."""
    chosen: dict[Path, list[str]] = {}
    for path in tuple(paths) or (Path(),):
        root = site_root(path)
        inside = path.resolve().relative_to(root).as_posix()
        chosen.setdefault(root, []).append(inside)
    return [(load_site(root), [] if "." in inside else inside) for root, inside in chosen.items()]


def is_selected(file: str, inside: Iterable[str]) -> bool:
    limits = tuple(inside)
    return not limits or any(file == limit or file.startswith(f"{limit}/") for limit in limits)


def channel_named(site: Site, name: str) -> ChannelModel:
    """Raises click.UsageError with the names there are."""
    stem = Path(name).stem if name.endswith((".yaml", ".yml")) else name
    if stem not in site.channels:
        raise click.UsageError(
            f"there is no channel '{stem}' that loads; there are: {', '.join(sorted(site.channels))}"
        )
    return site.channels[stem]


def knowledge() -> Knowledge:
    """What lint needs of the layers above it."""
    import engine.sdk
    from engine.adapters.catalog import ADAPTERS
    from engine.connectors.catalog import CATALOG
    from engine.connectors.connections import CONNECTION_TYPES
    from engine.script.guard import ALLOWED_MODULES

    connections = {a.name: a.load for a in ADAPTERS.values()} | {c.name: c.load for c in CONNECTION_TYPES}
    return Knowledge(CATALOG, frozenset(engine.sdk.__all__), ALLOWED_MODULES, connections)


def printable(text: str) -> str:
    """Without control characters: what a message holds must not steer the terminal."""
    return "".join(c if c.isprintable() else "·" for c in text)


def print_json(value: Any) -> None:
    click.echo(json.dumps(value, indent=2, ensure_ascii=False, default=str))
