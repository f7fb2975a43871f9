"""The composition root: a site's configuration in, a running engine out. Only here do all parts meet."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from pydantic import ValidationError

import engine.sdk
from engine.adapters.catalog import ADAPTERS, AdapterPool
from engine.channel.lint import lint
from engine.channel.lints.ground import Knowledge
from engine.channel.load import load_layouts, load_site
from engine.channel.model import ChannelModel, DestinationModel
from engine.channel.site import Site
from engine.connectors.catalog import CATALOG
from engine.connectors.connections import CONNECTION_TYPES
from engine.connectors.events.feeding import keep_readers
from engine.connectors.tls import days_left
from engine.core.clock import Clock, SystemClock
from engine.core.errors import ConfigurationError
from engine.core.ids import IdSource
from engine.core.secrets import SiteSecrets
from engine.flow.certificates import CertificateWatch, Place, certificates_of
from engine.flow.channel_run import Parts
from engine.flow.feeds import FeedKeeper, Looks
from engine.flow.housekeeping import Housekeeping
from engine.flow.meter import Emit
from engine.flow.mistakes import refuse_mistakes
from engine.flow.operations import EngineOperations
from engine.flow.overdue import AcknowledgementWatch
from engine.flow.ownership import Ownership
from engine.flow.partner_book import PartnerBook
from engine.flow.replay import Replayer
from engine.flow.supervise import Supervisor
from engine.ports.catalog import ConnectorType
from engine.ports.connector import ConnectorContext, Destination, Source
from engine.ports.journal import ATTACHMENTS, Journal, MessageRow, Query
from engine.ports.spool import SPOOL
from engine.procure.approvals.desk import ApprovalDesk
from engine.procure.desk.desk import Desk
from engine.procure.measures.desk import MeasureDesk
from engine.procure.measures.watch import MeasureWatch
from engine.procure.payments.desk import PaymentDesk
from engine.procure.payments.payables import PaymentRuns
from engine.procure.policy.desk import PolicyDesk
from engine.procure.process import Process
from engine.procure.reconciliation.books import Books
from engine.protocols.tabular.layout import TableLayout
from engine.script.cradle import Begun
from engine.script.guard import ALLOWED_MODULES
from engine.script.pool import Pool
from engine.store.lock import JournalLock
from engine.store.open import Store, open_store

log = logging.getLogger("isthmus")


@dataclass(frozen=True)
class Engine:
    """A running engine. `started_in` is seconds from the call to the last channel listening; `overtaken` is set when
    another engine has taken over the journal: this one must end."""

    site: Site
    store: Store
    supervisor: Supervisor
    operations: EngineOperations
    process: Process
    pool: Pool
    started_in: float
    overtaken: asyncio.Event


class Builder:
    """Makes connectors from a channel's settings."""

    def __init__(self, site: Site, store: Store, clock: Clock, services: dict[str, Any], emit: Emit) -> None:
        self._site, self._store, self._clock, self._emit = site, store, clock, emit
        self._services = {"is_ledger": self._is_ledger, **services}
        self._secrets = SiteSecrets(site.root, site.engine.secrets)
        self.supervisor: Supervisor | None = None

    def source(self, model: ChannelModel) -> Source:
        kind = _known(CATALOG.sources, model.source.type, model.channel)
        settings = _settings(kind, model.source.settings, model.channel)
        form = model.source.format or kind.format
        return kind.build(settings, self._context(model, model.channel, form, model.source.layout))  # type: ignore[return-value]

    def destination(self, model: ChannelModel, destination: DestinationModel) -> Destination:
        name = f"{model.channel}.{destination.name}"
        kind = _known(CATALOG.destinations, destination.type, name)
        settings = _settings(kind, destination.settings, name)
        return kind.build(settings, self._context(model, name, None, destination.layout))  # type: ignore[return-value]

    def _context(self, model: ChannelModel, name: str, form: str | None, layout: str | None) -> ConnectorContext:
        assert self.supervisor is not None
        return ConnectorContext(
            name=name,
            channel=model.channel,
            root=self._site.root,
            clock=self._clock,
            secrets=self._secrets,
            ledger=self._store.ledger,
            connections=self._site.connections,
            hand_over=self.supervisor.hand_over,
            services=self._services,
            format=form,
            charset=model.charset,
            layout=self._layout(layout, name),
            index=model.index,
            emit=self._tell,
        )

    def _tell(self, event: str, channel: str, facts: dict[str, object]) -> None:
        """What a connector tells; what its source cannot do stands in the channel's status as well."""
        run = None if self.supervisor is None else self.supervisor.runs.get(channel)
        if event == "source_failed" and run is not None:
            run.meter.last_error = str(facts.get("text") or facts.get("error"))
        self._emit(event, channel, facts)

    def _is_ledger(self, channel: str, destination: str) -> bool:
        """Whether what a channel delivers there is in an ERP then."""
        run = None if self.supervisor is None else self.supervisor.runs.get(channel)
        model = None if run is None else run.model
        return model is not None and any(one.name == destination and one.type == "erp" for one in model.destinations)

    def _layout(self, layout: str | None, name: str) -> TableLayout | None:
        if layout is None:
            return None
        layouts = load_layouts(self._site.root)  # as it is now: a channel may be deployed long after the start
        if layout not in layouts:
            raise ConfigurationError(f"there is no layout '{layout}'", where=name, remedy="add it in config/layouts")
        return layouts[layout].table()


