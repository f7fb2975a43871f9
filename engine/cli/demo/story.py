"""The day as it is played: master data, orders, then everything at once, with the ERP killed in the middle."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple, Protocol

from engine.api.client import ControlClient
from engine.cli.demo.doors import Door, FolderDoor, HttpDoor, MllpDoor
from engine.cli.demo.parcel import Parcel, Phase
from engine.cli.demo.tally import Tally
from engine.cli.demo.workplace import Workplace
from engine.core.errors import IsthmusError, TransportError
from engine.ports.operations import ChannelStatus

FOLDERS = {
    "order_in": ("data", "in", "orders"),
    "supplier_invoice_in": ("data", "in", "invoices"),
    "functional_acknowledgement_in": ("data", "in", "acknowledgements"),
    "order_response_in": ("data", "in", "responses"),
    "ship_notice_in": ("data", "in", "ship_notices"),
    "cost_centers": ("data", "in", "cost_centers"),
}
HTTP = {
    "supplier_onboarding": ("/suppliers", "HARBOR_PORTAL_TOKEN"),
    "warehouse_receipts_in": ("/receipts", "HARBOR_DOCK_TOKEN"),
}
OUTBOX, ANSWERS = ("data", "out", "orders"), ("data", "out", "acknowledgements")
_LOOK_EVERY, _QUIET_LOOKS = 0.5, 4
_UNFINISHED = ("RECEIVED", "QUEUED")


class Pace(NamedTuple):
    """Seconds. The ERP dies and comes back at these shares of the day's sending."""

    day: float = 30.0
    dies_at: float = 0.3
    returns_at: float = 0.8
    patience: float = 300.0


class Erp(Protocol):
    """What the story does to the ERP's process."""

    async def kill(self) -> None: ...

    async def restart(self) -> None: ...


def open_doors(place: Workplace) -> dict[str, Door]:
    """One door a channel that receives from outside."""
    doors: dict[str, Door] = {}
    for channel, port in place.ports.items():
        if channel in HTTP:
            path, token = HTTP[channel]
            doors[channel] = HttpDoor(port, path, place.token(token))
        elif channel != "console":
            doors[channel] = MllpDoor(port)
    return doors | {channel: FolderDoor(place.folder(*parts)) for channel, parts in FOLDERS.items()}


class Story:
    """Plays the phases. `tally` tells the board how far it is."""

    def __init__(self, place: Workplace, client: ControlClient, tally: Tally, pace: Pace) -> None:
        self._place, self._client, self._tally, self._pace = place, client, tally, pace
        self._doors = open_doors(place)
        self.statuses: Sequence[ChannelStatus] = ()

    async def close(self) -> None:
        for door in self._doors.values():
            await door.close()

    async def send(self, parcels: Iterable[Parcel], seconds: float = 0.0) -> None:
        """Each door sends its own in order, all doors at once, spread over `seconds`."""
        queues: dict[str, list[tuple[float, Parcel]]] = {}
        ordered = list(parcels)
        for index, parcel in enumerate(ordered):
            queues.setdefault(parcel.channel, []).append((seconds * index / len(ordered), parcel))
        started = asyncio.get_running_loop().time()
        async with asyncio.TaskGroup() as group:
            for channel, queue in queues.items():
                group.create_task(self._work_off(self._doors[channel], queue, started))

    async def _work_off(self, door: Door, queue: list[tuple[float, Parcel]], started: float) -> None:
        loop = asyncio.get_running_loop()
        for due, parcel in queue:
            ahead = started + due - loop.time()
            if ahead > 0:
                await asyncio.sleep(ahead)
            self._tally.note(parcel, await door.send(parcel))

    async def busy_day(self, parcels: Sequence[Parcel], erp: Erp) -> None:
        """The day's traffic, and the ERP's process killed and started again meanwhile."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self.send(parcels, self._pace.day))
                group.create_task(self._accident(erp))
        except ExceptionGroup as failed:
            ours = failed.subgroup(IsthmusError)
            raise (ours.exceptions[0] if ours else failed) from None

    async def _accident(self, erp: Erp) -> None:
        pace, tally = self._pace, self._tally
        await asyncio.sleep(pace.day * pace.dies_at)
        await erp.kill()
        tally.erp, began = "killed (kill -9)", asyncio.get_running_loop().time()
        await asyncio.sleep(pace.day * (pace.returns_at - pace.dies_at))
        tally.queued_at_restart = sum(d.queued for s in self.statuses for d in s.destinations)
        tally.erp = "starting again"
        await erp.restart()
        tally.outage_seconds = asyncio.get_running_loop().time() - began
        tally.erp = "up again"

    async def settled(self, enough: Callable[[], bool] = lambda: True) -> None:
        """Wait until nothing is under way: folders empty, nothing queued, and `enough`.

        Raises:
            TransportError: it takes longer than the pace's patience.
        """
        calm = 0
        try:
            async with asyncio.timeout(self._pace.patience):
                while calm < _QUIET_LOOKS:
                    await asyncio.sleep(_LOOK_EVERY)
                    calm = calm + 1 if enough() and self._quiet() else 0
        except TimeoutError:
            raise TransportError(
                "the day did not come to rest in time", remedy="look at the console's queues"
            ) from None

    def _quiet(self) -> bool:
        if not self.statuses or any(self._waiting(parts) for parts in FOLDERS.values()):
            return False
        return not any(status.counts.get(state, 0) for status in self.statuses for state in _UNFINISHED)

    def _waiting(self, parts: tuple[str, ...]) -> bool:
        """Files not yet taken, or being read."""
        folder = self._place.folder(*parts)
        claimed = folder / ".claimed"
        return _has_file(folder) or _has_file(claimed)

    @asynccontextmanager
    async def watching(self, look: Callable[[], None] = lambda: None) -> AsyncIterator[None]:
        """Keep `statuses` fresh meanwhile."""
        task = asyncio.create_task(self._watch(look))
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _watch(self, look: Callable[[], None]) -> None:
        while True:
            self.statuses = (await self._client.status()).channels
            look()
            await asyncio.sleep(_LOOK_EVERY)

    def counts(self) -> Mapping[str, Mapping[str, int]]:
        return {status.name: status.counts for status in self.statuses}


def of_phase(parcels: Iterable[Parcel], phase: Phase) -> list[Parcel]:
    return [parcel for parcel in parcels if parcel.phase is phase]


def _has_file(folder: Path) -> bool:
    return folder.is_dir() and any(path.is_file() and not path.name.startswith(".") for path in folder.iterdir())
