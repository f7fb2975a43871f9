"""Destination `sftp`: an upload that breaks off goes on behind the last block that this run knows to be there."""

from __future__ import annotations

from typing import cast

from engine.connectors.remote_folder.client import RemoteClient
from engine.connectors.remote_folder.destination import Job, RemoteFolderDestination
from engine.connectors.sftp.client import BLOCK, SftpClient
from engine.connectors.sftp.connection import SftpConnection
from engine.connectors.sftp.settings import SftpDestinationSettings
from engine.connectors.sftp.wire import Open
from engine.ports.connector import ConnectorContext

_SEGMENT = 64 * BLOCK  # bytes between two points from which an upload can go on


class SftpDestination(RemoteFolderDestination):
    """Writes into one folder of one SFTP server."""

    def __init__(self, settings: SftpDestinationSettings, context: ConnectorContext) -> None:
        super().__init__(settings, context, SftpConnection(settings, context))
        self._confirmed: dict[str, tuple[str, int]] = {}  # by part: digest, bytes that the server has

    async def _upload(self, client: RemoteClient, job: Job) -> None:
        if len(job.body) <= _SEGMENT:
            await client.store(job.part, job.body)
        else:
            await self._upload_large(cast("SftpClient", client), job)

    async def _upload_large(self, client: SftpClient, job: Job) -> None:
        start = await self._confirmed_bytes(client, job)
        handle = await client.open(job.part, Open.WRITE if start else Open.WRITE | Open.CREATE | Open.TRUNCATE)
        for at in range(start, len(job.body), _SEGMENT):
            await client.write(handle, at, job.body[at : at + _SEGMENT])
            self._confirmed[job.part] = (job.written, min(at + _SEGMENT, len(job.body)))
        await client.flush(handle)
        await client.finish(handle)
        self._confirmed.pop(job.part, None)

    async def _confirmed_bytes(self, client: SftpClient, job: Job) -> int:
        """From where an upload goes on; 0: from its beginning."""
        digest, confirmed = self._confirmed.pop(job.part, ("", 0))
        there = await client.look_at(job.part) if confirmed and digest == job.written else None
        return confirmed if there is not None and confirmed <= (there.size or 0) <= len(job.body) else 0
