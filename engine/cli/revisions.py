"""Commands about revisions: deploy, rollback, history."""

from __future__ import annotations

from pathlib import Path

import click
import msgspec

from engine.api.client import ControlClient
from engine.cli.remote import ask, json_option, print_json, site_option, who
from engine.ports.journal import RevisionRow
from engine.ports.operations import PARTNERS


@click.command()
@click.argument("channels", nargs=-1)
@click.option("--note", default=None, help="Why; kept in the history.")
@site_option
@json_option
def deploy(channels: tuple[str, ...], note: str | None, site: Path, as_json: bool) -> None:
    """Make what is on disk the active revision, of all channels that differ or of those named.

    Without names also the policies and the trading partners; alone they are named `policies` and `partners`.
    Other channels do not notice; messages under way finish on the revision that received them. While lint tells an
    error anywhere in the site, nothing is deployed.

    \b
    Examples:
      isthmus deploy --note "gloves moved to another department"
      isthmus deploy stock_requisition
    """
    rows, partners = ask(site, lambda engine: _deploy(engine, channels, note))
    if as_json:
        return print_json([_facts(row) for row in rows])
    for row in rows:
        click.echo(f"{row.channel} now runs revision {row.revision} ({row.digest[:12]})")
    for effect in partners:
        click.echo(effect)
    if not rows and not partners:
        click.echo("nothing differs: every channel already runs what is on disk")


async def _deploy(
    engine: ControlClient, channels: tuple[str, ...], note: str | None
) -> tuple[list[RevisionRow], list[str]]:
    """The new revisions, and in words what became of the trading partners: those have no revisions."""
    takes_partners = not channels or PARTNERS in channels
    seen = [one for one in await engine.diff() if one.channel == PARTNERS] if takes_partners else []
    rows = await engine.deploy(channels, who(), note)
    return rows, [effect for one in seen for effect in one.effects]


@click.command()
@click.argument("channel")
@click.option("--revision", type=int, default=None, help="Default: the one before the active one.")
@click.option("--note", default=None, help="Why; kept in the history.")
@site_option
@json_option
def rollback(channel: str, revision: int | None, note: str | None, site: Path, as_json: bool) -> None:
    """Go back to an earlier revision of a channel, or of the policies. The files on disk stay as they are.

    \b
    Examples:
      isthmus rollback stock_requisition
      isthmus rollback policies --revision 3 --note "the old tolerances until Monday"
    """
    row = ask(site, lambda engine: engine.rollback(channel, revision, who(), note))
    if as_json:
        return print_json(_facts(row))
    click.echo(f"{row.channel} now runs revision {row.revision} again; the files on disk are as they were")


@click.command()
@click.argument("channel", required=False)
@site_option
@json_option
def history(channel: str | None, site: Path, as_json: bool) -> None:
    """Who deployed what, and when; newest first. The star marks what is active.

    \b
    Examples:
      isthmus history
      isthmus history stock_requisition
    """
    rows = ask(site, lambda engine: engine.history(channel))
    if as_json:
        return print_json([_facts(row) for row in rows])
    if rows:
        click.echo(f"  {'channel':<32}  rev  {'deployed, UTC':<16}  {'by':<16} {'digest':<12}  note")
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
