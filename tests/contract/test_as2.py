"""The connector contract of `as2`, and what receipts say in each case."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest
from aiohttp import web
from pydantic import ValidationError

from engine.channel.partner import Partner
from engine.connectors.as2.awaited import Awaited, Known, Posted, Sent, _place
from engine.connectors.as2.destination import As2Destination
from engine.connectors.as2.settings import As2DestinationSettings, As2SourceSettings
from engine.connectors.as2.source import As2Source
from engine.connectors.as2.spool import ReceiptSpool
from engine.core.errors import (
    ConfigurationError,
    DestinationError,
    StillAwaitedError,
    StoreError,
    TransportError,
    UnknownOutcomeError,
)
from engine.core.loopback import free_port
from engine.ports.connector import ConnectorContext, Received, Semantics
from engine.ports.spool import Spool
from engine.protocols.as2 import envelope, mdn
from engine.protocols.as2.enveloping import random_bytes_needed
from engine.protocols.as2.mdn import Disposition, Receipt
from engine.protocols.as2.message import Opening, Packed, Packing, mic, pack, unpack
from engine.store.open import open_store
from tests.support import x12_samples as samples
from tests.support.as2 import NOW, key_pem, partner, write
from tests.support.connector_contract import (
    LIMIT,
    Answer,
    DestinationHarness,
    SourceHarness,
    connect_when_up,
    destination_contract,
    source_contract,
)
from tests.support.connector_doubles import Clock, Door, Secrets, context
from tests.support.spools import MemorySpool
from tests.support.stores import CLOCK

DIGESTS = ("sha-256",)
US, THEM = "Harbor Health", "SUPPLIER"


@cache
def store_of(folder: Path) -> MemorySpool:
    """Doors of one site have one store."""
    return MemorySpool()


def site(folder: Path, **replaced: Any) -> ConnectorContext:
    """A context whose folder holds the certificates, and whose secrets hold both keys."""
    for name in ("us", "them"):
        write(folder, name, partner(name))
    secrets = Secrets({"env:US": key_pem(partner("us")), "env:THEM": key_pem(partner("them"), "sesame")})
    secrets.values["env:SESAME"] = "sesame"
    usual = {"secrets": secrets, "format": "bytes", "services": {"spool": store_of(folder)}}
    return context(folder, **(usual | replaced))


def message(text: bytes, **changed: Any) -> Packed:
    """From the supplier to us, signed and encrypted."""
    usual = {"signer": partner("them"), "recipient": partner("us").certificate, "cipher": "aes-256-cbc"}
    packing = Packing(**(usual | changed))
    return pack(text, "application/edi-x12", None, packing, NOW, os.urandom(random_bytes_needed(packing.cipher)))


class Supplier:
    """A partner that sends over one kept-alive connection and reads our receipts."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}/as2"
        self.session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=1))

    async def post(
        self, message_id: str, packed: Packed, url: str | None = None, **headers: str
    ) -> tuple[int, mdn.ReadReceipt | None]:
        ours = envelope.written(THEM, US, message_id)
        ours |= envelope.asking("edi@them.example", "sha-256", signed=True, url=url) | dict(packed.headers)
        ours |= {name.replace("_", "-"): value for name, value in headers.items()}
        kept = {name: value for name, value in ours.items() if value}
        async with self.session.post(self.url, data=packed.body, headers=kept) as response:
            body = await response.read()
            if response.status != 200 or "AS2-From" not in response.headers:
                return response.status, None
            given = {name.lower(): value for name, value in response.headers.items()}
            return 200, mdn.read(given, body, [partner("us").certificate], DIGESTS)

    async def send(self, body: bytes) -> Answer:
        key, text = body.split(b"|", 1)
        try:
            status, read = await self.post(f"<{key.decode()}@them>", message(text))
        except aiohttp.ClientError:
            return Answer.SILENT
        if status == 503:
            return Answer.AGAIN
        return Answer.ACCEPTED if read is not None and read.receipt.disposition.is_good else Answer.REFUSED

    async def close(self) -> None:
        await self.session.close()


class As2SourceHarness(SourceHarness):
    type = "as2"

    def settings(self) -> dict[str, Any]:
        return {
            "listen": f"127.0.0.1:{self.port}",
            "max_body": f"{LIMIT}B",
            "body_timeout": "1s",
            "as2_id": US,
            "certificate": "us.pem",
            "key": "env:US",
            "partners": [{"as2_id": THEM, "certificates": ["them.pem"]}],
        }

    def context(self) -> ConnectorContext:
        return site(self.folder)

    async def connect(self) -> Supplier:
        _, writer = await connect_when_up(self.port)
        writer.close()
        await writer.wait_closed()
        return Supplier(self.port)

    def message(self, key: str, text: str = "text", size: int = 0) -> bytes:
        return f"{key}|{text}".encode().ljust(size, b".")

    async def break_protocol(self) -> None:
        reader, writer = await connect_when_up(self.port)
        writer.write(b"POST /as2 HTTP/1.1\r\nHost: x\r\nContent-Length: nine\r\n\r\n")
        while await reader.read(4096):
            pass
        writer.close()


