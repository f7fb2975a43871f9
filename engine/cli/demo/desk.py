"""What the process made of the day, read from its store: where each invoice stands, and what waits for people.

It is held against what the traffic says must come of it, case by case and to the cent.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

import msgspec

from engine.app import store_url
from engine.channel.load import load_site
from engine.cli.demo.parcel import Day, Raised
from engine.core.clock import SystemClock
from engine.ports.procure import Case, CaseQuery, Records
from engine.store.open import open_store

_ALL = 100_000


class CaseLine(NamedTuple):
    """Open cases of one type: as many, and with as much money, as the traffic calls for?"""

    type: str
    expected: int
    found: int
    expected_money: Decimal
    money: Decimal
    owners: tuple[str, ...] = ()

    @property
    def agrees(self) -> bool:
        return self.expected == self.found and self.expected_money == self.money


class Invoices(NamedTuple):
    """How many invoices stand where, and those that stand elsewhere than they should."""

    matched: int = 0
    waiting: int = 0
    exception: int = 0
    wrong: tuple[str, ...] = ()

    @property
    def all(self) -> int:
        return self.matched + self.waiting + self.exception


class Desk(NamedTuple):
    invoices: Invoices = Invoices()
    cases: tuple[CaseLine, ...] = ()

    @property
    def agrees(self) -> bool:
        return not self.invoices.wrong and all(line.agrees for line in self.cases)


async def read_desk(site: Path, day: Day) -> Desk:
    """Beside the running engine, without disturbing it."""
    store = await open_store(store_url(load_site(site)), SystemClock(), read_only=True)
    try:
        stand = await _stand(store.records, day.matters())
        return Desk(invoices(day.matters(), stand), case_lines(day.raised(), await _open_cases(store.records)))
    finally:
        await store.close()


async def _stand(records: Records, matters: Iterable[tuple[str, str]]) -> dict[tuple[str, str], str]:
    found = {}
    for dossier, invoice in matters:
        state = msgspec.json.decode((await records.load(dossier)).state)
        found[dossier, invoice] = str(state.get("invoices", {}).get(invoice, {}).get("state", "unknown"))
    return found


async def _open_cases(records: Records) -> Sequence[Case]:
    return await records.cases(CaseQuery(limit=_ALL))


def invoices(expected: Mapping[tuple[str, str], str], found: Mapping[tuple[str, str], str]) -> Invoices:
    count = Counter(found.values())
    wrong = [f"invoice {key[1]} is {found[key]}, not {state}" for key, state in expected.items() if found[key] != state]
    return Invoices(count["matched"], count["waiting"], count["exception"], tuple(wrong))


def case_lines(expected: Iterable[Raised], found: Iterable[Case]) -> tuple[CaseLine, ...]:
    wanted: defaultdict[str, list[Decimal]] = defaultdict(list)
    there: defaultdict[str, list[Case]] = defaultdict(list)
    for raised in expected:
        wanted[raised.type].append(raised.amount)
    for case in found:
        there[case.type].append(case)
    return tuple(_line(type_, wanted[type_], there[type_]) for type_ in sorted({*wanted, *there}))


def _line(type_: str, wanted: Sequence[Decimal], there: Sequence[Case]) -> CaseLine:
    money = sum((Decimal(case.amount) for case in there if case.amount is not None), Decimal(0))
    owners = tuple(sorted({case.owner for case in there}))
    return CaseLine(type_, len(wanted), len(there), sum(wanted, Decimal(0)), money, owners)
