"""The year made and played through the real process: day by day, with a look at what is due each morning.

What comes at the same quarter of an hour comes at once, and is decided together.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import date, timedelta
from functools import partial
from itertools import groupby
from operator import attrgetter
from typing import NamedTuple

from engine.procure.process import Process
from engine.store.open import Store
from tests.support.connector_doubles import Clock
from tests.support.year.maker import FIRST, LAST, LOOK, Maker, Said
from tests.support.year.masters import Masters
from tests.support.year.network import POLICIES
from tests.support.year.network import masters as known_masters
from tests.support.year.oracle import Oracle
from tests.support.year.paying import COURSES, Paying
from tests.support.year.shelf import Shelf
from tests.support.year.trade import FAULTS, Trade

_AT = attrgetter("at")


class Year(NamedTuple):
    maker: Maker
    invoices: int

    @property
    def oracle(self) -> Oracle:
        return self.maker.oracle


def year(invoices: int, seed: int = 1, suppliers: int = 24) -> Year:
    """About so many invoices, in the same proportions whatever their number."""
    maker = Maker(seed, suppliers)
    for document in known_masters(maker.random, maker.sellers):
        maker.say(FIRST, document)
    trade = Trade(maker)
    for number in range(invoices * 9 // 10):
        maker.story += 1
        is_first = number < 5 + len(FAULTS)  # each fault once, however short the year is
        _traded(number if is_first else maker.random.randrange(100), trade)
    _others(maker, trade, invoices)
    return Year(maker, sum(one.document.kind == "Invoice" for one in maker.said))


def _traded(drawn: int, trade: Trade) -> None:
    if drawn < 2:
        trade.open_wish()
    elif drawn < 5:
        trade.without_order()
    else:
        trade.matter(dict(enumerate(FAULTS, 5)).get(drawn))


def _others(maker: Maker, trade: Trade, invoices: int) -> None:
    """Payments of nine in ten invoices; use, suppliers, stock and books as they belong to so many invoices."""
    paying, masters, shelf = Paying(maker), Masters(maker), Shelf(maker)
    stories: list[Callable[[], None]] = []
    for bill in trade.bills:
        if bill.total > 0 and not bill.is_credit and maker.chance(900):
            is_first = len(stories) < len(COURSES)
            drawn = len(stories) if is_first else maker.random.randrange(60)
            stories.append(partial(paying.pay, bill, dict(enumerate(COURSES)).get(drawn)))
    for number in range(invoices // 4):
        stories.append(partial(shelf.use, {0: "uncharged", 1: "unknown", 2: "charge_alone"}.get(number % 12)))
    for number in range(max(4, invoices // 60)):
        stories.append(partial(masters.new, {0: "faulty", 1: "refused", 2: "never"}.get(number % 5)))
        stories.append(partial(shelf.shelf, number % 3 == 0))
    for number in range(max(2, invoices // 200)):
        stories.append(partial(masters.twins, number % 2 == 0))
    stories += [partial(shelf.books, month, month % 3 != 0) for month in range(1, 12)]
    for story in stories:
        maker.story += 1
        story()


async def play(made: Year, store: Store) -> None:
    """Afterwards the year is over."""
    clock = Clock(FIRST)
    process = Process(store.records, clock, lambda: POLICIES)
    days: defaultdict[date, list[Said]] = defaultdict(list)
    for one in made.maker.said:
        days[one.at.date()].append(one)
    day = FIRST
    while day < LAST:
        said = sorted(days.pop(day.date(), []), key=_AT)
        await _tell(process, clock, (one for one in said if one.story == 0))  # the masters, before all others
        clock.moment = day + LOOK
        while await process.look():
            pass
        await _tell(process, clock, (one for one in said if one.story))
        day += timedelta(days=1)


async def _tell(process: Process, clock: Clock, said: Iterable[Said]) -> None:
    for moment, together in groupby(said, _AT):
        clock.moment, traced = moment, int(moment.timestamp())
        await asyncio.gather(*(process.take(one.document, traced if one.traced else None, one.who) for one in together))
