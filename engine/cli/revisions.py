"""Commands about revisions: deploy, rollback, history."""

from __future__ import annotations

from pathlib import Path

import click
import msgspec

from engine.cli.remote import ask, json_option, print_json, site_option, who
from engine.ports.journal import RevisionRow


@click.command()
@click.argument("channels", nargs=-1)
@click.option("--note", default=None, help="Why; kept in the history.")
@site_option
@json_option
def deploy(channels: tuple[str, ...], note: str | None, site: Path, as_json: bool) -> None:
    """Make what is on disk the active revision, of all channels that differ or of those named.

    Other channels do not notice; messages under way finish on the revision that received them.
    """
    rows = ask(site, lambda engine: engine.deploy(channels, who(), note))
    if as_json:
        return print_json([_facts(row) for row in rows])
    for row in rows:
        click.echo(f"{row.channel} now runs revision {row.revision} ({row.digest[:12]})")
    if not rows:
        click.echo("nothing differs: every channel already runs what is on disk")


@click.command()
@click.argument("channel")
@click.option("--revision", type=int, default=None, help="Default: the one before the active one.")
@click.option("--note", default=None, help="Why; kept in the history.")
@site_option
@json_option
def rollback(channel: str, revision: int | None, note: str | None, site: Path, as_json: bool) -> None:
    """Go back to an earlier revision of a channel."""
    row = ask(site, lambda engine: engine.rollback(channel, revision, who(), note))
    if as_json:
        return print_json(_facts(row))
    click.echo(f"{row.channel} now runs revision {row.revision} again; the files on disk are as they were")


@click.command()
@click.argument("channel", required=False)
@site_option
@json_option
def history(channel: str | None, site: Path, as_json: bool) -> None:
    """Who deployed what, and when; newest first."""
    rows = ask(site, lambda engine: engine.history(channel))
    if as_json:
        return print_json([_facts(row) for row in rows])
    for row in rows:
        mark = "*" if row.active else " "
        when = f"{row.deployed_at:%Y-%m-%d %H:%M}"
        click.echo(
            f"{mark} {row.channel:<32} {row.revision:>4}  {when}  {row.deployed_by:<16} "
            f"{row.digest[:12]}  {row.note or ''}"
        )


def _facts(row: RevisionRow) -> dict[str, object]:
    facts: dict[str, object] = msgspec.to_builtins(row)
    facts.pop("content")
    return facts
