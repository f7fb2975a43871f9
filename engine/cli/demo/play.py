"""Puts the demonstration together: the ERP, the site, the engine, the story, and the comparison at the end."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

from engine.api.client import ControlClient
from engine.canonical import Identifier, Money, OrderLine, PurchaseOrder, Quantity
from engine.cli.demo import edi, reconcile
from engine.cli.demo.board import Board
from engine.cli.demo.desk import read_desk
from engine.cli.demo.engine_process import EngineProcess
from engine.cli.demo.erp_office import ErpOffice
from engine.cli.demo.parcel import Phase
from engine.cli.demo.report import Outcome
from engine.cli.demo.story import ANSWERS, OUTBOX, Pace, Story, of_phase
from engine.cli.demo.suppliers import Suppliers
from engine.cli.demo.tally import Tally
from engine.cli.demo.traffic import Plan, plan_day
from engine.cli.demo.workplace import Workplace, connect_erp, furnish, shipped_site
from engine.ports.journal import MessageRow, Query
from engine.ports.states import MessageState

LOOKS_INTO_THE_ERP = frozenset({"erp_receipts_in", "erp_payments_in", "erp_masters_in", "erp_reconciliation"})
"""How often they find something depends on when they look; all that they find is to arrive."""
_PAGE = 200
_PATIENCE = 300.0  # seconds


class Wishes(NamedTuple):
    """What the command line asked for."""

    messages: int
    seed: int
    directory: Path
    port_base: int | None
    pace: Pace


class Stage(NamedTuple):
    """Everything that runs."""

    place: Workplace
    office: ErpOffice
    engine: EngineProcess
    client: ControlClient


@asynccontextmanager
async def stage(wishes: Wishes, board: Board, tally: Tally) -> AsyncIterator[Stage]:
    """Start the ERP and the engine; both end with the block."""
    async with AsyncExitStack() as stack:
        board.step("Setting up the ERP (Tryton, a process of its own; the first time takes about a minute)")
        office = await ErpOffice.open(wishes.directory, board.step)
        stack.push_async_callback(office.close)
        tally.erp = "up"
        place = furnish(wishes.directory, shipped_site(), wishes.port_base)
        place = connect_erp(place, office.url, office.database, office.key)
        board.step("Starting the engine on a copy of the shipped site")
        engine = EngineProcess(place)
        stack.callback(engine.stop)
        await engine.start()
        client = await stack.enter_async_context(ControlClient(engine.control))
        yield Stage(place, office, engine, client)


async def play(on: Stage, wishes: Wishes, board: Board, tally: Tally) -> Outcome:
    """Play the day and compare."""
    today = datetime.now(UTC).date()
    plan = plan_day(wishes.seed, wishes.messages, today)
    tally.plan(plan.day.parcels)
    before = await on.office.adapter.summary()
    story = Story(on.place, on.client, tally, wishes.pace)
    suppliers = Suppliers(on.place.folder(*OUTBOX), on.place.folder("data", "in", "acknowledgements"), today, tally)

    def look() -> None:
        suppliers.look()
        board.look(story.statuses)

    began = time.monotonic()
    try:
        async with story.watching(look):
            await _phases(on, story, board, tally, plan)
        seconds = time.monotonic() - began
    finally:
        await story.close()
    board.step("Reading the ERP, and comparing")
    return await _compare(on, story, tally, suppliers, plan, before, seconds)


async def _phases(on: Stage, story: Story, board: Board, tally: Tally, plan: Plan) -> None:
    day = plan.day
    board.step("06:00  Cost centers from finance, suppliers from the vendor portal")
    await story.send(of_phase(day.parcels, Phase.SUPPLIERS))
    await story.settled()
    board.step("06:30  The item master, over MLLP")
    await story.send(of_phase(day.parcels, Phase.ITEMS))
    await story.settled()
    board.step("07:00  Orders: the clinic's as 850 files, the buyers' typed into the ERP; all go out to suppliers")
    orders = of_phase(day.parcels, Phase.ORDERS)
    await story.send(orders)
    for order in plan.bought:
        await on.office.buy(_document(order))
    expected = len(orders) + len(plan.bought)
    await story.settled(lambda: tally.orders_out >= expected)
    board.step(
        "08:00  The day: admissions, charges, requisitions, receipts, invoices; the ERP dies in the middle of it"
    )
    await story.busy_day(of_phase(day.parcels, Phase.DAY), on.office)
    board.step("17:00  A buyer types in an order whose invoice came first; its goods are at the dock")
    await on.office.buy(_document(plan.late))
    await story.send(of_phase(day.parcels, Phase.EVENING))
    board.step("18:00  Letting the queues drain")
    await story.settled(lambda: tally.orders_out >= plan.orders)
    board.step("18:30  The process decides what it waited for: what was invoiced and has not come")
    await _decided(on, plan)
    await story.settled()


async def _decided(on: Stage, plan: Plan) -> None:
    """Until each invoice stands where it is to stand; when one does not in time, the report says which."""
    with suppress(TimeoutError):
        async with asyncio.timeout(_PATIENCE):
            while (await read_desk(on.place.root, plan.day)).invoices.wrong:
                await asyncio.sleep(1)


def _document(order: edi.Order) -> PurchaseOrder:
    """The order as a buyer enters it."""
    lines = (
        OrderLine(
            number=number,
            item_number=line.item,
            quantity=Quantity(amount=Decimal(line.quantity), unit="EA"),
            price=Money(amount=line.price),
            description=line.description,
            identifiers=(Identifier(scheme="VENDOR_ITEM", value=line.catalog_number),),
        )
        for number, line in enumerate(order.lines, 1)
    )
    return PurchaseOrder(
        order_number=order.number, supplier_number=order.supplier, ordered_on=order.ordered_on, lines=tuple(lines)
    )


async def _compare(
    on: Stage,
    story: Story,
    tally: Tally,
    suppliers: Suppliers,
    plan: Plan,
    before: Mapping[str, tuple[int, Decimal]],
    seconds: float,
) -> Outcome:
    sent, day = sum(tally.sent.values()), plan.day
    expected = plan.expected()
    kinds = await reconcile.kinds(on.office.adapter, expected, before)
    tally.expect("purchase_order_out", sum(kind == "PurchaseOrder" for kind, _ in expected))
    tally.expect("functional_acknowledgement_in", suppliers.accepted + suppliers.rejected)
    tally.expect("order_response_in", suppliers.talkative)
    tally.expect("ship_notice_in", suppliers.talkative)
    for channel, messages in plan.commands().items():
        tally.expect(channel, messages)
    for status in story.statuses:
        if status.name in LOOKS_INTO_THE_ERP:
            tally.expect(status.name, sum(status.counts.values()))
    places = [*on.office.files(), on.place.folder("data", "out")]
    return Outcome(
        seconds=seconds,
        sent=sent,
        channels=tuple(reconcile.channels(story.statuses, tally)),
        kinds=tuple(kinds),
        troubles=tuple(reconcile.troubles(await _stopped(on.client))),
        surprises=tuple(tally.surprises),
        leaks=tuple(reconcile.leaks(day.canaries, places)),
        canaries=len(day.canaries),
        outage_seconds=tally.outage_seconds,
        queued_at_restart=tally.queued_at_restart,
        orders=suppliers.counts(),
        ledger=await reconcile.orders_in_ledger(on.place.root),
        answers=tuple(reconcile.answers(day.parcels, on.place.folder(*ANSWERS), 2 * suppliers.talkative)),
        desk=await read_desk(on.place.root, day),
        directory=on.place.root.parent,
        console=on.engine.addresses.get("console"),
        first_link=on.engine.addresses.get("first_link"),
    )


async def _stopped(client: ControlClient) -> list[MessageRow]:
    """All messages that were refused or wait for a person."""
    rows: list[MessageRow] = []
    before: int | None = None
    while True:
        states = (MessageState.REFUSED, MessageState.HELD)
        page = await client.search(Query(states=states, before_id=before, limit=_PAGE))
        rows += page
        if len(page) < _PAGE:
            return rows
        before = page[-1].message_id


def end_in_order() -> None:
    """SIGTERM ends the demonstration as Ctrl-C does: the engine drains, the ERP stops, nothing is left running."""
    task = asyncio.current_task()
    if task is not None:
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)


def default_directory(today: date) -> Path:
    """Short, because a Unix socket's path has a limit of about 100 characters."""
    import tempfile

    return Path(tempfile.mkdtemp(prefix=f"isthmus-demo-{today:%m%d}-"))
