"""Destination `s3`: each delivery becomes one object, once.

An object carries the digest of its content, so a put that meets an object of its own name knows its own work. The
server never overwrites (If-None-Match), where it is asked so; it compares what arrives with a digest.
"""

from __future__ import annotations

import hashlib
from typing import Any

from engine.connectors.file.destination import file_name, short_key
from engine.connectors.s3.bucket import Bucket, RefusedError
from engine.connectors.s3.settings import S3DestinationSettings
from engine.connectors.wrapping import file_encoder
from engine.core.errors import DestinationError, IsthmusError, TransportError
from engine.ports.connector import ConnectorContext, Delivered, Health, Outbound, Semantics

_MARK = "isthmus-digest"  # in an object's metadata


class S3Destination:
    """Puts objects into one bucket."""

    def __init__(self, settings: S3DestinationSettings, context: ConnectorContext) -> None:
        self._settings, self._context = settings, context
        self._bucket = Bucket(settings, context, settings.parallel)
        self._encoder = file_encoder(settings, context)

    @property
    def semantics(self) -> Semantics:
        return Semantics.NEITHER if self._settings.readers_remove else Semantics.IDEMPOTENT

    @property
    def parallel(self) -> int:
        return self._settings.parallel

    async def send(self, outbound: Outbound) -> Delivered:
        """Raises as the port says."""
        encoded = await self._encoder.encode(outbound)
        key = f"{self._settings.prefix}{file_name(self._settings.file_name, outbound, encoded.names)}"
        digest = hashlib.blake2b(encoded.identity, digest_size=32).hexdigest()
        mark = f"{short_key(outbound.idempotency_key)}-{digest}"
        try:
            if self._settings.conditional:
                await self._put(key, encoded.body, mark)
            elif not await self._is_there(key, mark):
                await self._put(key, encoded.body, mark)
                await self._is_there(key, mark)  # another writer between the look and the put is told, not hidden
        except RefusedError as error:
            raise self._refused(error) from None
        return Delivered(reference=key)

    async def inquire(self, outbound: Outbound) -> Delivered | None:
        """Never asked: sending again is safe, or nobody can tell."""
        return None

    async def check(self) -> Health:
        """Does the server let us look into the bucket."""
        try:
            await self._bucket.reachable(self._settings.prefix)
        except RefusedError as error:
            return Health(False, f"the server refuses: {error.code}")
        except IsthmusError as error:
            return Health(False, error.what)
        return Health(True, "the bucket is there and can be listed")

    async def close(self) -> None:
        await self._bucket.close()

    async def _put(self, key: str, body: bytes, mark: str) -> None:
        try:
            await self._bucket.put(key, body, Metadata={_MARK: mark}, **self._further())
        except RefusedError as error:
            if not error.changed:
                raise
            if not await self._is_there(key, mark):  # somebody removed it in between
                raise TransportError("the object was there and is gone", where=self._context.name) from None

    def _further(self) -> dict[str, Any]:
        given = {
            "ContentType": self._settings.content_type,
            "IfNoneMatch": "*" if self._settings.conditional else None,
            "ServerSideEncryption": self._settings.encryption,
            "SSEKMSKeyId": self._settings.kms_key,
        }
        return {name: value for name, value in given.items() if value is not None}

    async def _is_there(self, key: str, mark: str) -> bool:
        """Did we put it before.

        Raises:
            DestinationError: an object of that name is somebody else's.
        """
        found = await self._bucket.looks(key)
        if found is not None and found.get("Metadata", {}).get(_MARK) != mark:
            raise DestinationError(
                "an object with this name and other content is there",
                where=f"{self._context.name}.file_name",
                remedy="put {key} into file_name, or remove the other object",
            )
        return found is not None

    def _refused(self, error: RefusedError) -> DestinationError:
        remedy = "check bucket, keys and their permissions at the server"
        if error.status == 501:
            remedy = "the server knows no conditional put, or no such encryption: set conditional: false, or change it"
        return DestinationError(f"the server refuses: {error.code}", where=self._context.name, remedy=remedy)