class FarSide:
    """A far side that opens what we send and answers by the book, or as a test wants it."""

    def __init__(self, port: int) -> None:
        self.port, self.taken = port, dict[str, bytes]()
        self.answering = asyncio.Event()
        self.answering.set()
        self.disposition: Disposition | None = None
        self.signer, self.mic, self.plain = "them", "", False
        self.status, self.posts_to, self.seen = 200, "", list[dict[str, str]]()

    async def start(self) -> None:
        self.handlers = web.Server(self.answer, handler_cancellation=True, access_log=None)
        self.server = await asyncio.get_running_loop().create_server(self.handlers, "127.0.0.1", self.port)

    async def stop(self) -> None:
        if hasattr(self, "server"):
            self.server.close()
            await self.handlers.shutdown(0.05)

    async def answer(self, request: web.BaseRequest) -> web.Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.seen.append(headers)
        body = await request.read()
        await self.answering.wait()
        if self.status != 200:
            return web.Response(status=self.status)
        found = envelope.read(headers)
        assert found is not None
        theirs = (partner("us").certificate,)
        opened = unpack(headers, body, Opening((partner("them"),), theirs, DIGESTS, ("aes-256-cbc",), 10**6))
        known = self.taken.get(found.message_id)
        told = self.disposition or (
            Disposition() if known is None else Disposition("processed", "warning", "duplicate-document")
        )
        if told.is_good:
            self.taken.setdefault(found.message_id, opened.payload)
        if found.receipt is None:
            return web.Response()
        made = self.receipt(found.message_id, told, self.mic or mic("sha-256", opened.covered))
        if found.receipt.url:
            self.posts_to, self.made = found.receipt.url, made
            return web.Response()
        return web.Response(body=made.body, headers={"Content-Type": made.headers["content-type"]})

    def receipt(self, message_id: str, told: Disposition, value: str) -> Any:
        signing = None if self.plain else (partner(self.signer), "sha-256", NOW)
        return mdn.write(Receipt(message_id, THEM, told, (value, "sha256"), "words"), "them", signing)

    async def post_receipt(self) -> int:
        async with aiohttp.ClientSession() as session:
            headers = envelope.written(THEM, US, "<receipt@them>") | {"Content-Type": self.made.headers["content-type"]}
            async with session.post(self.posts_to, data=self.made.body, headers=headers) as response:
                return response.status


class As2DestinationHarness(DestinationHarness):
    type = "as2"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.partner = FarSide(self.port)

    def settings(self) -> dict[str, Any]:
        return to_partner(self.port)

    def context(self) -> ConnectorContext:
        return site(self.folder)

    async def start(self) -> None:
        await self.partner.start()

    async def stop(self) -> None:
        await self.partner.stop()

    def refuse(self) -> None:
        self.partner.disposition = Disposition("processed", "error", "unexpected-processing-error")

    def hang(self) -> None:
        self.partner.answering.clear()

    def effects(self) -> list[bytes]:
        return list(self.partner.taken.values())


def to_partner(port: int, **changed: Any) -> dict[str, Any]:
    return {
        "url": f"http://127.0.0.1:{port}/as2",
        "as2_from": US,
        "as2_to": THEM,
        "certificate": "us.pem",
        "key": "env:US",
        "partner_certificates": ["them.pem"],
        "partner_finds_duplicates": True,
        "timeout": "2s",
    } | changed


TestAs2SourceContract = source_contract(As2SourceHarness)
TestAs2DestinationContract = destination_contract(As2DestinationHarness)


# ------------------------------------------------------------------ the source
@asynccontextmanager
async def listening(folder: Path, door: Door | None = None, **changed: Any) -> AsyncIterator[tuple[Supplier, Door]]:
    harness = As2SourceHarness(folder)
    door, context_changed = door or Door(), changed.pop("context", {})
    settings = As2SourceSettings.model_validate(harness.settings() | {"max_body": "1MB"} | changed)
    source = As2Source(settings, site(folder, **context_changed))
    task = asyncio.create_task(source.run(door))
    supplier = await harness.connect()
    try:
        yield supplier, door
    finally:
        await supplier.close()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def said(read: mdn.ReadReceipt | None) -> str:
    assert read is not None
    return str(read.receipt.disposition)


