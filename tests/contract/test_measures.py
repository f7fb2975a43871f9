"""Every measure over a month that was worked out by hand, on both stores."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from engine.canonical import Money, OrderChange, OrderChangeAction, OrderChangeLine
from engine.channel.policies import Policies
from engine.channel.policy_calendars import Milestone as Promise
from engine.channel.policy_calendars import Milestones
from engine.ports.measures import MeasureAsk
from engine.procure.measures.catalog import MEASURES
from engine.procure.measures.check import differences, remake
from engine.procure.measures.compute import compute
from engine.procure.measures.promises import promises_of
from engine.procure.measures.watch import MeasureWatch
from engine.procure.process import Process
from engine.store.open import Store
from tests.support.connector_doubles import Clock
from tests.support.march import AFTER, EXPECTED, MARCH, play
from tests.support.purchases import billed, invoice, of, order, ordered, receipt
from tests.support.stores import sql


async def test_every_measure_says_of_a_month_what_was_worked_out_by_hand(store: Store) -> None:
    await play(store)

    told = {}
    for name, one in MEASURES.items():
        rows = await compute(store.measures, one, MARCH, AFTER)
        told[name] = rows[0].value if len(rows) == 1 else [row.value for row in rows]

    assert told == EXPECTED


async def test_where_nothing_happened_no_measure_says_a_share_or_an_average(store: Store) -> None:
    told = {}
    for name, one in MEASURES.items():
        (row,) = await compute(store.measures, one, MARCH, AFTER)
        told[name] = (row.value, row.denominator)

    nothing = {name: ("0.00" if one.unit == "money" else "0", "0") for name, one in MEASURES.items()}
    shares = {name: (None, "0") for name, one in MEASURES.items() if one.of_nothing == "no data"}
    assert told == {**nothing, **shares}


async def test_a_month_that_nobody_touched_is_what_its_documents_say(store: Store) -> None:
    await play(store)

    assert await differences(store.measures, store.records, MARCH, AFTER) == []


async def test_what_orders_promise_is_told_by_currency_with_changes_releases_and_invoices_for_several(
    store: Store,
) -> None:
    clock = Clock()
    process = Process(store.records, clock, lambda: None)
    clock.moment = MARCH.since
    less = OrderChangeLine(order_line_number=1, action=OrderChangeAction.CHANGE, quantity=of("6"))
    euro = ordered().model_copy(update={"price": Money(amount=Decimal("4.00"), currency="EUR")})
    both = invoice(billed(order_number="PO-1"), billed(price="3.00", number=2, order_number="PO-2"), order_number=None)
    for document in (
        order(), order(ordered(price="3.00"), order_number="PO-2"),
        receipt(), receipt(number="R-2").model_copy(update={"order_number": "PO-2"}), both,
        order(order_number="PO-3"), _change("PO-3", less),
        order(order_number="PO-4"), _change("PO-4", purpose="01"),
        order(order_number="PO-5", blanket=True), order(order_number="PO-6", blanket_number="PO-5"),
        order(euro, order_number="PO-7", currency="EUR"),
    ):  # fmt: skip
        await process.take(document)

    rows = await compute(store.measures, MEASURES["commitment"], MARCH, AFTER)

    # PO-1 and PO-2 are billed, PO-3 is for six, PO-4 is cancelled, PO-6 is a release of PO-5.
    assert [(one.currency, one.value) for one in rows] == [("EUR", "40.00"), ("USD", "64.00")]
    assert await differences(store.measures, store.records, MARCH, AFTER) == []


def _change(number: str, *lines: OrderChangeLine, purpose: str = "04") -> OrderChange:
    return OrderChange(
        order_number=number, supplier_number="S1", change_number="1", sequence=1, changed_on=date(2026, 3, 1),
        lines=lines, purpose=purpose,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("row", "figure"),
    [
        ("order_bought", "contract_compliance"),
        ("order_promised", "supplier_on_time"),
    ],
)
async def test_a_row_of_an_order_that_is_gone_is_found_with_its_figure(
    store: Store, store_url: str, row: str, figure: str
) -> None:
    await play(store)
    sql(store_url, f"DELETE FROM p2p_milestones WHERE what = '{row}' AND key = 'PO-2'")

    found = {one.where.partition(" ")[0] for one in await differences(store.measures, store.records, MARCH, AFTER)}

    assert found == {figure, row}


async def test_a_row_that_was_changed_by_hand_is_found_with_the_figures_that_it_moves(
    store: Store, store_url: str
) -> None:  # fmt: skip
    await play(store)
    sql(store_url, "UPDATE p2p_milestones SET ended = began WHERE what = 'exception' AND who = 'b.berg'")

    found = {one.where.partition(" ")[0] for one in await differences(store.measures, store.records, MARCH, AFTER)}

    assert found == {"exception_resolution_time", "exception"}


async def test_rows_made_anew_say_again_what_the_documents_say(store: Store, store_url: str) -> None:
    await play(store)
    sql(store_url, "UPDATE p2p_milestones SET ended = began WHERE what = 'exception'")
    sql(store_url, "DELETE FROM p2p_milestones WHERE what IN ('invoice_received', 'command_given')")

    made = await remake(store.measures, store.records)

    assert made == int(sql(store_url, "SELECT COUNT(*) FROM p2p_dossiers")[0][0])
    assert await differences(store.measures, store.records, MARCH, AFTER) == []


async def test_the_daily_look_tells_how_many_rows_of_which_kind_differ_and_never_what_they_hold(
    store: Store, store_url: str
) -> None:
    told: list[tuple[str, str, dict[str, object]]] = []
    watch = MeasureWatch(store.measures, store.records, lambda *one: told.append(one))
    await play(store)
    last = datetime(2026, 3, 23, 12, tzinfo=UTC)  # of its documents

    await watch.look(last)
    quiet = (list(told), watch.notices)
    sql(store_url, "UPDATE p2p_milestones SET units = 1 WHERE what IN ('usage_taken', 'invoice_received')")
    await watch.look(last)

    assert quiet == ([], ())
    assert told == [("measures_differed", "measures", {"count": 1, "rows": "usage_taken"})]
    assert len(watch.notices) == 1
    assert "U-1" not in watch.notices[0]


async def test_what_got_no_document_lately_is_not_looked_at_daily(store: Store, store_url: str) -> None:
    await play(store)
    sql(store_url, "UPDATE p2p_milestones SET units = 1")

    watch = MeasureWatch(store.measures, store.records, lambda *_: None)
    await watch.look(AFTER)

    assert watch.notices == ()


async def test_what_is_promised_is_counted_in_business_time(store: Store) -> None:
    await play(store)
    rules = Milestones(
        milestones=(
            Promise(milestone="order_to_acknowledgement", within="24h", owner="buyer"),
            Promise(milestone="invoice_cycle", within="12h", owner="accounts-payable"),
        )
    )

    told = await promises_of(store.measures, Policies(milestones=rules), MeasureAsk(MARCH.since, MARCH.until), AFTER)

    assert [(one.milestone, one.kept, one.late, one.overdue, one.percent) for one in told.rows] == [
        ("invoice_cycle", 1, 1, 0, "50.00"),
        ("order_to_acknowledgement", 1, 0, 1, "50.00"),
    ]
    assert [(one.key, one.due_at.isoformat()) for one in told.breaches] == [
        ("PO-2", "2026-03-05T08:00:00+00:00"),
        ("S2/I-2", "2026-03-15T20:00:00+00:00"),
    ]
