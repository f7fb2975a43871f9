"""Partners' acknowledgements settle our control numbers."""

from __future__ import annotations

from typing import Any

import pytest

from engine.flow.acknowledged import settle
from engine.ports.script import WorkItem
from tests.support import x12_samples as samples


class Ledger:
    def __init__(self) -> None:
        self.told: list[tuple[str, int, str, str | None]] = []

    async def acknowledge(self, partner: str, number: int, outcome: str, note: str | None) -> None:
        self.told.append((partner, number, outcome, note))


async def told(body: bytes, message_type: str, **attributes: str) -> list[tuple[str, int, str, str | None]]:
    ledger: Any = Ledger()
    await settle(ledger, "lakeside", WorkItem(1, "c@1", body, message_type, attributes))
    return ledger.told


async def test_997_settles_the_group_that_it_names() -> None:
    body = samples.interchange(("AK1*PO*31", "AK2*850*0001", "AK5*A", "AK9*A*1*1*1"), "997", "FA")

    assert await told(body, "997") == [("lakeside", 31, "accepted", None)]


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
