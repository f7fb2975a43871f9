"""`isthmus diff`: what deploying would change, in lines and in words."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import click

from engine.cli.remote import ask, json_option, print_json, site_option
from engine.ports.operations import PARTNERS, ChannelDiff

_COLOURS = {"+": "green", "-": "red", "@": "cyan"}
_MARKS = {
    "new": ("+", "green"),
    "changed": ("~", "yellow"),
    "removed": ("-", "red"),
    "unreadable": ("!", "red"),
    "same": ("=", "bright_black"),
}


@click.command()
@click.argument("channels", nargs=-1)
@site_option
@json_option
def command(channels: tuple[str, ...], site: Path, as_json: bool) -> None:
    """Compare the site on disk with what the running engine has deployed. Exit 0: the same, 1: something differs.

    Channels that are the same are only counted, unless named. Policies and trading partners are compared as well.

    \b
    Examples:
      isthmus diff
      isthmus diff stock_requisition --json
    """
    every = ask(site, lambda client: client.diff())
    unknown = set(channels) - {one.channel for one in every}
    if unknown:
        raise click.UsageError(f"no channel {', '.join(sorted(unknown))} on disk or deployed")
    wanted = [one for one in every if not channels or one.channel in channels]
    if as_json:
        print_json(wanted)
    else:
        show(wanted, every_one=bool(channels))
    sys.exit(1 if any(one.change != "same" for one in wanted) else 0)


def show(diffs: Sequence[ChannelDiff], *, every_one: bool = True) -> None:
    """`every_one`: also what is the same, a line each."""
    for one in diffs if every_one else (one for one in diffs if one.change != "same"):
        mark, colour = _MARKS[one.change]
        click.echo(f"{click.style(mark, fg=colour)} {click.style(one.channel, bold=True)}  {one.change}{_active(one)}")
        for effect in one.effects:
            click.echo(f"    {effect}")
        for line in one.lines:
            click.echo(f"    {click.style(line, fg=_COLOURS.get(line[:1]))}")
    changed = sum(one.change in ("new", "changed") for one in diffs)
    click.echo(f"{changed} of {len(diffs)} would change" + (": isthmus deploy" if changed else ""))


def _active(one: ChannelDiff) -> str:
    if one.channel == PARTNERS:  # they have no revisions
        return ""
    return ", not deployed" if one.active_revision is None else f", active revision {one.active_revision}"