def _known(types: Any, name: str, where: str) -> ConnectorType:
    if name not in types:
        known = ", ".join(sorted(types))
        raise ConfigurationError(f"there is no connector type '{name}'", where=where, remedy=f"known: {known}")
    found: ConnectorType = types[name]
    return found


def _settings(kind: ConnectorType, values: dict[str, Any], where: str) -> Any:
    try:
        return kind.load().model_validate(values)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        place = ".".join(map(str, first["loc"])) or kind.name
        raise ConfigurationError(f"{place}: {first['msg']}", where=where, remedy="run `isthmus lint`") from None


def store_url(site: Site) -> str:
    """The journal's address: SQLite paths are below the site, other addresses may be secret references."""
    url = site.engine.store.url
    if url.startswith(("env:", "file:", "store:")):
        url = SiteSecrets(site.root, site.engine.secrets).resolve(url)
    if url.startswith("sqlite:") and not url.startswith("sqlite:///"):
        path = site.root / url.removeprefix("sqlite:")
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        return f"sqlite:///{path.resolve()}"
    return url


def worker_count(site: Site) -> int:
    # Two at least: one channel that hangs must not take the only worker.
    return site.engine.workers.count or max(2, (os.cpu_count() or 2) - 1)


@asynccontextmanager
async def running(
    root: Path,
    *,
    deploy_all: bool = False,
    clock: Clock | None = None,
    emit: Emit | None = None,
    services: dict[str, Any] | None = None,
    standing_by: Callable[[], None] = lambda: None,
    nursery: Begun | None = None,
) -> AsyncIterator[Engine]:
    """Start the engine of a site; at the end of the block it drains and closes.

    Args:
        standing_by: called when another engine has the journal (PostgreSQL): this one waits until it may take over.
        nursery: of the script workers, when it was started already.

    Raises:
        ConfigurationError: the site does not load, with file, line and remedy.
        StoreError: the journal cannot be opened.
    """
    began = time.monotonic()
    clock, tell = clock or SystemClock(), emit or _quiet
    async with AsyncExitStack() as stack:
        site = load_site(root)
        _refuse_errors(site, deploys=deploy_all)
        pool = Pool(worker_count(site), lambda pid, why: tell("worker_replaced", "", {"pid": pid, "why": why}), nursery)
        pool.spawn()
        stack.push_async_callback(pool.close)
        store = await open_store(store_url(site), clock, exclusive=True)
        stack.push_async_callback(store.close)
        owner = await stack.enter_async_context(_owning(site, store, standing_by))
        erps = AdapterPool(site.connections, SiteSecrets(site.root, site.engine.secrets))
        stack.push_async_callback(erps.close)
        desk = PolicyDesk(store.records, clock)
        process = Process(store.records, clock, lambda: desk.current)
        desk.reconsider = process.reconsider
        notice = await desk.start(site.policies)
        known = _services(site, store, erps, process)
        known["payment_runs"] = PaymentRuns(store.records, store.measures, process, lambda: desk.current)
        builder = Builder(site, store, clock, {**known, **(services or {})}, tell)
        parts = _parts(site, store, pool, clock, tell, builder, owner)
        supervisor = Supervisor(parts, CATALOG)
        builder.supervisor = supervisor
        replayer, words = Replayer(store.journal, pool, parts.ids, clock), _store_words(site)
        operations = EngineOperations(
            root, site, supervisor, store.journal, store.audit, replayer, CATALOG, clock, words
        )
        operations.partners = known["partner_book"]
        _give_desks(operations, store, process, desk, clock)
        supervisor.notices += [notice] if notice else []
        await pool.start()
        await keep_readers(store.feed, store.journal, site.channels.values())
        await supervisor.start(site, deploy_all=deploy_all)
        overtaken, started_in = owner.overtaken if owner else asyncio.Event(), time.monotonic() - began
        engine = Engine(site, store, supervisor, operations, process, pool, started_in, overtaken)
        own_work = [*_own_work(root, engine, clock, tell), _keeping_feeds(engine, known["looks"], clock, tell)]
        try:
            yield engine
        finally:
            await _finish(engine, own_work)


