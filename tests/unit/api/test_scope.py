"""A person of facility A never sees or touches anything of facility B."""

from __future__ import annotations

import random
from datetime import UTC, datetime

import msgspec
import pytest

from engine.api.scope import PlanBook, ScopedOperations
from engine.core.errors import AccessError, NotFoundError
from engine.ports.connector import Attachment
from engine.ports.journal import Query
from engine.ports.states import MessageState
from tests.support.operations_double import NOW, PDF, PLANS, SCAN, OperationsDouble

MINE = "HARBOR-MAIN"
CHANNELS = {plan.name for plan in PLANS if plan.facility == MINE}
OTHERS = [plan.name for plan in PLANS if plan.facility != MINE]


@pytest.fixture
def inner() -> OperationsDouble:
    return OperationsDouble()


@pytest.fixture
def scoped(inner: OperationsDouble) -> ScopedOperations:
    return ScopedOperations(inner, frozenset({MINE}), PlanBook())


def _random_query(chance: random.Random) -> Query:
    return Query(
        channel=chance.choice([None, *CHANNELS, *OTHERS, "none"]),
        states=tuple(chance.sample(list(MessageState), chance.randrange(3))),
        key=chance.choice([None, None, (None, "", True), ("visit", "V-77", True), (None, "REQ-2026-4", True)]),
        message_type=chance.choice([None, None, "ADT^A01", "DFT^P03"]),
        since=chance.choice([None, None, datetime(2026, 11, 20, 15, 20, tzinfo=UTC)]),
        limit=chance.choice([1, 5, 50, 500]),
    )


async def test_no_query_shows_another_facilitys_rows(inner: OperationsDouble, scoped: ScopedOperations) -> None:
    chance, seen = random.Random(11), 0
    for _ in range(500):
        query = _random_query(chance)

        rows = await scoped.search(query, "tom")

        everything = await inner.search(msgspec.structs.replace(query, limit=10_000), "tom")
        mine = [row for row in everything if row.channel in CHANNELS]
        assert rows == mine[: query.limit]
        seen += len(rows)
    assert seen > 1000


async def test_another_facilitys_message_does_not_exist_and_is_not_read(
    inner: OperationsDouble, scoped: ScopedOperations
) -> None:
    for name in OTHERS:
        for row in await inner.search(Query(channel=name, limit=5), "x"):
            assert await scoped.view(row.message_id, "tom") is None
            assert await scoped.attachment(row.message_id, 0, "tom") is None
            for change in (scoped.resend(row.message_id, "tom", "x"), scoped.discard(row.message_id, "tom", "x")):
                with pytest.raises(NotFoundError):
                    await change
    assert all(
        record["action"] not in {"message.view", "message.attachment"}
        for record in await inner.audit_records(None, 1000)
    )
    assert inner.sent == []


async def test_my_own_message_can_be_seen_and_its_delivery_resent(
    inner: OperationsDouble, scoped: ScopedOperations
) -> None:
    row = (await inner.search(Query(channel="supplier_invoice", states=(MessageState.HELD,), limit=1), "x"))[0]

    view = await scoped.view(row.message_id, "tom")
    assert view is not None
    assert await scoped.attachment(row.message_id, 0, "tom") == Attachment(SCAN.name, SCAN.media_type, PDF)
    await scoped.resend_delivery(view.deliveries[0].delivery_id, "tom", "period is open")

    assert inner.sent[0][0] == "resend_delivery"


async def test_a_delivery_whose_message_was_not_seen_cannot_be_touched(
    inner: OperationsDouble, scoped: ScopedOperations
) -> None:
    row = (await inner.search(Query(channel="supply_charges", limit=1), "x"))[0]
    delivery = row.message_id + 1000

    for change in (
        scoped.resend_delivery(delivery, "tom", "x"),
        scoped.confirm_delivery(delivery, "tom", "x", None),
    ):
        with pytest.raises(NotFoundError):
            await change
    assert inner.sent == []


async def test_status_history_diff_check_and_audit_leave_the_others_out(scoped: ScopedOperations) -> None:
    assert {c.name for c in (await scoped.status()).channels} == CHANNELS
    assert {row.channel for row in await scoped.history(None)} <= CHANNELS
    assert {diff.channel for diff in await scoped.diff()} <= CHANNELS
    assert {name.split(".")[0] for name in await scoped.check()} <= CHANNELS
    assert all(r["subject"].split()[1] in CHANNELS for r in await scoped.audit_records(None, 100))


@pytest.mark.parametrize("channel", [*OTHERS, "none"])
async def test_another_facilitys_channel_cannot_be_changed(
    inner: OperationsDouble, scoped: ScopedOperations, channel: str
) -> None:
    for change in (
        scoped.set_channel(channel, "stopped", "tom", None),
        scoped.deploy(["stock_requisition", channel], "tom", None),
        scoped.rollback(channel, 1, "tom", None),
        scoped.plan_replay(Query(channel=channel), "tom"),
    ):
        with pytest.raises(NotFoundError):
            await change
    assert inner.sent == []


async def test_a_replay_needs_a_channel_and_ones_own_plan(inner: OperationsDouble) -> None:
    plans = PlanBook()
    tom, eve = (ScopedOperations(inner, frozenset({f}), plans) for f in (MINE, "HARBOR-NORTH"))
    with pytest.raises(AccessError):
        await tom.plan_replay(Query(), "tom")
    plan = await tom.plan_replay(Query(channel="admissions"), "tom")

    with pytest.raises(AccessError):
        await eve.replay(plan.plan_id, "eve", "x")
    assert await tom.replay(plan.plan_id, "tom", "new rule")


async def test_only_those_who_see_everything_prune(scoped: ScopedOperations) -> None:
    with pytest.raises(AccessError):
        await scoped.prune(NOW, "tom")
    with pytest.raises(AccessError):
        await scoped.deploy([], "tom", None)
