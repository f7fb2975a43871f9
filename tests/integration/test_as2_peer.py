"""AS2 with a partner that nobody here wrote: django-pyas2, both ways, receipts at once and later."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from engine.connectors.as2.destination import As2Destination
from engine.connectors.as2.settings import As2DestinationSettings, As2SourceSettings
from engine.connectors.as2.source import As2Source
from engine.core.errors import DestinationError, TransportError
from engine.core.loopback import free_port
from engine.ports.connector import Outbound
from tests.support import as2_peer
from tests.support.as2 import key_pem, partner, write
from tests.support.as2_peer import THEM, US, Peer
from tests.support.connector_doubles import Door, Secrets, context
from tests.support.connector_harness import connect_when_up
from tests.support.spools import MemorySpool

pytestmark = pytest.mark.integration

ORDER = b"ISA*00*          *00*          *ZZ*SUPPLIER~\r\nST*850*0001~\r\n"
PORT = free_port()


@pytest.fixture(scope="module")
def peer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Peer]:
    try:
        as2_peer.interpreter()
    except as2_peer.AbsentError as error:
        pytest.skip(str(error))
    with as2_peer.running(tmp_path_factory.mktemp("pyas2") / "site", f"http://127.0.0.1:{PORT}/as2") as running:
        yield running


@cache
def store_of(folder: Path) -> MemorySpool:
    """Doors of one site have one store."""
    return MemorySpool()


def site(folder: Path) -> Any:
    for name in ("us", "them", "stranger"):
        write(folder, name, partner(name))
    secrets = Secrets({"env:US": key_pem(partner("us")), "env:STRANGER": key_pem(partner("stranger"))})
    return context(folder, secrets=secrets, format="bytes", services={"spool": store_of(folder)})


@asynccontextmanager
async def listening(folder: Path, *, signed: bool = True, **agreed: Any) -> AsyncIterator[Door]:
    values = {
        "listen": f"127.0.0.1:{PORT}",
        "as2_id": US,
        "certificate": "us.pem",
        "key": "env:US",
        "receipts_to_private": True,
        "partners": [{"as2_id": THEM, "certificates": ["them.pem"]} | agreed],
    }
    settings = As2SourceSettings.model_validate(values)
    if not signed:  # a setting that is refused without any other proof; here is told how such a message is read
        settings = settings.model_copy(
            update={"partners": (settings.partners[0].model_copy(update={"signed": False}),)}
        )
    door, source = Door(), As2Source(settings, site(folder))
    task = asyncio.create_task(source.run(door))
    _, writer = await connect_when_up(PORT)
    writer.close()
    try:
        yield door
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


SECURED = {"signature": "sha256", "encryption": "aes_256_cbc", "mdn_mode": "SYNC", "mdn_sign": "sha256"}


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"compress": True},
        {"encryption": "aes_128_cbc", "signature": "sha512"},
        {"encryption": "tripledes_192_cbc"},
        {"signature": "sha1", "mdn_sign": "sha1"},
        {"encryption": None},
        {"signature": None},
        {"mdn_sign": None},
    ],
    ids=str,
)
async def test_what_it_sends_is_taken_and_it_believes_our_receipt(
    tmp_path: Path, peer: Peer, changed: dict[str, Any]
) -> None:
    agreed = {
        "digests": ["sha-256", "sha-512", "sha1"],
        "ciphers": ["aes-256-cbc", "aes-128-cbc", "3des"],
        "encrypted": changed.get("encryption", "") is not None,
        "signed": changed.get("signature", "") is not None,
    }
    secured: dict[str, Any] = {"compress": False} | SECURED | changed
    async with listening(tmp_path, **agreed) as door:
        told = await asyncio.to_thread(peer.send, ORDER, **secured)

    assert (told["status"], told["detail"]) == ("S", None)
    assert [one.body for one in door.accepted] == [ORDER]


async def test_its_repeat_is_told_to_be_a_duplicate(tmp_path: Path, peer: Peer) -> None:
    async with listening(tmp_path) as door:
        await asyncio.to_thread(peer.send, ORDER, times=2, compress=False, **SECURED)

    assert len(door.accepted) == 1


async def test_it_is_told_why_a_message_was_refused(tmp_path: Path, peer: Peer) -> None:
    async with listening(tmp_path) as door:
        told = await asyncio.to_thread(peer.send, ORDER, compress=False, **(SECURED | {"signature": None}))

    assert told["status"] == "E"
    assert "insufficient-message-security" in told["detail"]
    assert door.accepted == []


async def test_it_gets_its_receipt_later_when_it_asks_for_that(tmp_path: Path, peer: Peer) -> None:
    async with listening(tmp_path):
        told = await asyncio.to_thread(peer.send, ORDER, compress=False, **(SECURED | {"mdn_mode": "ASYNC"}))
        async with asyncio.timeout(30):
            while (await sent(peer, told["message_id"]))["status"] == "P":
                await asyncio.sleep(0.05)
        after = await sent(peer, told["message_id"])

    assert told["status"] == "P"
    assert after["status"] == "S"


async def sent(peer: Peer, message_id: str) -> dict[str, Any]:
    found = await asyncio.to_thread(peer.sent)
    return next(one for one in found if one["message_id"] == message_id)


def to_peer(folder: Path, peer: Peer, **changed: Any) -> As2Destination:
    settings = {
        "url": peer.url,
        "as2_from": US,
        "as2_to": THEM,
        "certificate": "us.pem",
        "key": "env:US",
        "partner_certificates": ["them.pem"],
        "partner_finds_duplicates": True,
    }
    return As2Destination(As2DestinationSettings.model_validate(settings | changed), site(folder))


def outbound(key: str) -> Outbound:
    return Outbound(1, 1, "under_test", "correlation-1", key, ORDER, natural_key=key)


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"compress": True},
        {"encrypt": "aes-128-cbc", "sign": "sha-512", "receipt_digests": ["sha-512"]},
        {"encrypt": "3des"},
        {"encrypt": "none"},
        {"sign": "none"},
        {"sign": "none", "encrypt": "none"},
        {"sign": "none", "compress": True},
        {"receipt_signed": False},
    ],
    ids=str,
)
async def test_what_we_send_is_taken_and_its_receipt_is_believed(
    tmp_path: Path, peer: Peer, changed: dict[str, Any]
) -> None:
    open_to_all = {"signature": None, "encryption": None}
    await asyncio.to_thread(lambda: peer.agree(**(SECURED | open_to_all)))
    destination = to_peer(tmp_path, peer, **changed)
    key = f"key-{sorted(changed.items())}"
    delivered = await destination.send(outbound(key))
    await destination.close()

    received = (await asyncio.to_thread(peer.received))[-1]
    assert (received["status"], received["payload"]) == ("S", ORDER)
    assert f"<{received['message_id'].strip('<>')}>" == delivered.reference


async def test_what_is_sent_twice_is_a_duplicate_there_and_delivered_here(tmp_path: Path, peer: Peer) -> None:
    destination = to_peer(tmp_path, peer)
    first, second = [await destination.send(outbound("twice")) for _ in range(2)]
    await destination.close()

    assert first.reference == second.reference
    assert b"duplicate-document" in (second.response or b"")


async def test_its_refusal_is_a_refusal_here(tmp_path: Path, peer: Peer) -> None:
    destination = to_peer(tmp_path, peer, certificate="stranger.pem", key="env:STRANGER")
    with pytest.raises(DestinationError) as caught:
        await destination.send(outbound("stranger"))
    await destination.close()

    assert "authentication-failed" in caught.value.what or "integrity-check-failed" in caught.value.what


async def test_its_receipt_that_comes_later_confirms_the_delivery(tmp_path: Path, peer: Peer) -> None:
    async with listening(tmp_path):
        later = {"receipt": "async", "receipt_url": f"http://127.0.0.1:{PORT}/as2", "receipt_wait": "0s"}
        destination = to_peer(tmp_path, peer, **later)
        with pytest.raises(TransportError) as early:
            await destination.send(outbound("later"))
        posted = await asyncio.to_thread(peer.post_receipts)
        delivered = await destination.inquire(outbound("later"))
        await destination.close()

    assert early.value.sent
    assert posted == 1
    assert delivered is not None
