"""Commands about channels: status, pause, resume, stop, check, prune."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import click

from engine.cli.remote import ask, json_option, print_json, site_option, who
from engine.core.durations import parse_duration
from engine.ports.operations import ChannelStatus, EngineStatus


@click.command()
@site_option
@json_option
def status(site: Path, as_json: bool) -> None:
    """Channels of the running engine with rates, queues and errors.

    Below the table: what an administrator should know, and the last error of each channel and destination.

    \b
    Examples:
      isthmus status
      isthmus status --json
    """
    found = ask(site, lambda engine: engine.status())
    if as_json:
        return print_json(found)
    _show(found)


def _show(found: EngineStatus) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console(width=None if sys.stdout.isatty() else 120)
    table = Table(title=f"{found.site} · {found.store} · since {found.started_at:%Y-%m-%d %H:%M} UTC")
    for name in ("channel", "state"):
        table.add_column(name, no_wrap=True)
    for name in ("revision", "per s", "stored", "queued", "held"):
        table.add_column(name, justify="right")
    for channel in found.channels:
        table.add_row(*_row(channel), style="bold red" if channel.counts.get("HELD") else "")
    console.print(table)
    for line in [*(f"note: {notice}" for notice in found.notices), *_troubles(found)]:
        click.echo(line)


def _row(channel: ChannelStatus) -> list[str]:
    queued, held = sum(d.queued for d in channel.destinations), channel.counts.get("HELD", 0)
    stored = sum(channel.counts.values())
    return [channel.name, channel.state, str(channel.revision), f"{channel.per_second:.1f}",
            str(stored), str(queued), str(held)]  # fmt: skip


def _troubles(found: EngineStatus) -> Iterator[str]:
    """The last error of each channel and destination, on lines of their own: they are too long for a table."""
    for channel in found.channels:
        if channel.last_error:
            yield f"{channel.name}: {channel.last_error}"
        for destination in channel.destinations:
            if destination.last_error:
                is_over = destination.state == "idle" and not destination.queued
                state = "idle again; earlier" if is_over else destination.state
                yield f"{channel.name}.{destination.name} ({state}): {destination.last_error}"


def _set(state: str, title: str) -> click.Command:
    verb = {"running": "resume", "paused": "pause", "stopped": "stop"}[state]
    example = f'isthmus {verb} invoice_posting --reason "the ERP is being upgraded"'

    @click.command(name=verb, help=f"{title}\n\n\b\nExample:\n  {example}")
    @click.argument("channel")
    @click.option("--reason", default=None, help="Why; kept in the audit trail.")
    @site_option
    @json_option
    def command(channel: str, reason: str | None, site: Path, as_json: bool) -> None:
        found = ask(site, lambda engine: engine.set_channel(channel, state, who(), reason))
        if as_json:
            return print_json(found)
        click.echo(f"{found.name} is {found.state}")

    return command


pause = _set("paused", "Go on receiving and journalling; transform and send nothing.")
resume = _set("running", "Go on after pause or stop.")
stop = _set("stopped", "Receive nothing; what was received is still transformed and sent.")


@click.command()
@click.argument("channel", required=False)
@site_option
@json_option
def check(channel: str | None, site: Path, as_json: bool) -> None:
    """Ask every far side whether it is reachable and willing; tell when our certificates expire.

    Exit 0: all are, 1: not all.

    \b
    Examples:
      isthmus check
      isthmus check invoice_posting
    """
    found = ask(site, lambda engine: engine.check(channel))
    if as_json:
        print_json(found)
    else:
        for name, health in found.items():
            click.secho(f"{'ok ' if health.ok else 'BAD'} {name:<40} {health.text}", fg="green" if health.ok else "red")
    if not all(health.ok for health in found.values()):
        raise SystemExit(1)


@click.command()
@click.option("--older-than", required=True, help="Age of finished messages to drop, for example 90d.")
@site_option
@json_option
def prune(older_than: str, site: Path, as_json: bool) -> None:
    """Drop finished messages and give the disk back. HELD and queued ones stay.

    \b
    Example:
      isthmus prune --older-than 90d
    """
    try:
        before = datetime.now(UTC) - parse_duration(older_than)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    dropped = ask(site, lambda engine: engine.prune(before, who()))
    if as_json:
        return print_json({"dropped": dropped})
    click.echo(f"{dropped} messages dropped")
