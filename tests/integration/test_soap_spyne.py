"""A service that nobody here wrote takes our MTOM: its WSDL as it serves it, its own reading of the parts."""

from __future__ import annotations

import base64
import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.connectors.soap.destination import SoapDestination
from engine.connectors.soap.settings import SoapDestinationSettings
from engine.core.errors import DestinationError
from engine.ports.connector import Delivered, Outbound
from tests.support import soap_peer
from tests.support.connector_doubles import context

pytestmark = pytest.mark.integration
# What a parser of lines would change: both line ends, a boundary's look, no end of line, every byte.
AWKWARD = b"%PDF\r\n--isthmus\r\n\n\r" + bytes(range(256)) * 8


@pytest.fixture(scope="module")
def service() -> Iterator[tuple[str, bytes]]:
    try:
        soap_peer.interpreter()
    except soap_peer.AbsentError as error:
        pytest.skip(str(error))
    with soap_peer.scans() as running:
        yield running


async def sent(service: tuple[str, bytes], folder: Path, content: bytes, **changed: Any) -> Delivered:
    url, wsdl = service
    (folder / "scans.wsdl").write_bytes(wsdl)
    usual = {"url": url, "wsdl": "scans.wsdl", "operation": "LeaveScan", "reference_field": "LeaveScanResult"}
    settings = SoapDestinationSettings.model_validate(usual | {"attachments": ["Content"]} | changed)
    destination = SoapDestination(settings, context(folder))
    document = {"Number": "Ü 7", "Content": base64.b64encode(content).decode()}
    try:
        return await destination.send(Outbound(1, 1, "c", "c-1", "k-1", json.dumps(document).encode()))
    finally:
        await destination.close()


@pytest.mark.parametrize("way", ["inline", "mtom"])
@pytest.mark.parametrize("content", [AWKWARD, os.urandom(300_000)], ids=["awkward", "large"])
async def test_it_has_the_very_bytes_however_they_go(
    service: tuple[str, bytes], tmp_path: Path, way: str, content: bytes
) -> None:
    delivered = await sent(service, tmp_path, content, attachments_as=way)

    assert delivered.reference == f"Ü 7 {len(content)} {hashlib.sha256(content).hexdigest()}"


async def test_its_fault_is_a_refusal(service: tuple[str, bytes], tmp_path: Path) -> None:
    (tmp_path / "wrong.xml").write_text('<w:LeaveScan xmlns:w="urn:peer:scans"><w:Other>1</w:Other></w:LeaveScan>')
    changed = {"template": "wrong.xml", "operation": None, "attachments": [], "wsdl": None}

    with pytest.raises(DestinationError, match="Client"):
        await sent(service, tmp_path, b"x", **changed)
