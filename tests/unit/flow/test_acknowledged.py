"""Partners' acknowledgements settle our control numbers."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from engine.flow.acknowledged import settle
from engine.flow.meter import ChannelMeter
from engine.ports.ledger import OutboundNumber
from engine.ports.script import WorkItem
from engine.telemetry import Event, events
from engine.telemetry.named import named
from tests.support import x12_samples as samples


class Ledger:
    def __init__(self) -> None:
        self.told: list[tuple[str, int, str, str | None]] = []

    async def acknowledge(self, partner: str, number: int, outcome: str, note: str | None) -> OutboundNumber | None:
        self.told.append((partner, number, outcome, note))
        ours = OutboundNumber(partner, number, "m1.0.supplier", "850", datetime(2026, 3, 1, tzinfo=UTC), outcome)
        return ours if number < 900 else None


async def told(body: bytes, message_type: str | None, **attributes: str) -> list[tuple[str, int, str, str | None]]:
    ledger: Any = Ledger()
    await settle(ledger, "lakeside", WorkItem(1, "c@1", body, message_type, attributes))
    return ledger.told


async def test_997_settles_the_group_that_it_names() -> None:
    body = samples.interchange(("AK1*PO*31", "AK2*850*0001", "AK5*A", "AK9*A*1*1*1"), "997", "FA")

    assert await told(body, "997") == [("lakeside", 31, "accepted", None)]


async def test_997_beside_other_sets_settles_as_well() -> None:
    answer = samples.transaction_set(("AK1*PO*31", "AK2*850*0001", "AK5*A", "AK9*A*1*1*1"), "997")
    invoices = [samples.GS.replace("*PO*", "*IN*"), *samples.transaction_set(samples.INVOICE, "810"), "GE*1*501"]
    answers = [samples.GS.replace("*PO*", "*FA*").replace("*501*", "*502*"), *answer, "GE*1*502"]
    body = "".join(f"{s}~" for s in (samples.ISA, *invoices, *answers, "IEA*2*000000501")).encode()

    assert await told(body, None) == [("lakeside", 31, "accepted", None)]


async def test_rejection_is_noted_with_its_codes() -> None:
    body = samples.interchange(("AK1*PO*31", "AK2*850*0001", "AK5*R*5", "AK9*R*1*1*0*4"), "997", "FA")

    assert await told(body, "997") == [("lakeside", 31, "rejected", "AK905 4; 850 0001 R AK502 5")]


async def test_ta1_settles_the_interchange_that_it_names() -> None:
    body = "".join(f"{s}~" for s in (samples.ISA, "TA1*000000031*261119*0700*R*025", "IEA*0*000000501")).encode()

    assert await told(body, "TA1") == [("lakeside", 31, "rejected", "TA105 025")]


@pytest.mark.parametrize(("answers_with", "count"), [(None, 0), ("interchange", 1)])
async def test_ta1_that_takes_the_envelope_settles_only_where_no_997_follows(
    answers_with: str | None, count: int
) -> None:
    body = "".join(f"{s}~" for s in (samples.ISA, "TA1*000000031*261119*0700*A*000", "IEA*0*000000501")).encode()
    attributes = {"answers_with": answers_with} if answers_with else {}

    assert len(await told(body, "TA1", **attributes)) == count


@pytest.mark.parametrize("policy", ["strict", "tolerant"])
async def test_faulty_997_counts_as_its_partners_policy_says(policy: str) -> None:
    body = samples.interchange(("AK1*PO*31", "AK9*A*1*1*1"), "997", "FA").replace(b"SE*4", b"SE*5")

    assert len(await told(body, "997", envelope=policy)) == (1 if policy == "tolerant" else 0)


async def test_other_messages_and_broken_bodies_settle_nothing() -> None:
    assert await told(samples.interchange(), "850") == []
    assert await told(b"no longer X12", "997") == []


@pytest.mark.parametrize(
    ("number", "end", "expected"),
    [
        (31, ("AK5*R*5", "AK9*R*1*1*0"), [31]),
        (31, ("AK5*A", "AK9*A*1*1*1"), []),
        (31, ("AK5*E*5", "AK9*E*1*1*1"), []),
        (900, ("AK5*R*5", "AK9*R*1*1*0"), []),  # no number of ours
    ],
)
async def test_what_a_partner_rejected_is_handed_on_to_be_told(
    number: int, end: tuple[str, str], expected: list[int]
) -> None:
    ledger: Any = Ledger()
    body = samples.interchange((f"AK1*PO*{number}", "AK2*850*0001", *end), "997", "FA")
    rejected = await settle(ledger, "lakeside", WorkItem(1, "c@1", body, "997", {}))

    assert [one.number for one in rejected] == expected


def test_a_rejected_interchange_becomes_an_event_with_its_message() -> None:
    heard: list[Event] = []
    number = OutboundNumber(
        "lakeside", 31, "0CMZ4HNAC0000.0.supplier", "850", datetime(2026, 3, 1, tzinfo=UTC), "rejected", note="AK905 4"
    )
    ChannelMeter("settled", named(heard.append)).interchange_rejected(number)

    assert heard == [events.InterchangeRejected("lakeside", 31, "850", "0CMZ4HNAC0000", "AK905 4")]
