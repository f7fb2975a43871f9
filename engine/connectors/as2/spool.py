"""Receipts that are posted later: each is kept with the journal until its partner has it, whatever crashes.

The engine that takes the journal over posts what the one before it could not. One that dies between a post and its
commit makes a partner hear twice of one message, which its Message-ID tells.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
from datetime import datetime, timedelta
from typing import cast

import msgspec

from engine.connectors.as2.settings import As2SourceSettings
from engine.connectors.http.destination import HttpDestination
from engine.connectors.http.settings import HttpDestinationSettings
from engine.core.errors import DestinationError, IsthmusError, StoreError
from engine.core.ids import IdSource, id_text
from engine.ports.connector import ConnectorContext
from engine.ports.spool import SPOOL, Spool

_FIRST_PAUSE, _LONGEST_PAUSE = 2.0, 600.0  # seconds
_AT_ONCE = 8
_SUFFIX = ".receipt"


class Posting(msgspec.Struct, frozen=True):
    """A receipt on its way."""

    url: str
    headers: dict[str, str]
    body: str  # base64
    made_at: datetime


class _Due(msgspec.Struct):
    posting: Posting
    is_done: bool = False  # posted or dropped, and not yet taken out of the store
    failures: int = 0
    not_before: float = 0.0  # monotonic


class ReceiptSpool:
    """One channel, one poster: the engine that works on the journal."""

    def __init__(self, settings: As2SourceSettings, context: ConnectorContext) -> None:
        self._settings, self._context = settings, context
        self._kept = cast("Spool | None", context.services.get(SPOOL))
        self._place = f"as2/{context.channel}/receipts"
        self._due: dict[str, _Due] = {}
        self._ids, self._more = IdSource(), asyncio.Event()

    def __len__(self) -> int:
        return len(self._due)

    async def put(self, url: str, headers: dict[str, str], body: bytes) -> None:
        """Durable when it returns.

        Raises:
            StoreError: it cannot be kept, or another engine works on the journal by now.
        """
        posting = Posting(url, headers, base64.b64encode(body).decode(), self._context.clock.now())
        await self._keep(id_text(self._ids.next()), posting)

    async def _keep(self, key: str, posting: Posting) -> None:
        if self._kept is None:
            raise StoreError("there is no store for receipts in this engine", where=self._context.name)
        await self._kept.put(self._place, key, msgspec.json.encode(posting))
        self._due[key] = _Due(posting)
        self._more.set()

    async def post_forever(self) -> None:
        """Those of an earlier run first, whichever engine's it was."""
        await self._load()
        poster = _Poster(_poster_settings(self._settings), self._context)
        try:
            while True:
                await asyncio.gather(*(self._post(key, poster) for key in self._ready()))
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(self._pause()):
                        await self._more.wait()
                self._more.clear()
        finally:
            await poster.close()

    async def _load(self) -> None:
        """Until the store can be read."""
        while self._kept is not None:
            try:
                await self._take_over_files()
                for one in await self._kept.waiting(self._place):
                    with contextlib.suppress(msgspec.DecodeError):
                        self._due.setdefault(one.key, _Due(msgspec.json.decode(one.body, type=Posting)))
                return
            except StoreError as error:
                self._tell("receipts of an earlier run cannot be read yet", error)
                await asyncio.sleep(_FIRST_PAUSE)

    async def _take_over_files(self) -> None:
        """Receipts that an earlier release kept as files of its node go to the store, where every node finds them."""
        folder = self._context.root / "var" / "as2" / self._context.channel / "receipts"
        for path in await asyncio.to_thread(lambda: sorted(folder.glob(f"*{_SUFFIX}"))):
            with contextlib.suppress(OSError, msgspec.DecodeError):
                posting = msgspec.json.decode(await asyncio.to_thread(path.read_bytes), type=Posting)
                await self._keep(path.stem, posting)
                await asyncio.to_thread(path.unlink, missing_ok=True)

    def _ready(self) -> list[str]:
        now = asyncio.get_running_loop().time()
        return [key for key, due in self._due.items() if due.not_before <= now][:_AT_ONCE]

    def _pause(self) -> float | None:
        now = asyncio.get_running_loop().time()
        return max(0.0, min(due.not_before for due in self._due.values()) - now) if self._due else None

    async def _post(self, key: str, poster: _Poster) -> None:
        due = self._due[key]
        try:
            if not due.is_done:
                await poster.post(due.posting.url, due.posting.headers, base64.b64decode(due.posting.body))
        except DestinationError as error:  # refused there, or an address that may not be reached
            self._tell("a receipt was refused", error)
        except IsthmusError as error:
            if self._context.clock.now() - due.posting.made_at < self._settings.receipt_give_up_after:
                self._later(due)
                return
            self._tell("a receipt could not be posted in time and was dropped", error)
        due.is_done = True
        await self._forget(key, due)

    async def _forget(self, key: str, due: _Due) -> None:
        """What cannot be taken out of the store now is not posted again by this engine, and taken out later."""
        try:
            if self._kept is not None:
                await self._kept.remove(self._place, key)
        except StoreError:
            self._later(due)
            return
        del self._due[key]

    def _later(self, due: _Due) -> None:
        due.failures += 1
        pause = min(_FIRST_PAUSE * 2 ** min(due.failures - 1, 20), _LONGEST_PAUSE)
        due.not_before = asyncio.get_running_loop().time() + pause

    def _tell(self, text: str, error: IsthmusError) -> None:
        facts: dict[str, object] = {"error": error.code, "text": f"{text}: {error.what}"}
        self._context.emit("source_failed", self._context.channel, facts)


class _Poster(HttpDestination):
    """Posts to addresses that partners gave, with the guard of the http destination."""

    async def post(self, url: str, headers: dict[str, str], body: bytes) -> None:
        """Raises DestinationError when it is refused, TransportError when it may be tried again."""
        async with self._asked("POST", url, headers, body) as response:
            self._judge(response)


def _poster_settings(settings: As2SourceSettings) -> HttpDestinationSettings:
    return HttpDestinationSettings(
        url="https://receipts.invalid/",  # each receipt has its own
        connect_timeout=min(settings.receipt_timeout, timedelta(seconds=10)),
        timeout=settings.receipt_timeout,
        allow_private=settings.receipts_to_private,
        tls=settings.receipt_tls,
    )
