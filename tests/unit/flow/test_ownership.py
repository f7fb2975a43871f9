"""Who has the journal: taking, renewing, doubt, being overtaken."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from engine.core.errors import StoreError
from engine.flow import ownership
from engine.flow.ownership import Ownership
from engine.ports.leases import Lease
from tests.support.waiting import until

TTL = timedelta(seconds=0.2)


class Leases:
    """One lease in memory; `away` as a database that cannot be reached."""

    def __init__(self, node: str = "") -> None:
        self.node, self.token, self.away = node, 1, False
        self.asked = self.released = 0

    async def acquire(self, name: str, node: str, ttl: timedelta) -> Lease | None:
        self._reach()
        self.asked += 1
        if self.node not in ("", node):
            return None
        self.node = node
        return self._lease()

    async def renew(self, lease: Lease, ttl: timedelta) -> Lease | None:
        self._reach()
        return self._lease() if lease.node == self.node else None

    async def release(self, lease: Lease) -> None:
        self._reach()
        self.released += 1

    def _reach(self) -> None:
        if self.away:
            raise StoreError("the store cannot be reached")

    def _lease(self) -> Lease:
        return Lease(ownership.NAME, self.node, self.token, datetime.now(UTC))


def owner(leases: Leases, attached: list[Lease] | None = None) -> Ownership:
    return Ownership(leases, "a:/site", ([] if attached is None else attached).append, TTL)


async def test_a_free_journal_is_taken_and_its_commits_depend_on_the_lease() -> None:
    leases, attached, told = Leases(), list[Lease](), list[str]()
    one = owner(leases, attached)
    assert not one.certain

    await one.take(lambda: told.append("standing by"))

    assert (one.certain, told, [lease.node for lease in attached]) == (True, [], ["a:/site"])


async def test_a_taken_one_is_waited_for_and_that_is_told_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ownership, "_LOOK_SECONDS", 0.01)
    leases, told = Leases("b:/site"), list[str]()
    taking = asyncio.create_task(owner(leases).take(lambda: told.append("standing by")))
    await until(lambda: leases.asked > 3)
    assert (told, taking.done()) == (["standing by"], False)

    leases.node = ""

    await asyncio.wait_for(taking, 30)
    assert leases.node == "a:/site"


async def test_one_that_cannot_renew_is_not_certain_any_more_and_is_again_when_it_can() -> None:
    leases = Leases()
    one = owner(leases)
    await one.take(lambda: None)
    keeping = asyncio.create_task(one.keep())
    await asyncio.sleep(TTL.total_seconds())
    await until(lambda: one.certain)  # by a renewal: its first time is over

    leases.away = True
    await until(lambda: not one.certain)
    assert not one.overtaken.is_set()

    leases.away = False
    await until(lambda: one.certain)
    keeping.cancel()


async def test_one_that_was_overtaken_is_told_and_gives_nothing_up() -> None:
    leases = Leases()
    one = owner(leases)
    await one.take(lambda: None)
    leases.node = "b:/site"

    await asyncio.wait_for(one.keep(), 30)

    assert (one.certain, one.overtaken.is_set()) == (False, True)
    await one.give_up()
    assert leases.released == 0


@pytest.mark.parametrize("away", [False, True])
async def test_at_the_end_the_lease_is_given_up_if_the_store_is_there(away: bool) -> None:
    leases = Leases()
    one = owner(leases)
    await one.take(lambda: None)
    leases.away = away

    await one.give_up()

    assert leases.released == (0 if away else 1)