def _give_desks(
    operations: EngineOperations, store: Store, process: Process, policies: PolicyDesk, clock: Clock
) -> None:
    """What people ask of the process and its policies; and what nothing is deployed against: lint."""
    operations.lint, operations.policies = partial(lint, knowledge=_knowledge()), policies
    records, search, audit = store.records, store.record_search, store.audit
    p2p = Desk(records, search, process, audit, clock, lambda: policies.current, store.journal)
    operations.p2p = p2p
    operations.approvals = ApprovalDesk(records, search, process, audit, clock, lambda: policies.current)
    operations.payments = PaymentDesk(records, search, clock, p2p.messages_of)
    operations.measures = MeasureDesk(store.measures, records, clock, lambda: policies.current, audit)


def _knowledge() -> Knowledge:
    """What lint needs of the layers above it; as `isthmus lint` has it."""
    connections = {one.name: one.load for one in ADAPTERS.values()} | {one.name: one.load for one in CONNECTION_TYPES}
    return Knowledge(CATALOG, frozenset(engine.sdk.__all__), ALLOWED_MODULES, connections)


def _services(site: Site, store: Store, erps: AdapterPool, process: Process) -> dict[str, Any]:
    """Rare needs of connectors, by name."""
    book = PartnerBook(site.partners)
    return {
        "partner_book": book,
        "x12_partners": book.known,
        "erp_adapters": erps,
        "message_row": _row_of(store.journal),
        "received": (store.journal, store.audit),
        "feed": store.feed,
        ATTACHMENTS: store.journal.attachments,
        "procure": process,
        "records": store.records,
        "books": Books(store.records),
        "looks": Looks(),
        SPOOL: store.spool,
    }


def _parts(
    site: Site, store: Store, pool: Pool, clock: Clock, emit: Emit, builder: Builder, owner: Ownership | None
) -> Parts:
    return Parts(
        journal=store.journal,
        pool=pool,
        ids=IdSource(site.engine.node),
        clock=clock,
        emit=emit,
        source=builder.source,
        destination=builder.destination,
        ledger=store.ledger,
        backlog=site.engine.intake.pending,
        owns=lambda: owner is None or owner.certain,
    )


