"""A worker reads claims and payments after its doors are closed: the maps are loaded before."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

from engine.ports.script import Limits, Program, WorkItem, WorkResult
from engine.ports.states import MessageState
from engine.script.pool import Pool

CASES = Path(__file__).parents[3] / "channels/payments/claim_payment_in.cases"
SCRIPT = """
from engine.sdk import LoopedSet, remittance_from_835

def transform(payment_835: LoopedSet):
    return remittance_from_835(payment_835)
"""


async def test_payments_are_read_refused_and_held_in_a_worker() -> None:
    program = Program(
        key="demo@1", channel="demo", format="x12", accept=["835"], script_name="transforms/demo.py", script=SCRIPT,
        index={"claim": "2100[2]/CLP01"}, destinations={"out": {"send": "Remittance", "order_by": None, "when": None}},
    )  # fmt: skip
    names = ("two_claims", "payee_missing", "does_not_add_up")
    pool, finished = Pool(1), asyncio.Event()
    results: list[WorkResult] = []

    def done(some: Sequence[WorkResult]) -> None:
        results.extend(some)
        if len(results) == len(names):
            finished.set()

    await pool.start()
    try:
        pool.define(program, Limits(seconds=5, memory_bytes=64 * 1024 * 1024))
        bodies = [(CASES / name / "input.edi").read_bytes() for name in names]
        items = [WorkItem(n, "demo@1", body, "835", {"acknowledge": "999"}) for n, body in enumerate(bodies, 1)]
        pool.submit("demo", items, done)
        await asyncio.wait_for(finished.wait(), 30)
    finally:
        await pool.close()

    states = {one.message_id: (one.state, one.reason.code if one.reason else None) for one in results}
    assert states == {
        1: (MessageState.QUEUED, None),
        2: (MessageState.REFUSED, "X303"),
        3: (MessageState.HELD, "D003"),
    }
    assert ("claim", "HV-20032") in next(one for one in results if one.message_id == 1).keys
