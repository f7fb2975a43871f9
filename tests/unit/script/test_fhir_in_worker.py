"""A worker reads FHIR after its doors are closed: long paths, XML, and what is no resource."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from engine.ports.script import Limits, Program, WorkItem, WorkResult
from engine.ports.states import MessageState
from engine.script.pool import Pool

SCRIPT = """
from engine.sdk import FhirMessage, Filtered

def transform(message: FhirMessage):
    net = message.get("Invoice.lineItem.priceComponent.where(type = 'base').amount.value.sum()")
    return Filtered("no lines") if message.get("lineItem.exists(sequence > 0)") != "true" else net.encode()
"""
JSON = (
    b'{"resourceType":"Invoice","id":"i1","lineItem":[{'
    b'"sequence":1,"priceComponent":[{"type":"base","amount":{"value":1.50}}]}]}'
)
XML = (
    b'<Invoice xmlns="http://hl7.org/fhir"><id value="i2"/><lineItem><sequence value="1"/><priceComponent>'
    b'<type value="base"/><amount><value value="1.50"/></amount></priceComponent></lineItem></Invoice>'
)


async def test_json_and_xml_give_the_same_and_what_is_no_resource_is_held() -> None:
    program = Program(
        key="demo@1", channel="demo", format="fhir", script_name="transforms/demo.py", script=SCRIPT,
        index={"invoice": "Invoice.id.lower()"}, destinations={"out": {"send": None, "order_by": None, "when": None}},
    )  # fmt: skip
    pool, finished = Pool(1), asyncio.Event()
    results: list[WorkResult] = []

    def done(some: Sequence[WorkResult]) -> None:
        results.extend(some)
        if len(results) == 3:
            finished.set()

    await pool.start()
    try:
        pool.define(program, Limits(seconds=2, memory_bytes=64 * 1024 * 1024))
        bodies = (JSON, XML, b'{"resourceType":1}')
        pool.submit("demo", [WorkItem(n, "demo@1", body, "Invoice") for n, body in enumerate(bodies, 1)], done)
        await asyncio.wait_for(finished.wait(), 30)
    finally:
        await pool.close()

    assert [one.state for one in results] == [MessageState.QUEUED, MessageState.QUEUED, MessageState.HELD]
    assert [one.documents[0].body for one in results[:2]] == [b"1.50", b"1.50"]
    assert [one.keys for one in results[:2]] == [[("invoice", "i1")], [("invoice", "i2")]]
    assert results[2].reason is not None
    assert results[2].reason.where == "resourceType"
