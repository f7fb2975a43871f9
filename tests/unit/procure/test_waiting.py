"""When it is worth another look at what waits for a source."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from engine.channel.policies import Policies
from engine.procure.decision import World
from engine.procure.waiting import waiting_for

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def _world(**told: datetime) -> World:
    return World(NOW, {}, told, Policies())


def test_a_source_that_passed_the_moment_explains_nothing_any_more() -> None:
    assert waiting_for(_world(receipts=NOW - SECOND), "receipts", NOW - SECOND) is None


@pytest.mark.parametrize(("behind", "looks_after"), [(1, 5), (5, 5), (12, 12), (1800, 1800)])
def test_it_is_looked_at_again_when_the_source_should_have_passed_it(behind: int, looks_after: int) -> None:
    waiting = waiting_for(_world(receipts=NOW - behind * SECOND), "receipts", NOW)

    assert waiting is not None
    assert waiting.look_at == waiting.until == NOW + looks_after * SECOND


@pytest.mark.parametrize(("age", "looks_after"), [(0, 5), (8, 5), (60, 30), (7200, 3600)])
def test_a_source_that_never_told_may_begin_to(age: int, looks_after: int) -> None:
    waiting = waiting_for(_world(), "receipts", NOW - age * SECOND)

    assert waiting is not None
    assert waiting.look_at == NOW + looks_after * SECOND
    assert waiting.until > NOW + timedelta(days=1)


def test_the_last_look_at_a_source_that_never_told_is_when_patience_ends() -> None:
    until = waiting_for(_world(), "receipts", NOW)
    assert until is not None
    patience = until.until - NOW

    late = waiting_for(_world(), "receipts", NOW - patience + SECOND)

    assert late is not None
    assert late.look_at == late.until == NOW + SECOND