async def test_a_receipt_is_signed_and_names_the_mic_of_what_was_signed(tmp_path: Path) -> None:
    packed = message(b"order")
    async with listening(tmp_path) as (supplier, door):
        _, read = await supplier.post("<1@them>", packed)

    assert read is not None
    assert (said(read), read.signed, read.receipt.mic) == ("processed", "sha-256", (packed.mic, "sha-256"))
    assert read.receipt.original_message_id == "<1@them>"
    assert [(one.body, one.natural_id, one.scope) for one in door.accepted] == [
        (b"order", "<1@them>#1", "as2:SUPPLIER")
    ]


async def test_the_same_message_again_is_a_duplicate_document(tmp_path: Path) -> None:
    async with listening(tmp_path) as (supplier, door):
        told = [said((await supplier.post("<1@them>", message(b"order")))[1]) for _ in range(2)]

    assert told == ["processed", "processed/warning: duplicate-document"]
    assert len(door.accepted) == 1


async def test_the_same_id_with_other_content_is_an_error(tmp_path: Path) -> None:
    async with listening(tmp_path) as (supplier, door):
        await supplier.post("<1@them>", message(b"order"))
        _, read = await supplier.post("<1@them>", message(b"another"))

    assert said(read) == "processed/error: unexpected-processing-error"
    assert len(door.accepted) == 1


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"signer": "stranger"}, "processed/error: authentication-failed"),
        ({"signer": None}, "processed/error: insufficient-message-security"),
        ({"recipient": None}, "processed/error: insufficient-message-security"),
        ({"recipient": "stranger"}, "processed/error: decryption-failed"),
        ({"cipher": "3des"}, "processed/error: insufficient-message-security"),
        ({"digest": "md5"}, "processed/error: insufficient-message-security"),
    ],
    ids=str,
)
async def test_what_is_not_secured_as_agreed_is_refused_and_kept(
    tmp_path: Path, changed: dict[str, Any], told: str
) -> None:
    made = dict(changed)
    if isinstance(changed.get("signer"), str):
        made["signer"] = partner(changed["signer"])
    if isinstance(changed.get("recipient"), str):
        made["recipient"] = partner(changed["recipient"]).certificate
    async with listening(tmp_path) as (supplier, door):
        _, read = await supplier.post("<1@them>", message(b"order", **made))
        again = said((await supplier.post("<1@them>", message(b"order")))[1])

    assert said(read) == told
    assert [one.natural_id for one in door.stored] == [None, "<1@them>#1"]
    assert again == "processed"  # a message of somebody else did not use up the id


async def test_changed_content_is_integrity_check_failed(tmp_path: Path) -> None:
    packed = message(b"order", recipient=None)
    changed = packed._replace(body=packed.body.replace(b"order", b"ORDER"))
    loose = [{"as2_id": THEM, "certificates": ["them.pem"], "encrypted": False}]
    async with listening(tmp_path, partners=loose) as (supplier, _):
        _, read = await supplier.post("<1@them>", changed)

    assert said(read) == "processed/error: integrity-check-failed"


async def test_an_expired_certificate_signs_nothing_unless_agreed(tmp_path: Path) -> None:
    write(tmp_path, "old", partner("old", expired=True))
    told = []
    for number, expired in enumerate((False, True)):
        partners = [{"as2_id": THEM, "certificates": ["old.pem"], "expired": expired}]
        async with listening(tmp_path, partners=partners) as (supplier, _):
            _, read = await supplier.post(f"<{number}@them>", message(b"x", signer=partner("old", expired=True)))
            told.append(said(read))

    assert told == ["processed/error: authentication-failed", "processed"]


async def test_what_the_channel_refuses_is_an_error_with_its_reason(tmp_path: Path) -> None:
    context_changed = {"context": {"format": "x12"}}
    async with listening(tmp_path, **context_changed) as (supplier, door):
        _, read = await supplier.post("<1@them>", message(b"this is no interchange"))

    assert said(read) == "processed/error: unexpected-processing-error"
    assert read is not None
    assert "refused" in read.receipt.text
    assert door.accepted == []


async def test_a_message_without_a_receipt_asked_for_is_answered_by_status(tmp_path: Path) -> None:
    async with listening(tmp_path) as (supplier, _):
        good, _ = await supplier.post("<1@them>", message(b"x"), Disposition_Notification_To="")
        bad, _ = await supplier.post("<2@them>", message(b"x", signer=None), Disposition_Notification_To="")

    assert (good, bad) == (200, 422)


async def test_a_store_that_fails_gives_no_receipt(tmp_path: Path) -> None:
    door = Door()
    door.failure = StoreError("the disk is gone")
    async with listening(tmp_path, door) as (supplier, _):
        status, read = await supplier.post("<1@them>", message(b"x"))

    assert (status, read) == (503, None)


