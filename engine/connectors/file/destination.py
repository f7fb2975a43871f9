"""Destination `file`: each delivery becomes one complete file, once.

Way of a delivery: `.sent/<key>.part` (flushed) → mark `.sent/<key>` (flushed) → rename to its name. After a
crash the mark and the part tell what happened: mark and part, the rename is still to do; mark alone, the file
was there, even if its reader took it meanwhile. So the same key is written once.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import os
import re
import time
from collections.abc import Mapping
from pathlib import Path

from engine.connectors.file import folder as work
from engine.connectors.file.settings import FileDestinationSettings
from engine.connectors.formats import Encoded
from engine.connectors.wrapping import file_encoder
from engine.core.errors import DestinationError, TransportError
from engine.core.ids import id_text, id_time
from engine.ports.connector import ConnectorContext, Delivered, Health, Outbound, Semantics

_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")
_PART_LIMIT = 100  # characters of one field in a name
_LOOK_FOR_OLD_EVERY = 1000  # deliveries


class FileDestination:
    """Writes into one folder."""

    def __init__(self, settings: FileDestinationSettings, context: ConnectorContext) -> None:
        self._settings, self._context = settings, context
        self._folder = context.root / settings.folder
        self._sent = self._folder / ".sent"
        self._encoder = file_encoder(settings, context)
        self._written = 0

    @property
    def semantics(self) -> Semantics:
        return Semantics.IDEMPOTENT

    @property
    def parallel(self) -> int:
        return 4  # flushes overlap, more only wait for the disk

    async def send(self, outbound: Outbound) -> Delivered:
        """Raises as the port says; a full disk is a TransportError with nothing written."""
        encoded = await self._encoder.encode(outbound)
        name = file_name(self._settings.file_name, outbound, encoded.names)
        try:
            await asyncio.to_thread(self._write, name, short_key(outbound.idempotency_key), encoded)
        except OSError as error:
            raise TransportError(
                f"the file cannot be written: {error.strerror}",
                where=self._context.name,
                remedy="check space and permissions of the folder",
            ) from None
        return Delivered(reference=name)

    async def inquire(self, outbound: Outbound) -> Delivered | None:
        """Never asked: sending again is safe."""
        return None

    async def check(self) -> Health:
        try:
            self._prepare()
        except OSError as error:
            return Health(False, f"folder cannot be used: {error.strerror}")
        if not os.access(self._folder, os.W_OK | os.X_OK):
            return Health(False, "no permission to write to the folder")
        return Health(True, "the folder is there and can be written")

    async def close(self) -> None:
        """Nothing is held open."""

    def _prepare(self) -> None:
        if not self._settings.create and not self._folder.is_dir():
            raise FileNotFoundError(2, os.strerror(2))
        self._sent.mkdir(parents=True, exist_ok=True)

    # -------------------------------------------------------------- in a thread
    def _write(self, name: str, key: str, encoded: Encoded) -> None:
        self._prepare()
        self._forget_old()
        mark, part, target = self._sent / key, self._sent / f"{key}.part", self._folder / name
        digest = hashlib.blake2b(encoded.identity, digest_size=16).hexdigest()
        if not mark.exists():
            self._stage(mark, part, target, digest, encoded.body)
        elif mark.read_text() != digest:
            raise _other_content(name)
        if part.exists():
            os.rename(part, target)
            work.sync(self._folder)

    def _stage(self, mark: Path, part: Path, target: Path, digest: str, body: bytes) -> None:
        """Everything but the last rename."""
        if os.path.lexists(target):
            if target.is_symlink() or target.read_bytes() != body:
                raise _other_content(target.name)
            work.write_whole(mark, digest.encode())
            return
        work.write_whole(part, body)
        work.write_whole(mark, digest.encode())
        work.sync(self._sent)

    def _forget_old(self) -> None:
        """Marks over `remember` go, now and then."""
        self._written += 1
        if self._written % _LOOK_FOR_OLD_EVERY != 1:
            return
        oldest = time.time() - self._settings.remember.total_seconds()
        with os.scandir(self._sent) as entries:
            for entry in entries:
                if not entry.name.endswith(".part") and entry.stat(follow_symlinks=False).st_mtime < oldest:
                    os.unlink(entry.path)


def file_name(template: str, outbound: Outbound, names: Mapping[str, str]) -> str:
    """The template filled in, with nothing in it that a file system or shell takes for more than a name.

    Raises:
        DestinationError: a field of the template has no value for this delivery.
    """
    fields = _fields(outbound) | {key: value for key, value in names.items() if value}
    missing = [field for field in re.findall(r"\{([^{}]*)\}", template) if not fields.get(field)]
    if missing:
        raise DestinationError(
            f"the file's name needs {{{missing[0]}}}, which this delivery does not have",
            where="file_name",
            remedy="use {key}, which every delivery has",
        )
    return re.sub(r"\{([^{}]*)\}", lambda found: _safe(fields[found[1]]), template).lstrip(".") or "_"


def short_key(idempotency_key: str) -> str:
    """16 characters that stand for the key in names."""
    digest = hashlib.blake2b(idempotency_key.encode("utf-8", "surrogatepass"), digest_size=10)
    return base64.b32encode(digest.digest()).decode()


def _fields(outbound: Outbound) -> dict[str, str]:
    return {
        "natural_key": outbound.natural_key or short_key(outbound.idempotency_key),
        "key": short_key(outbound.idempotency_key),
        "message_id": id_text(outbound.message_id),
        "date": f"{id_time(outbound.message_id):%Y%m%d}",
        "kind": outbound.kind or "message",
    }


def _safe(value: str) -> str:
    """Letters, digits, dot, dash and underscore. A changed value gets a digest, so that two never become one."""
    clean = _UNSAFE.sub("_", value).strip(".")
    if clean == value and len(clean) <= _PART_LIMIT:
        return clean
    return f"{clean[:_PART_LIMIT]}-{short_key(value)[:6]}"


def _other_content(name: str) -> DestinationError:
    return DestinationError(
        "a file with this name and other content is there",
        where="file_name",
        remedy="put {key} into file_name, or remove the other file",
    )
