"""Receipts that partners will post: what we sent, and what came for it, as files below the site.

The source that takes receipts and the destination that waits for them may be of two channels; what they share is
this folder. A receipt is kept as it came: the destination, which knows the partner's certificates, judges it.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import os
from datetime import datetime, timedelta
from pathlib import Path

import msgspec

from engine.connectors.file.folder import sync, write_whole

LARGEST = 256 * 1024  # bytes of a receipt
_MOST = 8  # receipts kept for one message: a false one must not keep the right one out
_REMEMBERED = timedelta(days=30)


class Sent(msgspec.Struct, frozen=True):
    """A message whose receipt is awaited."""

    message_id: str
    mic: str
    at: datetime


class Posted(msgspec.Struct, frozen=True):
    """A receipt as it came, not yet verified; header names in lower case."""

    headers: dict[str, str]
    body: bytes


class Awaited:
    """All methods touch the disk: call them in a thread."""

    def __init__(self, root: Path) -> None:
        self._folder = root / "var" / "as2" / "awaited"

    def expect(self, sent: Sent) -> None:
        """Before it is sent; what came for an earlier attempt is forgotten. Raises OSError."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for path in self._receipts(sent.message_id):
            path.unlink(missing_ok=True)
        write_whole(self._sent(sent.message_id), msgspec.json.encode(sent))
        sync(self._folder)

    def sent(self, message_id: str) -> Sent | None:
        try:
            return msgspec.json.decode(self._sent(message_id).read_bytes(), type=Sent)
        except (OSError, msgspec.DecodeError):
            return None

    def keep(self, message_id: str, headers: dict[str, str], body: bytes) -> bool:
        """Keep a receipt durably; False: none is awaited for this message, or there are enough. Raises OSError."""
        there = self._receipts(message_id)
        if not self._sent(message_id).exists() or len(there) >= _MOST:
            return False
        posted = {"headers": headers, "body": base64.b64encode(body).decode()}
        content = msgspec.json.encode(posted)
        path = self._sent(message_id).with_suffix(f".{hashlib.sha256(content).hexdigest()[:16]}.mdn")
        write_whole(path, content)
        sync(self._folder)
        return True

    def came(self, message_id: str) -> list[Posted]:
        found = []
        for path in self._receipts(message_id):
            with contextlib.suppress(OSError, msgspec.DecodeError, ValueError):
                found.append(msgspec.json.decode(path.read_bytes(), type=Posted))
        return found

    def forget_old(self, now: datetime) -> None:
        """What is older than a month; what cannot be removed is met again."""
        if not self._folder.is_dir():
            return
        oldest = (now - _REMEMBERED).timestamp()
        for path in self._folder.iterdir():
            with contextlib.suppress(OSError):
                if path.stat().st_mtime < oldest:
                    os.unlink(path)

    def _sent(self, message_id: str) -> Path:
        """Partners write Message-IDs with and without their brackets."""
        return self._folder / f"{hashlib.sha256(message_id.strip('<> ').encode()).hexdigest()[:40]}.sent"

    def _receipts(self, message_id: str) -> list[Path]:
        return sorted(self._folder.glob(f"{self._sent(message_id).stem}.*.mdn"))