@pytest.mark.parametrize(
    ("header", "value", "status"),
    [
        ("AS2_From", "NOBODY", 403),
        ("AS2_To", "NOBODY", 403),
        ("AS2_From", "", 400),
        ("Message_ID", "", 400),
        ("Receipt_Delivery_Option", "file:///etc/passwd", 400),
        ("Receipt_Delivery_Option", "http://169.254.169.254/latest", 400),
        ("Receipt_Delivery_Option", "http://127.0.0.1:1/", 400),
        ("Receipt_Delivery_Option", "http://[::ffff:10.0.0.1]/", 400),
    ],
)
async def test_strangers_and_bad_addresses_are_sent_away_and_nothing_is_kept(
    tmp_path: Path, header: str, value: str, status: int
) -> None:
    async with listening(tmp_path) as (supplier, door):
        told, _ = await supplier.post("<1@them>", message(b"x"), **{header: value})

    assert told == status
    assert door.stored == []


INTERCHANGE = samples.interchange()


def trading(name: str) -> dict[str, Any]:
    """A context of an X12 channel whose only trading partner sends INTERCHANGE and is called so."""
    sender = INTERCHANGE[35:50].decode().strip()
    one = Partner(partner=name, isa_qualifier=INTERCHANGE[32:34].decode(), isa_id=sender, our_isa_id="HARBOR",
                  envelope="tolerant")  # fmt: skip
    return {"format": "x12", "services": {"x12_partners": [one]}}


async def test_interchanges_become_x12_messages_of_their_trading_partner(tmp_path: Path) -> None:
    async with listening(tmp_path, context=trading("alderbrook")) as (supplier, door):
        _, read = await supplier.post("<1@them>", message(INTERCHANGE + INTERCHANGE))

    assert said(read) == "processed"
    assert [(one.message_type, one.natural_id) for one in door.accepted] == [
        ("850", "<1@them>#1@under_test"),
        ("850", "<1@them>#2@under_test"),
    ]
    assert {one.attributes["partner"] for one in door.accepted} == {"alderbrook"}
    assert {one.attributes["as2_from"] for one in door.accepted} == {THEM}


async def test_json_inside_is_taken_although_it_is_wrapped(tmp_path: Path) -> None:
    async with listening(tmp_path, context={"format": "json"}) as (supplier, door):
        _, read = await supplier.post("<1@them>", message(b'{"order": 1}'))

    assert said(read) == "processed"
    assert [one.body for one in door.accepted] == [b'{"order": 1}']


async def test_a_partner_may_not_send_interchanges_of_another(tmp_path: Path) -> None:
    partners = [{"as2_id": THEM, "certificates": ["them.pem"], "x12_partners": ["brightwater"]}]
    async with listening(tmp_path, partners=partners, context=trading("alderbrook")) as (supplier, door):
        _, read = await supplier.post("<1@them>", message(INTERCHANGE))

    assert said(read) == "processed/error: unexpected-processing-error"
    assert door.accepted == []


async def test_a_crash_before_the_receipt_takes_the_message_in_once(tmp_path: Path) -> None:
    door = Door()
    door.open.clear()
    async with listening(tmp_path, door) as (supplier, _):
        first = asyncio.create_task(supplier.post("<1@them>", message(b"order")))
        async with asyncio.timeout(30):
            while not door.asked:
                await asyncio.sleep(0.01)
        await supplier.close()
        await asyncio.gather(first, return_exceptions=True)
    door.open.set()  # what was handed to the journal is written, although nobody waits for it
    await door(Received(b"order", "<1@them>#1", scope=f"as2:{THEM}"))
    async with listening(tmp_path, door) as (supplier, _):
        _, read = await supplier.post("<1@them>", message(b"order"))

    assert said(read) == "processed/warning: duplicate-document"
    assert len(door.accepted) == 1


async def test_a_bomb_is_refused_and_its_body_not_kept(tmp_path: Path) -> None:
    async with listening(tmp_path, max_payload="1MB") as (supplier, door):
        _, read = await supplier.post("<1@them>", message(b"0" * 2_000_000, compressed=True))

    assert said(read) == "processed/error: unexpected-processing-error"
    assert [(one.body, one.refusal.code) for one in door.stored if one.refusal] == [(b"", "M003")]


class Receiver:
    """Where receipts are posted to."""

    def __init__(self) -> None:
        self.port, self.got, self.down = free_port(), list[tuple[dict[str, str], bytes]](), False
        self.url = f"http://127.0.0.1:{self.port}/receipts"

    async def __aenter__(self) -> Receiver:
        self.handlers = web.Server(self.take, access_log=None)
        self.server = await asyncio.get_running_loop().create_server(self.handlers, "127.0.0.1", self.port)
        return self

    async def __aexit__(self, *_: object) -> None:
        self.server.close()
        await self.handlers.shutdown(0.05)

    async def take(self, request: web.BaseRequest) -> web.Response:
        self.got.append(({k.lower(): v for k, v in request.headers.items()}, await request.read()))
        return web.Response()

    async def first(self) -> mdn.ReadReceipt:
        async with asyncio.timeout(30):
            while not self.got:
                await asyncio.sleep(0.01)
        return mdn.read(*self.got[0], [partner("us").certificate], DIGESTS)


