"""Who has the journal: taking, renewing, doubt, being overtaken."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from engine.core.errors import StoreError
from engine.flow import ownership
from engine.flow.ownership import Ownership
from engine.ports.leases import Lease

TTL = timedelta(seconds=0.4)


class Leases:
    """One lease in memory; `away` as a database that cannot be reached."""

    def __init__(self, node: str = "") -> None:
        self.node, self.token, self.away, self.released = node, 1, False, 0

    async def acquire(self, name: str, node: str, ttl: timedelta) -> Lease | None:
        self._reach()
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
    await asyncio.sleep(0.1)
    assert (told, taking.done()) == (["standing by"], False)

    leases.node = ""

    await asyncio.wait_for(taking, 5)
    assert leases.node == "a:/site"


async def test_one_that_cannot_renew_is_not_certain_any_more_and_is_again_when_it_can() -> None:
    leases = Leases()
    one = owner(leases)
    await one.take(lambda: None)
    keeping = asyncio.create_task(one.keep())
    await asyncio.sleep(TTL.total_seconds())
    assert one.certain

    leases.away = True
    await asyncio.sleep(TTL.total_seconds() * 1.5)
    assert (one.certain, one.overtaken.is_set()) == (False, False)

    leases.away = False
    await asyncio.sleep(TTL.total_seconds() / 2)
    assert one.certain
    keeping.cancel()


async def test_one_that_was_overtaken_is_told_and_gives_nothing_up() -> None:
    leases = Leases()
    one = owner(leases)
    await one.take(lambda: None)
    leases.node = "b:/site"

    await asyncio.wait_for(one.keep(), 5)

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
