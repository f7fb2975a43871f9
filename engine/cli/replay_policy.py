"""`isthmus replay --policy`: what other policies would have decided, read beside a running engine; nothing changes."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click

from engine.channel.lint import lint
from engine.channel.load import load_site, read_policies
from engine.channel.policies import FOLDER, Policies
from engine.channel.site import Site
from engine.channel.yaml_source import read_yaml
from engine.cli.remote import print_json
from engine.cli.workspace import knowledge
from engine.core.clock import SystemClock
from engine.core.figures import priced
from engine.procure.policy.desk import PolicyDesk
from engine.procure.policy.replay import PolicyReplay, PolicyReport

_USUAL = timedelta(days=30)
_SHOWN = 50


def replay_policy(site: Path, policy: Path, since: datetime | None, as_json: bool) -> None:
    """Decide over what came since a time by other policies, and tell what comes out otherwise.

    Raises:
        click.UsageError: the policies have mistakes.
        StoreError: the journal cannot be opened.
    """
    report = asyncio.run(_report(site.resolve(), policy, since or datetime.now(UTC) - _USUAL))
    if as_json:
        return print_json(report.facts)
    _show(report)


async def _report(root: Path, policy: Path, since: datetime) -> PolicyReport:
    from engine.app import store_url
    from engine.store.open import open_store

    site, clock = load_site(root), SystemClock()
    if findings := read_policies(policy, site.policies)[1]:
        raise click.UsageError("\n".join(map(str, findings)))
    store = await open_store(store_url(site), clock, read_only=True)
    try:
        before = await _deployed(PolicyDesk(store.records, clock), site.policies)
        after, _ = read_policies(policy, before)
        for mistake in _mistakes(site, policy, after):
            click.secho(mistake, fg="yellow", err=True)
        return await PolicyReplay(store.records, clock, before, after).run(since)
    finally:
        await store.close()


def _mistakes(site: Site, policy: Path, after: Policies) -> Iterator[str]:
    """What lint would tell of the other policies where those of the site are: they are replayed all the same."""
    files = sorted(policy.glob("*.y*ml")) if policy.is_dir() else [policy]
    own = {f"{FOLDER}/{one.stem}.yaml": read_yaml(one.read_text(encoding="utf-8"), str(one)) for one in files}
    changed = replace(site, policies=after, sources={**site.sources, **own})
    names = {one.file for one in own.values()}
    yield from (str(one) for one in lint(changed, knowledge()) if one.file in names)


async def _deployed(desk: PolicyDesk, on_disk: Policies) -> Policies:
    rows = await desk.history()
    return Policies.model_validate_json(rows[-1].content) if rows else on_disk


def _show(report: PolicyReport) -> None:
    click.echo(f"{report.decided} dossiers decided again; {len(report.otherwise)} documents otherwise")
    for words, count in report.outcomes.items():
        click.echo(f"  {count:>6}  {words}")
    if report.shares:
        click.echo("  supplier       facility       documents           money")
    for one in report.shares:
        click.echo(f"  {one.supplier:<14} {one.facility:<14} {one.documents:>9} {priced(one.amount, one.currency):>18}")
    for row in report.otherwise[:_SHOWN]:
        was, would = ", ".join(row.before) or "waits", ", ".join(row.after) or "waits"
        click.echo(f"  {row.document}: {priced(row.amount, row.currency)}: {was} → {would}")
    if len(report.otherwise) > _SHOWN:
        click.echo(f"  … and {len(report.otherwise) - _SHOWN} more: --json has all of them")