async def test_a_receipt_is_posted_where_it_is_wanted(tmp_path: Path) -> None:
    async with Receiver() as receiver, listening(tmp_path, receipts_to_private=True) as (supplier, _):
        status, read = await supplier.post("<1@them>", message(b"x"), receiver.url)
        posted = await receiver.first()

    assert (status, read, said(posted)) == (200, None, "processed")
    assert receiver.got[0][0]["as2-from"] == '"Harbor Health"'


def spooling(spool: Spool) -> dict[str, Any]:
    return {"receipts_to_private": True, "context": {"services": {"spool": spool}}}


async def posted_away(spool: MemorySpool) -> None:
    async with asyncio.timeout(30):
        while spool.kept:
            await asyncio.sleep(0.01)


async def test_a_receipt_that_was_not_posted_is_posted_once_by_the_node_that_takes_over(tmp_path: Path) -> None:
    """Node A dies before it posts; node B has another disk and the same store. A third start finds nothing to do."""
    spool, receiver = MemorySpool(), Receiver()
    for node in ("a", "b"):
        (tmp_path / node).mkdir()
    async with listening(tmp_path / "a", **spooling(spool)) as (supplier, _):
        status, _ = await supplier.post("<1@them>", message(b"x"), receiver.url)
    left_by_a = len(spool.kept)
    async with receiver:
        async with listening(tmp_path / "b", **spooling(spool)):
            posted = await receiver.first()
            await posted_away(spool)
        async with listening(tmp_path / "a", **spooling(spool)) as (supplier, _):
            await supplier.post("<2@them>", message(b"y"))

    assert (status, left_by_a, len(receiver.got)) == (200, 1, 1)
    assert posted.receipt.original_message_id == "<1@them>"


async def test_a_message_whose_receipt_cannot_be_kept_is_asked_for_again(tmp_path: Path) -> None:
    spool = MemorySpool()
    async with Receiver() as receiver, listening(tmp_path, **spooling(spool)) as (supplier, door):
        spool.is_down = True
        refused, _ = await supplier.post("<1@them>", message(b"x"), receiver.url)
        spool.is_down = False
        again, _ = await supplier.post("<1@them>", message(b"x"), receiver.url)
        posted = await receiver.first()

    assert (refused, again, len(door.accepted)) == (503, 200, 1)
    assert said(posted) == "processed/warning: duplicate-document"


async def test_a_receipt_that_stays_in_the_store_is_not_posted_again(tmp_path: Path) -> None:
    settings = As2SourceSettings.model_validate(As2SourceHarness(tmp_path).settings() | {"receipts_to_private": True})
    receipts = ReceiptSpool(settings, site(tmp_path, services={"spool": StickySpool()}))
    async with Receiver() as receiver, asyncio.timeout(30):
        posting = asyncio.create_task(receipts.post_forever())
        await receipts.put(receiver.url, {}, b"receipt")
        (due,) = receipts._due.values()
        while due.failures < 2:
            due.not_before = 0.0  # as if the pause were over
            receipts._more.set()
            await asyncio.sleep(0.01)
        posting.cancel()
        await asyncio.gather(posting, return_exceptions=True)

    assert (due.is_done, len(receipts), len(receiver.got)) == (True, 1, 1)


class StickySpool(MemorySpool):
    """Nothing can be taken out of it."""

    async def remove(self, place: str, key: str) -> None:
        raise StoreError("the store is down")


async def test_receipts_that_an_earlier_release_kept_as_files_are_posted(tmp_path: Path) -> None:
    spool, receiver = MemorySpool(), Receiver()
    async with listening(tmp_path, **spooling(spool)) as (supplier, _):
        await supplier.post("<1@them>", message(b"x"), receiver.url)
    ((_, key), body) = spool.kept.popitem()
    folder = tmp_path / "var" / "as2" / "under_test" / "receipts"
    folder.mkdir(parents=True)
    (folder / f"{key}.receipt").write_bytes(body)
    (folder / "cut_off.receipt").write_bytes(body[:20])
    async with receiver, listening(tmp_path, **spooling(spool)):
        posted = await receiver.first()
        await posted_away(spool)

    assert posted.receipt.original_message_id == "<1@them>"
    assert [path.name for path in folder.iterdir()] == ["cut_off.receipt"]


