"""What `isthmus run` serves beside the channels: the console, the API and the control socket; and its first words."""

from __future__ import annotations

import json
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import click
import msgspec
import sqlalchemy

from engine.api.app import build_app
from engine.api.serve import serve, serve_control
from engine.app import Engine, store_url
from engine.channel.load import load_site
from engine.channel.site import Site
from engine.console import pages
from engine.flow.meter import Emit
from engine.ports.web import TlsFiles, WebSettings
from engine.store.accounts import SqlAccounts
from engine.store.partner_tokens import SqlPartnerTokens
from engine.telemetry import Level, Registry, Telemetry
from engine.telemetry.libraries import capture
from engine.telemetry.named import named
from engine.telemetry.snapshot import measure_process


class Addresses(msgspec.Struct, frozen=True):
    """Where people and commands reach the engine. `first_link` lets the first administrator in, once."""

    console: str | None
    control: str
    first_link: str | None


def accounts_url(site: Site) -> str:
    """Accounts stand beside the journal: a file of their own, or the same PostgreSQL database."""
    url = store_url(site)
    if url.startswith("sqlite:///"):
        return f"sqlite:///{Path(url.removeprefix('sqlite:///')).with_name('accounts.db')}"
    return url.replace("postgresql://", "postgresql+psycopg://", 1)


@asynccontextmanager
async def serving(engine: Engine, events: Registry | None = None) -> AsyncIterator[Addresses]:
    """Serve until the block ends. `events`: what `/metrics` shows beside the figures of the status."""
    site = engine.site
    console = site.engine.console
    url = accounts_url(site)
    if url.startswith("sqlite:///"):
        Path(url.removeprefix("sqlite:///")).touch(mode=0o600)  # password digests: for the engine's user only
    database = sqlalchemy.create_engine(url)
    accounts, partners = SqlAccounts(database), SqlPartnerTokens(database)
    tls = None
    if console.tls is not None:
        tls = TlsFiles(site.root / console.tls.certificate, site.root / console.tls.key)
    settings = WebSettings(listen=console.listen, tls=tls)
    app = build_app(engine.operations, accounts, engine.store.audit, settings, pages(), events, partners)
    control = site.root / site.engine.control
    control.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(serve_control(app, control))
            base, link = None, None
            if console.enabled:
                base = await stack.enter_async_context(serve(app, console.listen, tls))
                token = await accounts.first_admin_link()
                link = f"{base}/welcome/{token}" if token else None
            yield Addresses(base, str(control), link)
    finally:
        accounts.close()


def announce(engine: Engine, addresses: Addresses, *, as_json: bool) -> None:
    """Tell where everything listens, once, on standard output."""
    if as_json:
        facts = msgspec.to_builtins(addresses) | {
            "started_in": round(engine.started_in, 3),
            "channels": {name: run.state for name, run in engine.supervisor.runs.items()},
        }
        click.echo(json.dumps(facts))
        sys.stdout.flush()
        return
    click.echo(f"Isthmus runs {engine.site.engine.site or engine.site.root} (ready in {engine.started_in:.1f} s)")
    for name, run in sorted(engine.supervisor.runs.items()):
        source = run.model.source if run.model else None
        where = source.settings.get("listen") or source.settings.get("folder") or "" if source else ""
        click.echo(f"  {run.state:<8} {name:<32} {source.type if source else '':<12} {where}")
    for notice in engine.supervisor.notices:
        click.echo(f"  note: {notice}")
    if addresses.console:
        click.echo(f"Console: {addresses.console}")
    if addresses.first_link:
        click.echo(f"First administrator (this link works once, for 24 hours): {addresses.first_link}")
    sys.stdout.flush()


def log_to_terminal(root: Path) -> tuple[Emit, Registry]:
    """Events become log lines and metrics: who, what and where, never a value of a message."""
    settings = load_site(root).engine.log
    level = Level[settings.level.upper()]
    form = {"auto": None, "text": False, "json": True}[settings.format]
    telemetry = Telemetry(sys.stderr, level=level, json=form)
    capture(telemetry.emit)  # what Python's logging says, without the values that libraries put into their texts
    measure_process(telemetry.registry)
    return named(telemetry.emit), telemetry.registry
