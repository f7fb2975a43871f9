"""`isthmus replay`: recent history once more. A plan first; `--yes` carries it out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from engine.api.client import ControlClient
from engine.cli.messages import build_query, query_options
from engine.cli.remote import ask, json_option, print_json, site_option, who
from engine.core.figures import money
from engine.ports.operations import ReplayPlan


@click.command()
@query_options
@click.option("--revision", type=int, default=None, help="Compare with what this revision would make of them.")
@click.option("--reason", default=None, help="Why; needed with --yes, kept in the audit trail.")
@click.option(
    "--policy",
    type=click.Path(exists=True, path_type=Path),
    default=None,
    help="A policy's file or a folder of them: tell what they would have decided otherwise, change nothing.",
)
@click.option("--yes", is_flag=True, help="Carry the plan out; without it only the plan is shown.")
@site_option
@json_option
def command(
    site: Path, as_json: bool, revision: int | None, policy: Path | None, reason: str | None, yes: bool, **chosen: Any
) -> None:
    """Plan a replay: how many, where to, duplicates expected; with --yes carry it out.

    What was delivered before is never delivered again.

    \b
    Examples:
      isthmus replay --channel invoices --since 2h
      isthmus replay --policy new/tolerances.yaml --since 30d
    """
    if policy is not None:
        return _by_policy(site, policy, as_json, yes, **chosen)
    if yes and not reason:
        raise click.UsageError("--yes needs --reason")
    query = build_query(**chosen)

    async def work(engine: ControlClient) -> tuple[ReplayPlan, int | None]:
        plan = await engine.plan_replay(query, who(), revision)
        return plan, await engine.replay(plan.plan_id, who(), reason or "") if yes else None

    plan, done = ask(site, work)
    if as_json:
        return print_json({"plan": plan, "replayed": done})
    _show(plan)
    click.echo(f"{done} messages replayed" if done is not None else "nothing was done: add --yes --reason to replay")


def _by_policy(site: Path, policy: Path, as_json: bool, yes: bool, **chosen: Any) -> None:
    from engine.cli.replay_policy import replay_policy

    if yes:
        raise click.UsageError("--policy only tells; deploy the policies to have them decide")
    replay_policy(site, policy, build_query(**chosen).since, as_json)


def _show(plan: ReplayPlan) -> None:
    click.echo(f"{plan.messages} messages", nl=False)
    click.echo(
        f", {plan.first:%Y-%m-%d %H:%M:%S} to {plan.last:%Y-%m-%d %H:%M:%S} UTC" if plan.first and plan.last else ""
    )
    for name, count in plan.destinations.items():
        click.echo(f"  {count:>6} deliveries to {name}")
    click.echo(f"  {plan.already_delivered:>6} already delivered: skipped; duplicates expected: {plan.duplicates}")
    for change in plan.changes:
        click.echo(f"  {change['change']}: {change['document']} (message {change['message']})")
    for kind, delta in plan.money_delta.items():
        click.echo(f"  {kind}: total differs by {money(delta)}")