async def test_a_stranger_does_not_make_us_post_anywhere(tmp_path: Path) -> None:
    spool, receiver = MemorySpool(), Receiver()
    async with receiver, listening(tmp_path, **spooling(spool)) as (supplier, _):
        status, _ = await supplier.post("<1@them>", message(b"x", signer=partner("stranger")), receiver.url)

    assert (status, receiver.got, spool.kept) == (200, [], {})


# ------------------------------------------------------------------ the destination
@asynccontextmanager
async def sending(
    folder: Path, clock: Clock | None = None, **changed: Any
) -> AsyncIterator[tuple[As2Destination, FarSide, As2DestinationHarness]]:
    replaced: dict[str, Any] = {"clock": clock} if clock else {}
    if "services" in changed:
        replaced["services"] = changed.pop("services")
    harness = As2DestinationHarness(folder)
    await harness.start()
    settings = As2DestinationSettings.model_validate(harness.settings() | changed)
    destination = As2Destination(settings, site(folder, **replaced))
    try:
        yield destination, harness.partner, harness
    finally:
        await destination.close()
        await harness.stop()


async def test_every_attempt_has_the_same_message_id_and_a_duplicate_is_delivered(tmp_path: Path) -> None:
    async with sending(tmp_path) as (destination, far, harness):
        first = await destination.send(harness.outbound())
        second = await destination.send(harness.outbound())
        other = await destination.send(harness.outbound("key-2"))

    assert len({one["message-id"] for one in far.seen}) == 2
    assert first.reference == second.reference != other.reference


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"mic": "AAAA"}, "other content"),
        ({"signer": "stranger"}, "cannot be believed"),
        ({"plain": True}, "not signed"),
        ({"disposition": Disposition("processed", "error", "decryption-failed")}, "decryption-failed"),
        ({"disposition": Disposition("failed", "failure", "SECRET OF A PATIENT")}, "reason of its own"),
    ],
    ids=str,
)
async def test_a_receipt_that_is_not_good_is_a_refusal(tmp_path: Path, changed: dict[str, Any], words: str) -> None:
    async with sending(tmp_path) as (destination, far, harness):
        for name, value in changed.items():
            setattr(far, name, value)
        with pytest.raises(DestinationError) as caught:
            await destination.send(harness.outbound())

    assert words in caught.value.what
    assert "SECRET" not in str(caught.value)


async def test_an_answer_that_is_no_receipt_is_an_unknown_outcome(tmp_path: Path) -> None:
    async with sending(tmp_path) as (destination, far, harness):
        far.receipt = lambda *_: mdn.parse(b"Content-Type: text/html\r\n\r\nwelcome")  # type: ignore[method-assign]
        with pytest.raises(TransportError) as caught:
            await destination.send(harness.outbound())

    assert caught.value.sent


@pytest.mark.parametrize(
    ("changed", "semantics"),
    [
        ({"partner_finds_duplicates": True}, Semantics.IDEMPOTENT),
        ({"partner_finds_duplicates": False}, Semantics.NEITHER),
        ({"receipt": "async", "receipt_url": "http://127.0.0.1:1/as2"}, Semantics.INQUIRABLE),
    ],
)
async def test_what_it_says_of_sending_twice(tmp_path: Path, changed: dict[str, Any], semantics: Semantics) -> None:
    async with sending(tmp_path, **changed) as (destination, _, _):
        assert destination.semantics is semantics


async def test_a_receipt_that_is_posted_confirms_the_delivery(tmp_path: Path) -> None:
    async with (
        listening(tmp_path) as (supplier, _),
        sending(tmp_path, receipt="async", receipt_url=supplier.url, receipt_wait="5s") as (destination, far, harness),
    ):
        delivering = asyncio.create_task(destination.send(harness.outbound()))
        async with asyncio.timeout(30):
            while not far.posts_to:
                await asyncio.sleep(0.01)
        early = delivering.done()
        status = await far.post_receipt()
        delivered = await delivering

    assert (early, status) == (False, 200)
    assert delivered.reference is not None


async def test_a_receipt_that_comes_late_is_found_by_asking(tmp_path: Path) -> None:
    async with (
        listening(tmp_path) as (supplier, _),
        sending(tmp_path, receipt="async", receipt_url=supplier.url, receipt_wait="0s") as (destination, far, harness),
    ):
        with pytest.raises(TransportError) as early:
            await destination.send(harness.outbound())
        with pytest.raises(TransportError):
            await destination.inquire(harness.outbound())
        await far.post_receipt()
        delivered = await destination.inquire(harness.outbound())
        again = await destination.send(harness.outbound())

    assert early.value.sent
    assert delivered == again
    assert len(far.seen) == 1


