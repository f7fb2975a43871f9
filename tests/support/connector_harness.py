"""Harnesses of the connector contract: how a connector is set in a test and how its far side behaves."""

from __future__ import annotations

import asyncio
import ssl
from enum import StrEnum
from pathlib import Path
from typing import Any, ClassVar, Protocol

from cryptography import x509

from engine.core.loopback import free_port
from engine.ports.connector import ConnectorContext, Outbound
from tests.support.connector_doubles import Door, context

LIMIT = 4096  # bytes: harnesses set the connector's size limit to this
PATIENCE = 30.0  # seconds: a test that waits longer has found a hang, also on a busy machine


class Answer(StrEnum):
    """What the peer of a source was told, in the words of the contract."""

    ACCEPTED = "accepted"  # also for a duplicate: told as the first time
    REFUSED = "refused"
    AGAIN = "again"  # not stored, try again
    SILENT = "silent"  # nothing was said: connection closed, file left


class Peer(Protocol):
    """One far side of a source: a connection, or somebody who writes files."""

    async def send(self, body: bytes) -> Answer: ...

    async def close(self) -> None: ...


class SourceHarness:
    """Override what stands below; one instance a test. `folder` is the site's root."""

    type: ClassVar[str]
    exempt: ClassVar[dict[str, str]] = {}

    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, free_port()
        self.door = Door()

    def settings(self) -> dict[str, Any]:
        """The least that works, as YAML would hold it, with size limit LIMIT; listeners use `self.port`."""
        raise NotImplementedError

    def tls_settings(self, certificate: str, key: str) -> dict[str, Any]:
        return {"tls": {"certificate": certificate, "key": key}}

    def context(self) -> ConnectorContext:
        return context(self.folder)

    async def connect(self) -> Peer:
        """A peer that is ready to send; waits for the listener."""
        raise NotImplementedError

    def message(self, key: str, text: str = "text", size: int = 0) -> bytes:
        """A message with this natural id; `size`: at least so many bytes."""
        raise NotImplementedError

    async def break_protocol(self) -> None:
        """What a hostile or broken peer does; returns when the source has dropped it."""
        raise NotImplementedError


class DestinationHarness:
    """Override what stands below. The far side is a real server or folder that the harness starts."""

    type: ClassVar[str]
    exempt: ClassVar[dict[str, str]] = {}

    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, free_port()

    def settings(self) -> dict[str, Any]:
        raise NotImplementedError

    def context(self) -> ConnectorContext:
        return context(self.folder)

    async def start(self) -> None:
        """Bring the far side up."""

    async def stop(self) -> None:
        """Bring it down, so that nothing answers."""

    def refuse(self) -> None:
        """From now on the far side refuses what it gets."""
        raise NotImplementedError

    def hang(self) -> None:
        """From now on the far side takes what it gets and does not answer."""
        raise NotImplementedError

    def effects(self) -> list[bytes]:
        """What the far side acted on."""
        raise NotImplementedError

    def outbound(self, key: str = "key-1", body: bytes = b"body") -> Outbound:
        return Outbound(1, 1, "under_test", "correlation-1", key, body, natural_key=key)


async def connect_when_up(port: int, **options: Any) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection to a listener that may still be starting."""
    for _ in range(int(PATIENCE / 0.01)):
        try:
            return await asyncio.open_connection("127.0.0.1", port, **options)
        except OSError:
            await asyncio.sleep(0.01)
    raise TimeoutError(f"nothing listens on port {port}")


async def shown_serial(port: int) -> int:
    """The serial number of the certificate that a listener shows."""
    trusting = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
    _, writer = await connect_when_up(port, ssl=trusting)
    certificate = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    writer.close()
    try:
        await writer.wait_closed()
    except (OSError, ssl.SSLError):
        pass  # the listener may drop a connection that said nothing
    return int(x509.load_der_x509_certificate(certificate).serial_number)
