"""`isthmus crosswalks`: which there are, who uses them, what holds when, and which lookups failed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import click
import msgspec

from engine.api.client import ControlClient
from engine.channel.crosswalk import CrosswalkFile, DatedRow
from engine.channel.load import load_site
from engine.channel.site import Site
from engine.cli.remote import ask, json_option, print_json, site_option, who
from engine.cli.workspace import site_root
from engine.core.ids import id_text
from engine.ports.journal import MessageRow, Query
from engine.ports.states import MessageState

MISSING = "missing_"
"""Business key of a message held because a lookup failed: with the parameter's name, its value is the code."""
_MOST = 1000  # messages of one lookup that are looked at


class Use(msgspec.Struct, frozen=True):
    """A channel whose transform gets the table as this parameter; `setting`: a connector reads it instead."""

    channel: str
    parameter: str | None = None
    transform: str | None = None
    setting: str | None = None


class Table(msgspec.Struct, frozen=True):
    name: str
    path: str
    codes: int
    dated: int
    used_by: tuple[Use, ...]


class Miss(msgspec.Struct, frozen=True):
    """A code that messages wait for. `message` is the newest of them; `stands_in_table`: it was added meanwhile."""

    table: str
    code: str
    channel: str
    messages: int
    message: str
    stands_in_table: bool


@click.command()
@click.argument("name", required=False)
@click.option("--missing", is_flag=True, help="Codes that HELD messages wait for; asks the running engine.")
@click.option("--on", "day", type=click.DateTime(["%Y-%m-%d"]), default=None, help="The rows that hold on this day.")
@json_option
@site_option
def command(name: str | None, missing: bool, day: Any, as_json: bool, site: Path) -> None:
    """List crosswalks with where they are used, or the rows of one, or the lookups that failed.

    \b
    Examples:
      isthmus crosswalks
      isthmus crosswalks items --on 2026-07-01
      isthmus crosswalks --missing
    """
    root = site_root(site)
    loaded = load_site(root)
    if name is not None and name not in loaded.crosswalk_files:
        known = ", ".join(sorted(loaded.crosswalk_files)) or "none"
        raise click.UsageError(f"there is no crosswalk '{name}'; there are: {known}")
    if missing:
        misses = [one for one in _missed(root, loaded) if name in (None, one.table)]
        return print_json(misses) if as_json else _print_misses(misses)
    if name is not None:
        rows = rows_on(loaded.crosswalk_files[name], day.date() if day else None)
        return print_json(rows) if as_json else _print_rows(rows)
    tables = tables_of(loaded)
    return print_json(tables) if as_json else _print_tables(tables)


# ------------------------------------------------------------------ where used
def tables_of(site: Site) -> list[Table]:
    uses = uses_of(site)
    return [
        Table(name, file.path, len(file.table), len(file.dated), tuple(uses.get(name, ())))
        for name, file in sorted(site.crosswalk_files.items())
    ]


def uses_of(site: Site) -> Mapping[str, list[Use]]:
    """Of transforms' lookups, and of connectors' settings that have a table's name, such as `units: units`."""
    found: defaultdict[str, list[Use]] = defaultdict(list)
    for name, model in sorted(site.channels.items()):
        for parameter, table in model.lookups.items():
            found[table].append(Use(name, parameter, f"transforms/{model.transform}.py" if model.transform else None))
        for settings in (model.source.settings, *(one.settings for one in model.destinations)):
            for key, value in settings.items():
                if isinstance(value, str) and value in site.crosswalk_files:
                    found[value].append(Use(name, setting=key))
    return found


# ------------------------------------------------------------------ rows
def rows_on(file: CrosswalkFile, day: date | None) -> list[dict[str, str | None]]:
    """Every row, or those that hold on a day, by code."""
    found = []
    for code, value in sorted(file.table.items()):
        for row in file.dated.get(code, (DatedRow(None, None, value),)):
            if day is None or row.overlaps(DatedRow(day.isoformat(), day.isoformat(), "")):
                found.append({"from": code, "to": row.value, "valid_from": row.valid_from, "valid_to": row.valid_to})
    return found


# ------------------------------------------------------------------ lookups that failed
def _missed(root: Path, site: Site) -> list[Miss]:
    parameters = sorted({parameter for model in site.channels.values() for parameter in model.lookups})

    async def question(engine: ControlClient) -> list[MessageRow]:
        rows: list[MessageRow] = []
        for parameter in parameters:
            query = Query(states=[MessageState.HELD], key=(f"{MISSING}{parameter}", "", True), limit=_MOST)
            rows += await engine.search(query, who())
        return rows

    return misses_of(site, ask(root, question))


def misses_of(site: Site, rows: list[MessageRow]) -> list[Miss]:
    """The most wanted first."""
    waiting: defaultdict[tuple[str, str, str], dict[int, None]] = defaultdict(dict)
    for row in rows:
        model = site.channels.get(row.channel)
        for key, code in row.keys:
            if key.startswith(MISSING):
                parameter = key.removeprefix(MISSING)
                table = model.lookups.get(parameter, parameter) if model else parameter
                waiting[table, code, row.channel][row.message_id] = None
    made = [
        Miss(table, code, channel, len(ids), id_text(max(ids)), code in site.crosswalks.get(table, {}))
        for (table, code, channel), ids in waiting.items()
    ]
    return sorted(made, key=lambda one: (-one.messages, one.table, one.code, one.channel))


# ------------------------------------------------------------------ printing
def _print_tables(tables: list[Table]) -> None:
    for table in tables:
        dated = f", {table.dated} by date" if table.dated else ""
        click.echo(f"{table.name}  {table.codes} codes{dated}  {table.path}")
        for use in table.used_by:
            what = f"lookup {use.parameter} of {use.transform}" if use.parameter else f"setting {use.setting}"
            click.echo(f"    {use.channel}: {what}")
        if not table.used_by:
            click.echo("    used by no channel")
    if not tables:
        click.echo("there is no crosswalk")


def _print_rows(rows: list[dict[str, str | None]]) -> None:
    for row in rows:
        days = (
            f"  {row['valid_from'] or '…'} to {row['valid_to'] or '…'}" if row["valid_from"] or row["valid_to"] else ""
        )
        click.echo(f"{row['from']} -> {row['to']}{days}")
    if not rows:
        click.echo("no row holds")


def _print_misses(misses: list[Miss]) -> None:
    for one in misses:
        added = "  in the table on disk by now: deploy, then resend" if one.stands_in_table else ""
        count = f"{one.messages} message{'s' if one.messages > 1 else ''}"
        click.echo(f"{one.table}: {one.code}  {count} of {one.channel}, last {one.message}{added}")
    if not misses:
        click.echo("no message waits for a code")