async def test_what_broke_off_is_sent_again_to_a_partner_that_finds_duplicates(tmp_path: Path) -> None:
    """The engine that sent it is gone, so that nobody knows whether it left; a receipt may never come."""
    changed = {"receipt": "async", "receipt_url": "http://127.0.0.1:1/as2", "receipt_wait": "0s"}
    async with sending(tmp_path, **changed) as (first, _, harness):
        with pytest.raises(StillAwaitedError):
            await first.send(harness.outbound())
        with pytest.raises(StillAwaitedError):
            await first.inquire(harness.outbound())
        next_engine = As2Destination(first._as2, site(tmp_path))

        assert await next_engine.inquire(harness.outbound()) is None


async def test_a_forged_receipt_counts_for_nothing(tmp_path: Path) -> None:
    async with (
        listening(tmp_path) as (supplier, _),
        sending(tmp_path, receipt="async", receipt_url=supplier.url, receipt_wait="0s") as (destination, far, harness),
    ):
        far.signer = "stranger"
        with pytest.raises(TransportError):
            await destination.send(harness.outbound())
        status = await far.post_receipt()
        with pytest.raises(TransportError):
            await destination.inquire(harness.outbound())

    assert status == 200


async def test_a_receipt_nobody_waits_for_is_not_kept(tmp_path: Path) -> None:
    async with listening(tmp_path) as (supplier, _):
        far = FarSide(0)
        far.posts_to, far.made = supplier.url, far.receipt("<never@us>", Disposition(), "AAAA")
        status = await far.post_receipt()

    assert status == 404
    assert store_of(tmp_path).kept == {}


async def test_a_receipt_posted_to_the_node_that_took_over_confirms_what_the_other_node_sent(
    tmp_path: Path, store_url: str
) -> None:
    """Two nodes, two folders, one journal; the partner posts its receipt again and again."""
    first, second = tmp_path / "a", tmp_path / "b"
    first.mkdir()
    second.mkdir()
    changed = {"receipt": "async", "receipt_url": "http://127.0.0.1:1/as2", "receipt_wait": "0s"}
    store = await open_store(store_url, CLOCK)
    async with sending(first, services={"spool": store.spool}, **changed) as (sender, far, harness):
        with pytest.raises(StillAwaitedError):
            await sender.send(harness.outbound())
    await store.close()
    taken_over = await open_store(store_url, CLOCK)
    services = {"spool": taken_over.spool}
    async with listening(second, context={"services": services}) as (supplier, _):
        far.posts_to = supplier.url
        told = [await far.post_receipt() for _ in range(3)]
        asker = As2Destination(sender._as2, site(second, services=services))
        found = [await asker.inquire(harness.outbound()) for _ in range(2)]
        resent = await asker.send(harness.outbound())
        kept = await taken_over.spool.waiting(_place(str(resent.reference)))
    await taken_over.close()

    assert told == [200, 200, 200]
    assert found == [resent, resent]
    assert resent.reference is not None
    assert len(far.seen) == 1
    assert len(kept) == 2, "what was sent, and one receipt"


async def test_more_false_receipts_than_are_kept_are_told_so(tmp_path: Path) -> None:
    awaited = Awaited(site(tmp_path))
    await awaited.expect(Sent("<1@us>", "MIC", NOW))

    told = [await awaited.keep("1@us", {}, str(number).encode()) for number in range(10)]

    assert told == [True] * 8 + [False] * 2
    await awaited.expect(Sent("<1@us>", "MIC", NOW))
    known = await awaited.known("<1@us>")
    assert known == Known(Sent("<1@us>", "MIC", NOW), ()), "a new attempt waits for a new receipt"


async def test_what_was_sent_a_month_ago_is_forgotten_unless_it_was_sent_again(tmp_path: Path) -> None:
    awaited, late = Awaited(site(tmp_path)), NOW + timedelta(days=31)
    for name in ("<old@us>", "<again@us>"):
        await awaited.expect(Sent(name, "MIC", NOW))
        await awaited.keep(name, {}, b"receipt")
    await awaited.expect(Sent("<again@us>", "MIC", late))
    await awaited.forget_old(late)

    assert await awaited.known("<old@us>") is None
    assert await awaited.known("<again@us>") is not None
    await awaited.forget_old(late + timedelta(days=31))
    assert store_of(tmp_path).kept == {}


async def test_what_an_earlier_release_awaited_in_files_goes_to_the_store(tmp_path: Path) -> None:
    folder, sent = tmp_path / "var" / "as2" / "awaited", Sent("<1@us>", "MIC", NOW)
    folder.mkdir(parents=True)
    stem = _place(sent.message_id).rpartition("/")[2]
    (folder / f"{stem}.sent").write_bytes(msgspec.json.encode(sent))
    (folder / f"{stem}.0123456789abcdef.mdn").write_bytes(b'{"headers": {}, "body": "cmVjZWlwdA=="}')
    known = await Awaited(site(tmp_path)).known("<1@us>")

    assert known == Known(sent, (Posted({}, b"receipt"),))
    assert list(folder.iterdir()) == []