async def _finish(engine: Engine, own_work: Sequence[asyncio.Task[None]]) -> None:
    """Drain and close the channels. Once overtaken, nothing that still ends could be written down."""
    for one in own_work:
        one.cancel()
    overtaken = engine.overtaken.is_set()
    if not await engine.supervisor.drain(0.0 if overtaken else engine.site.engine.drain.total_seconds()):
        log.warning("not everything was finished in time; it goes on from the journal at the next start")
    await engine.supervisor.close(0.0 if overtaken else 10.0)


@asynccontextmanager
async def _owning(site: Site, store: Store, standing_by: Callable[[], None]) -> AsyncIterator[Ownership | None]:
    """Hold the journal against engines on other machines. An SQLite file has its lock: None."""
    if store.lock is not None:
        yield None
        return
    folder = site.root / "var"
    folder.mkdir(exist_ok=True, mode=0o700)
    lock = await JournalLock.take(folder / "isthmus")
    owner = Ownership(store.leases, f"{socket.gethostname()}:{site.root}", store.attach_lease, site.engine.store.lease)
    try:
        await owner.take(standing_by)
        keeping = asyncio.create_task(owner.keep())
        try:
            yield owner
        finally:
            keeping.cancel()
            await owner.give_up()
    finally:
        lock.release()


def _own_work(root: Path, engine: Engine, clock: Clock, emit: Emit) -> list[asyncio.Task[None]]:
    """What the engine does beside its channels; what it finds stands on the first page."""
    site, store = engine.site, engine.store
    watch = CertificateWatch(root, lambda: _certificates(site, engine.supervisor), days_left, emit)
    engine.operations.certificates = watch
    overdue = AcknowledgementWatch(store.ledger, engine.operations.partners.deadlines, clock, emit)
    figures = MeasureWatch(store.measures, store.records, emit)
    engine.operations.notices = lambda: (*overdue.notices, *watch.notices, *figures.notices)
    engine.operations.ledger = store.ledger
    retention, looks = site.engine.retention, {"the figures": figures.look}
    daily = Housekeeping(store.journal, store.audit, clock, retention, site.engine.zone, watch, looks)
    return [asyncio.create_task(one.run()) for one in (daily, overdue, engine.process)]


def _keeping_feeds(engine: Engine, looks: Looks, clock: Clock, emit: Emit) -> asyncio.Task[None]:
    keeper = FeedKeeper(lambda: engine.supervisor.runs, engine.store.journal, engine.store.records, looks, clock, emit)
    others = engine.operations.notices
    engine.operations.notices = lambda: (*others(), *keeper.notices)
    return asyncio.create_task(keeper.run())


def _row_of(journal: Journal) -> Callable[[int], Awaitable[MessageRow | None]]:
    async def row_of(message_id: int) -> MessageRow | None:
        found = await journal.search(Query(before_id=message_id + 1, limit=1))
        return found[0] if found and found[0].message_id == message_id else None

    return row_of


def _certificates(site: Site, supervisor: Supervisor) -> list[Place]:
    console = site.engine.console.tls
    own = [] if console is None else [("console", console.certificate)]
    return own + list(certificates_of(run.model for run in supervisor.runs.values() if run.model is not None))


def _refuse_errors(site: Site, *, deploys: bool) -> None:
    """What does not load starts nothing; what lint calls an error is not deployed."""
    refuse_mistakes(site.findings, "nothing was started")
    if deploys:
        refuse_mistakes(lint(site, _knowledge()), "nothing was deployed")


def _store_words(site: Site) -> str:
    return "SQLite, embedded" if "sqlite" in site.engine.store.url else "PostgreSQL"


def _quiet(name: str, channel: str, facts: dict[str, object]) -> None:
    """No telemetry was given."""


def run_forever(main: Callable[[], Any]) -> None:
    """Run on uvloop where there is one."""
    try:
        import uvloop

        uvloop.run(main())
    except ImportError:
        asyncio.run(main())
