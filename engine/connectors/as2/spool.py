"""Receipts that are posted later: each is a file below the site until its partner has it, whatever crashes."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import os
from datetime import datetime, timedelta
from pathlib import Path

import msgspec

from engine.connectors.as2.settings import As2SourceSettings
from engine.connectors.file.folder import sync, write_whole
from engine.connectors.http.destination import HttpDestination
from engine.connectors.http.settings import HttpDestinationSettings
from engine.core.errors import DestinationError, IsthmusError, StoreError
from engine.core.ids import IdSource, id_text
from engine.ports.connector import ConnectorContext

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
    failures: int = 0
    not_before: float = 0.0  # monotonic


class ReceiptSpool:
    """One folder, one poster."""

    def __init__(self, settings: As2SourceSettings, context: ConnectorContext) -> None:
        self._settings, self._context = settings, context
        self._folder = context.root / "var" / "as2" / context.channel / "receipts"
        self._due: dict[Path, _Due] = {}
        self._ids, self._more = IdSource(), asyncio.Event()

    def __len__(self) -> int:
        return len(self._due)

    async def put(self, url: str, headers: dict[str, str], body: bytes) -> None:
        """Durable when it returns.

        Raises:
            StoreError: the disk refuses.
        """
        posting = Posting(url, headers, base64.b64encode(body).decode(), self._context.clock.now())
        path = self._folder / f"{id_text(self._ids.next())}{_SUFFIX}"
        try:
            await asyncio.to_thread(_write, path, msgspec.json.encode(posting))
        except OSError:
            raise StoreError("the receipt cannot be kept", where=self._context.name) from None
        self._due[path] = _Due(posting)
        self._more.set()

    async def post_forever(self) -> None:
        """Those of an earlier run first."""
        await asyncio.to_thread(self._load)
        poster = _Poster(_poster_settings(self._settings), self._context)
        try:
            while True:
                await asyncio.gather(*(self._post(path, poster) for path in self._ready()))
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(self._pause()):
                        await self._more.wait()
                self._more.clear()
        finally:
            await poster.close()

    def _load(self) -> None:
        for path in sorted(self._folder.glob(f"*{_SUFFIX}")) if self._folder.is_dir() else ():
            with contextlib.suppress(OSError, msgspec.DecodeError):
                self._due.setdefault(path, _Due(msgspec.json.decode(path.read_bytes(), type=Posting)))

    def _ready(self) -> list[Path]:
        now = asyncio.get_running_loop().time()
        return [path for path, due in self._due.items() if due.not_before <= now][:_AT_ONCE]

    def _pause(self) -> float | None:
        now = asyncio.get_running_loop().time()
        return max(0.0, min(due.not_before for due in self._due.values()) - now) if self._due else None

    async def _post(self, path: Path, poster: _Poster) -> None:
        due = self._due[path]
        try:
            await poster.post(due.posting.url, due.posting.headers, base64.b64decode(due.posting.body))
        except DestinationError as error:  # refused there, or an address that may not be reached
            self._tell("a receipt was refused", error)
        except IsthmusError as error:
            if self._context.clock.now() - due.posting.made_at < self._settings.receipt_give_up_after:
                due.failures += 1
                pause = min(_FIRST_PAUSE * 2 ** min(due.failures - 1, 20), _LONGEST_PAUSE)
                due.not_before = asyncio.get_running_loop().time() + pause
                return
            self._tell("a receipt could not be posted in time and was dropped", error)
        with contextlib.suppress(OSError):
            await asyncio.to_thread(path.unlink, missing_ok=True)
        del self._due[path]

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


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    write_whole(path, content)
    os.chmod(path, 0o600)
    sync(path.parent)
