"""Plays scenarios: starts the ERP and the engine once for all that share their settings, and tells what happens."""

from __future__ import annotations

import itertools
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import NamedTuple

from engine.api.client import ControlClient
from engine.cli.demo.engine_process import EngineProcess
from engine.cli.demo.erp_office import ErpOffice
from engine.cli.demo.scenarios import site
from engine.cli.demo.scenarios.books import Books
from engine.cli.demo.scenarios.hospital import Hospital
from engine.cli.demo.scenarios.model import Scenario, Variant
from engine.cli.demo.scenarios.site import Setting
from engine.cli.demo.scenarios.telling import Line, Teller
from engine.cli.demo.workplace import connect_erp, furnish, shipped_site
from engine.core.errors import IsthmusError


class Played(NamedTuple):
    """A variant as it went; `seconds` that it took."""

    scenario: Scenario
    variant: Variant
    lines: Sequence[Line]
    seconds: float = 0.0

    @property
    def agrees(self) -> bool:
        return all(line.agrees for line in self.lines)


class Wish(NamedTuple):
    scenario: Scenario
    variants: tuple[Variant, ...]


class Listener(NamedTuple):
    """Who is told: of preparations, of each variant's beginning, of each line, and of its end."""

    step: Callable[[str], None]
    begins: Callable[[Scenario, Variant], None]
    line: Callable[[Line], None]
    ended: Callable[[Played], None]


async def play_all(
    wishes: Sequence[Wish], directory: Path, listener: Listener, stay: Callable[[EngineProcess], object] | None = None
) -> list[Played]:
    """Play all wishes, those with equal settings on one engine and one ERP."""
    played: list[Played] = []
    for number, (settings, group) in enumerate(itertools.groupby(wishes, lambda wish: wish.scenario.settings)):
        async with stage(directory / str(number), settings, listener.step) as (hospital, engine):
            for wish in group:
                played += await _play(wish, hospital, listener)
            if stay is not None:
                await stay(engine)  # type: ignore[misc]
    return played


@asynccontextmanager
async def stage(
    directory: Path, settings: Sequence[Setting], step: Callable[[str], None]
) -> AsyncIterator[tuple[Hospital, EngineProcess]]:
    """An ERP and an engine on a copy of the site; both end with the block."""
    directory.mkdir(parents=True, exist_ok=True)
    async with AsyncExitStack() as stack:
        office = await ErpOffice.open(directory, step)
        stack.push_async_callback(office.close)
        books = Books(office.settings, office.key)
        stack.push_async_callback(books.close)
        place = furnish(directory, shipped_site())
        place = connect_erp(place, office.url, office.database, office.key)
        site.hasten(place)
        site.apply(place, settings)
        step("Starting the engine on a copy of the shipped site")
        engine = EngineProcess(place)
        stack.callback(engine.stop)
        await engine.start()
        client = await stack.enter_async_context(ControlClient(engine.control))
        hospital = Hospital(place, client, office, books)
        stack.push_async_callback(hospital.close)
        yield hospital, engine


async def _play(wish: Wish, hospital: Hospital, listener: Listener) -> list[Played]:
    listener.step(f"{wish.scenario.name}: preparing what every course of it needs")
    await wish.scenario.prepare(hospital)
    found = []
    for variant in wish.variants:
        listener.begins(wish.scenario, variant)
        teller, began = Teller(listener.line, hospital.quiet), time.monotonic()
        try:
            await variant.play(hospital, teller)
        except IsthmusError as error:
            teller.failed("It could not be played to its end", str(error))
        found.append(Played(wish.scenario, variant, tuple(teller.lines), time.monotonic() - began))
        listener.ended(found[-1])
    return found
