"""A destination for files on a server: each delivery becomes one complete file, once.

Way of a delivery: `.sent/<key>.part` → mark `.sent/<key>` → rename to its name, each on the server's disk where the
server can be asked for that. Whatever breaks off, mark and part tell what happened: mark and part, the rename is
still to do; mark alone, the file was there, even if its reader took it meanwhile. So the same key is written once.

Without marks the part is beside the target, and a lost answer to the rename is an unknown outcome.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from engine.connectors.file.destination import file_name, short_key
from engine.connectors.formats import Encoded
from engine.connectors.remote_folder import folder as remote
from engine.connectors.remote_folder.client import (
    LostError,
    RemoteClient,
    RemoteConnection,
    Status,
    StatusError,
    together,
)
from engine.connectors.remote_folder.settings import WrittenFolder
from engine.connectors.wrapping import file_encoder
from engine.core.errors import DestinationError, IsthmusError, TransportError
from engine.ports.connector import ConnectorContext, Delivered, Health, Outbound, Semantics

_DIGEST = 32  # characters of a mark
_LOOK_FOR_OLD_EVERY = 1000  # deliveries


class Job(NamedTuple):
    """One delivery: where its bytes go, step by step. `digest` is of the delivery, `written` of its bytes."""

    body: bytes
    digest: str
    mark: str
    part: str
    target: str
    written: str


def _digest(content: bytes) -> str:
    return hashlib.blake2b(content, digest_size=_DIGEST // 2).hexdigest()


class RemoteFolderDestination:
    """Writes into one folder of one server."""

    def __init__(self, settings: WrittenFolder, context: ConnectorContext, connection: RemoteConnection) -> None:
        self._settings, self._context = settings, context
        self._connection = connection
        self._encoder = file_encoder(settings, context)
        self._sent = remote.below(settings.folder, ".sent")
        self._prepared: RemoteClient | None = None
        self._preparing = asyncio.Lock()
        self._written = 0

    @property
    def semantics(self) -> Semantics:
        return Semantics.IDEMPOTENT if self._settings.marks else Semantics.NEITHER

    @property
    def parallel(self) -> int:
        return self._settings.parallel

    async def send(self, outbound: Outbound) -> Delivered:
        """Raises as the port says; `sent` only when the last rename was asked for and not answered."""
        encoded = await self._encoder.encode(outbound)
        name = file_name(self._settings.file_name, outbound, encoded.names)
        job = self._job(name, short_key(outbound.idempotency_key), encoded)
        client = await self._ready()
        await self._guarded(client, lambda: self._stage(client, job))
        await self._guarded(client, lambda: self._publish(client, job), sent=True)
        await self._forget_old(client)
        return Delivered(reference=name)

    async def inquire(self, outbound: Outbound) -> Delivered | None:
        """Never asked: sending again is safe, or nobody can tell."""
        return None

    async def check(self) -> Health:
        """Is the server there, does it let us in, is the folder there."""
        try:
            await self._ready()
        except IsthmusError as error:
            return Health(False, error.what)
        return Health(True, "the server lets us in, and the folder is there")

    async def close(self) -> None:
        await self._connection.close()

    def _job(self, name: str, key: str, encoded: Encoded) -> Job:
        digest = _digest(encoded.identity)
        written = digest if encoded.plain is None else _digest(encoded.body)
        folder = self._settings.folder
        part = f"{self._sent}/{key}.part" if self._settings.marks else remote.below(folder, f".{key}.part")
        return Job(encoded.body, digest, f"{self._sent}/{key}", part, remote.below(folder, name), written)

    # -------------------------------------------------------------- the connection
    async def _ready(self) -> RemoteClient:
        """A connection on which the folders are there."""
        client = await self._connection.client()
        async with self._preparing:
            if self._prepared is not client:
                await self._guarded(client, lambda: self._prepare(client))
                self._prepared = client
        return client

    async def _prepare(self, client: RemoteClient) -> None:
        if await client.look_at(self._settings.folder) is None:
            raise StatusError(Status.NO_SUCH_FILE)
        if self._settings.marks:
            await remote.ensure(client, self._sent)

    async def _guarded(self, client: RemoteClient, work: Callable[[], Awaitable[None]], *, sent: bool = False) -> None:
        """Raises TransportError."""
        try:
            await work()
        except LostError as error:
            raise TransportError(
                str(error), where=self._context.name, remedy="check the server and the network", sent=sent
            ) from None
        except StatusError as error:
            self._prepared = None  # a folder of ours may be gone
            raise TransportError(
                f"the server does not take the file: {error.words}",
                where=self._context.name,
                remedy="check folder, permissions and quota at the server",
            ) from None

    # -------------------------------------------------------------- writing
    async def _stage(self, client: RemoteClient, job: Job) -> None:
        """Everything but the last rename."""
        mark, target = await together(self._mark(client, job), client.look_at(job.target))
        if mark == job.digest:
            return
        if mark is not None:
            raise self._other_content()
        if target is not None:
            await self._compare(client, job)
        else:
            await self._upload(client, job)
        if self._settings.marks:
            await client.store(job.mark, job.digest.encode())

    async def _publish(self, client: RemoteClient, job: Job) -> None:
        """The last rename, unless it was done before."""
        try:
            await client.rename(job.part, job.target)
        except StatusError as error:
            if error.code == Status.NO_SUCH_FILE and await self._was_published(client, job):
                return
            if error.code == Status.FAILURE and await client.look_at(job.target) is not None:
                await self._compare(client, job)
                await client.remove(job.part)
                return
            raise

    async def _was_published(self, client: RemoteClient, job: Job) -> bool:
        """The part is gone: by our rename, or it never was, because the target had the content already."""
        return self._settings.marks or await client.look_at(job.target) is not None

    async def _mark(self, client: RemoteClient, job: Job) -> str | None:
        """Digest of what was written under this key; None: nothing, or nothing complete."""
        if not self._settings.marks:
            return None
        found = await client.beginning(job.mark, _DIGEST)
        return found.decode("ascii", "replace") if found is not None and len(found) == _DIGEST else None

    async def _compare(self, client: RemoteClient, job: Job) -> None:
        """Raises DestinationError: a file of that name holds something else."""
        if await client.beginning(job.target, len(job.body) + 1) != job.body:
            raise self._other_content()

    async def _upload(self, client: RemoteClient, job: Job) -> None:
        await client.store(job.part, job.body)

    async def _forget_old(self, client: RemoteClient) -> None:
        """Marks over `remember` go, now and then; what cannot be removed now is met again."""
        self._written += 1
        if not self._settings.marks or self._written % _LOOK_FOR_OLD_EVERY != 1:
            return
        oldest = self._context.clock.now().timestamp() - self._settings.remember.total_seconds()
        try:
            for entry in await client.listing(self._sent):
                modified = entry.attributes.modified
                if remote.is_name(entry.name) and modified is not None and modified < oldest:
                    await client.remove(remote.below(self._sent, entry.name))
        except (StatusError, LostError):
            pass  # the delivery is there; tidying has time

    def _other_content(self) -> DestinationError:
        return DestinationError(
            "a file with this name and other content is there",
            where=f"{self._context.name}.file_name",
            remedy="put {key} into file_name, or remove the other file",
        )