async def test_a_store_that_is_away_takes_no_receipt_and_sends_nothing(tmp_path: Path) -> None:
    changed = {"receipt": "async", "receipt_url": "http://127.0.0.1:1/as2", "receipt_wait": "0s"}
    async with (
        listening(tmp_path) as (supplier, _),
        sending(tmp_path, **changed) as (destination, far, harness),
    ):
        store_of(tmp_path).is_down = True
        with pytest.raises(TransportError) as caught:
            await destination.send(harness.outbound())
        far.posts_to, far.made = supplier.url, far.receipt("<1@us>", Disposition(), "AAAA")
        status = await far.post_receipt()
        store_of(tmp_path).is_down = False

    assert (caught.value.sent, far.seen, status) == (False, [], 503)


@pytest.mark.parametrize("finds_duplicates", [True, False])
async def test_without_a_receipt_in_time_it_is_sent_again_or_held(tmp_path: Path, finds_duplicates: bool) -> None:
    clock = Clock(NOW)
    changed = {"receipt": "async", "receipt_url": "http://127.0.0.1:1/as2", "receipt_wait": "0s"}
    async with sending(tmp_path, clock, partner_finds_duplicates=finds_duplicates, **changed) as (
        destination,
        _,
        harness,
    ):
        with pytest.raises(TransportError):
            await destination.send(harness.outbound())
        clock.advance(destination._as2.receipt_within)
        if finds_duplicates:
            assert await destination.inquire(harness.outbound()) is None
        else:
            with pytest.raises(UnknownOutcomeError):
                await destination.inquire(harness.outbound())


# ------------------------------------------------------------------ settings and keys
@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"certificate": None}, "signing needs"),
        ({"partner_certificates": []}, "encrypting needs"),
        ({"receipt": "async"}, "receipt_url"),
        ({"partner": "alderbrook"}, "format: x12"),
        ({"as2_to": US}, "the same"),
        ({"as2_to": " x"}, "AS2 name"),
        ({"url": "https://x/{key}"}, "no fields"),
    ],
    ids=str,
)
def test_settings_of_a_destination_that_do_not_fit_say_why(changed: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError) as caught:
        As2DestinationSettings.model_validate(to_partner(1) | changed)

    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("partners", "words"),
    [
        ([{"as2_id": THEM, "certificates": ["a"], "signed": False}], "anybody could send"),
        ([{"as2_id": THEM, "certificates": ["a"]}] * 2, "same as2_id"),
        ([{"as2_id": US, "certificates": ["a"]}], "our own"),
    ],
    ids=["unsigned", "twice", "ours"],
)
def test_settings_of_a_source_that_do_not_fit_say_why(
    tmp_path: Path, partners: list[dict[str, Any]], words: str
) -> None:
    with pytest.raises(ValidationError) as caught:
        As2SourceSettings.model_validate(As2SourceHarness(tmp_path).settings() | {"partners": partners})

    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("changed", "where"),
    [
        ({"certificate": "them.pem"}, "them.pem"),
        ({"certificate": "absent.pem"}, "absent.pem"),
        ({"key": "env:THEM", "certificate": "them.pem"}, "them.pem"),
        ({"key": "env:THEM", "key_password": "env:US", "certificate": "them.pem"}, "them.pem"),
        ({"partner_certificates": ["absent.pem"]}, "absent.pem"),
    ],
    ids=["of another key", "absent", "no password", "another password", "partner's absent"],
)
def test_keys_that_cannot_be_used_are_told_without_their_values(
    tmp_path: Path, changed: dict[str, Any], where: str
) -> None:
    settings = As2DestinationSettings.model_validate(to_partner(1) | changed)

    with pytest.raises(ConfigurationError) as caught:
        As2Destination(settings, site(tmp_path))

    assert where in str(caught.value)
    assert "PRIVATE" not in str(caught.value)


async def test_a_key_with_a_password_is_used(tmp_path: Path) -> None:
    changed = {"key": "env:THEM", "key_password": "env:SESAME", "certificate": "them.pem"}

    As2Destination(As2DestinationSettings.model_validate(to_partner(1) | changed), site(tmp_path))


async def test_check_tells_of_certificates_that_expire(tmp_path: Path) -> None:
    soon, late = Clock(partner("them").certificate.not_valid_after_utc), Clock(NOW)
    soon.set(soon.moment.replace(year=soon.moment.year, day=1))
    words = []
    for clock in (late, soon):
        async with sending(tmp_path, clock) as (destination, _, _):
            words.append((await destination.check()).text)

    assert "expires" not in words[0]
    assert "certificate of the partner expires in" in words[1]
