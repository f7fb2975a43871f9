"""Receipts that partners will post: what we sent, and what came for it, kept with the journal.

The source that takes receipts and the destination that waits for them may be of two channels, and a partner may post
after another node has taken the journal over: what they share is the store. A receipt is kept as it came, and the same
receipt twice is kept once: the destination, which knows the partner's certificates, judges it.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast

import msgspec

from engine.core.clock import to_micros
from engine.core.errors import StoreError
from engine.ports.connector import ConnectorContext
from engine.ports.spool import SPOOL, Spool

LARGEST = 256 * 1024  # bytes of a receipt
_MOST = 8  # receipts kept for one message: a false one must not keep the right one out
_REMEMBERED = timedelta(days=30)
_PLACE = "as2/awaited"  # of each message: when it was sent first; what is known of it is one place below
_SENT = "sent"


class Sent(msgspec.Struct, frozen=True):
    """A message whose receipt is awaited."""

    message_id: str
    mic: str
    at: datetime


class Posted(msgspec.Struct, frozen=True):
    """A receipt as it came, not yet verified; header names in lower case."""

    headers: dict[str, str]
    body: bytes


class Known(msgspec.Struct, frozen=True):
    """What was sent, and the receipts that came for it."""

    sent: Sent
    posted: tuple[Posted, ...]


class Awaited:
    """All methods raise StoreError: the store is away, or another engine works on the journal by now."""

    def __init__(self, context: ConnectorContext) -> None:
        self._spool = cast("Spool | None", context.services.get(SPOOL))
        self._name = context.name
        self._files: Path | None = context.root / "var" / "as2" / "awaited"

    async def expect(self, sent: Sent) -> None:
        """Before it is sent; what came for an earlier attempt is forgotten."""
        kept, place = await self._kept(), _place(sent.message_id)
        there = [one.key for one in await kept.waiting(place)]
        for key in there:
            if key != _SENT:
                await kept.remove(place, key)
        if _SENT not in there:
            await kept.put(_PLACE, _aged(sent), b"")
        await kept.put(place, _SENT, msgspec.json.encode(sent))

    async def known(self, message_id: str) -> Known | None:
        """None: nobody waits for a receipt for it."""
        kept = await self._kept()
        rows = {one.key: one.body for one in await kept.waiting(_place(message_id))}
        try:
            sent = msgspec.json.decode(rows.pop(_SENT), type=Sent)
        except (KeyError, msgspec.DecodeError):
            return None
        posted = []
        for body in rows.values():
            with contextlib.suppress(msgspec.DecodeError, ValueError):
                posted.append(msgspec.json.decode(body, type=Posted))
        return Known(sent, tuple(posted))

    async def keep(self, message_id: str, headers: dict[str, str], body: bytes) -> bool:
        """Keep a receipt durably; False: none is awaited for this message, or there are enough others."""
        kept, place = await self._kept(), _place(message_id)
        content = msgspec.json.encode({"headers": headers, "body": base64.b64encode(body).decode()})
        key = hashlib.sha256(content).hexdigest()[:16]
        there = {one.key for one in await kept.waiting(place)}
        if key in there:
            return True
        if _SENT not in there or len(there) > _MOST:
            return False
        await kept.put(place, key, content)
        return True

    async def forget_old(self, now: datetime) -> None:
        """What was sent first more than a month ago, and not again since."""
        kept = await self._kept()
        oldest = now - _REMEMBERED
        for one in await kept.waiting(_PLACE):
            if one.key >= _aged(Sent("", "", oldest)):
                return
            place = f"{_PLACE}/{one.key.rpartition('-')[2]}"
            rows = {row.key: row.body for row in await kept.waiting(place)}
            if (again := _sent_at(rows.get(_SENT))) >= oldest:
                await kept.put(_PLACE, f"{to_micros(again):020d}-{place.rpartition('/')[2]}", b"")
                rows = {}
            for key in rows:
                await kept.remove(place, key)
            await kept.remove(_PLACE, one.key)

    async def _kept(self) -> Spool:
        if self._spool is None:
            raise StoreError("there is no store for receipts in this engine", where=self._name)
        if self._files is not None:
            await self._take_over_files(self._files, self._spool)
            self._files = None
        return self._spool

    async def _take_over_files(self, folder: Path, kept: Spool) -> None:
        """What an earlier release kept as files of its node goes to the store, where every node finds it."""
        for path in await asyncio.to_thread(lambda: sorted(folder.glob("*.sent"))):
            with contextlib.suppress(OSError, msgspec.DecodeError):
                content = await asyncio.to_thread(path.read_bytes)
                sent, place = msgspec.json.decode(content, type=Sent), f"{_PLACE}/{path.stem}"
                posted = await asyncio.to_thread(lambda stem=path.stem: sorted(folder.glob(f"{stem}.*.mdn")))  # type: ignore[misc]
                for one in posted:
                    await kept.put(place, one.suffixes[-2].strip("."), await asyncio.to_thread(one.read_bytes))
                await kept.put(place, _SENT, content)
                await kept.put(_PLACE, f"{to_micros(sent.at):020d}-{path.stem}", b"")
                for one in (*posted, path):
                    await asyncio.to_thread(one.unlink, missing_ok=True)


def _stem(message_id: str) -> str:
    """Partners write Message-IDs with and without their brackets."""
    return hashlib.sha256(message_id.strip("<> ").encode()).hexdigest()[:40]


def _place(message_id: str) -> str:
    return f"{_PLACE}/{_stem(message_id)}"


def _aged(sent: Sent) -> str:
    """Sorts by when it was sent."""
    return f"{to_micros(sent.at):020d}-{_stem(sent.message_id)}"


def _sent_at(content: bytes | None) -> datetime:
    """Of nothing, or what cannot be read: the beginning of time."""
    with contextlib.suppress(msgspec.DecodeError):
        if content is not None:
            return msgspec.json.decode(content, type=Sent).at
    return datetime(1970, 1, 1, tzinfo=UTC)
