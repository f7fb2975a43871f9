"""Source `as2`: a listener for AS2 messages. The receipt leaves when the message is durable.

What a receipt says: processed · processed/warning: duplicate-document (the Message-ID came before with the same
content) · processed/error: decryption-failed, decompression-failed, authentication-failed, integrity-check-failed,
insufficient-message-security, unexpected-processing-error (refused by the channel, or the Message-ID came before with
other content) · failed/failure: unsupported format, unsupported MIC-algorithms. It is the answer to the request, or
is posted later where the sender asks for that: then it is in the store before the request is answered, and whichever
engine works on the journal next posts it.

Without a receipt asked for: 200 taken in, 422 refused. 400 no AS2 message · 403 unknown names · 503 not stored: try
again with the same Message-ID. Receipts that partners post for messages of ours are taken at the same path.
"""

from __future__ import annotations

import asyncio
import email.utils
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from aiohttp import web

from engine.connectors.as2 import keyring
from engine.connectors.as2.awaited import LARGEST, Awaited
from engine.connectors.as2.intake import Intake, Outcome
from engine.connectors.as2.settings import As2Partner, As2SourceSettings
from engine.connectors.as2.spool import ReceiptSpool
from engine.connectors.http.guard import host_of, refuse_host
from engine.connectors.http.source import HttpSource, Refused, wait_for_journal
from engine.core.errors import DestinationError, MessageError, SizeLimitError, StoreError
from engine.core.ids import IdSource, id_text
from engine.ports.connector import Accept, ConnectorContext, Health
from engine.protocols.as2 import envelope as envelopes
from engine.protocols.as2 import mdn
from engine.protocols.as2.algorithms import Asked, choose
from engine.protocols.as2.envelope import Envelope, ReceiptAsked
from engine.protocols.as2.faults import As2Error, Modifier
from engine.protocols.as2.message import Opened, Opening, mic, unpack
from engine.protocols.as2.mime import Entity

_AGENT = "Isthmus"
_DEFAULT = Asked("sha-256", "sha-256")


class As2Source(HttpSource):
    """One listener, one channel, several partners."""

    def __init__(self, settings: As2SourceSettings, context: ConnectorContext) -> None:
        super().__init__(settings, context)
        self._as2 = settings
        self._is_json = False  # what is inside may be; around it is MIME
        self._ours = tuple(keyring.load_identity(pair, context) for pair in (settings, *settings.previous))
        self._partners = {
            one.as2_id: (one, keyring.load_certificates(one.certificates, context)) for one in settings.partners
        }
        self._intake, self._spool, self._awaited = (
            Intake(context, settings),
            ReceiptSpool(settings, context),
            Awaited(context),
        )
        self._ids = IdSource()

    async def run(self, accept: Accept) -> None:
        """Serve, and post receipts, until cancelled."""
        posting = asyncio.create_task(self._spool.post_forever())
        try:
            await super().run(accept)
        finally:
            posting.cancel()
            await asyncio.gather(posting, return_exceptions=True)

    async def check(self) -> Health:
        listening = await super().check()
        named = [(f"partner {name}", theirs) for name, (_, theirs) in self._partners.items()]
        good, words = keyring.expiry([("ours", (self._ours[0].certificate,)), *named], self._context.clock.now())
        if len(self._spool):
            words = f"{words}; " * bool(words) + f"{len(self._spool)} receipts wait to be posted"
        return Health(listening.ok and good, f"{listening.text}; {words}" if words else listening.text)

    # -------------------------------------------------------------- one request
    async def _take(self, request: web.BaseRequest, accept: Accept) -> web.Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        envelope = envelopes.read(headers)
        if envelope is None:
            raise Refused(400, "no AS2 message: AS2-From, AS2-To and Message-ID are needed", drop=True)
        known = envelope.recipient == self._as2.as2_id and envelope.sender in self._partners
        if not known and not _may_be_receipt(request):
            raise Refused(403, "AS2-From and AS2-To are not of an agreement", drop=True)
        if known:
            self._check_address(envelope.receipt, self._partners[envelope.sender][0])
        await wait_for_journal(accept)
        body = await self._body(request)
        if len(body) <= LARGEST and mdn.is_receipt(headers, body):
            return await self._keep_receipt(headers, body)  # whoever it is for: only what is awaited is kept
        if not known:
            raise Refused(403, "AS2-From and AS2-To are not of an agreement")
        partner, _ = self._partners[envelope.sender]
        facts = _facts(envelope, headers, request.remote or "")
        opened, outcome = await self._opened(headers, body, envelope, facts, accept)
        if opened is not None:
            outcome = await self._intake.take(opened, envelope, partner, facts | _came(opened), accept)
        return await self._answered(envelope, partner, opened, outcome)

    def _check_address(self, asked: ReceiptAsked | None, partner: As2Partner) -> None:
        """Raises Refused when a receipt could not be posted where it is wanted: before anything is taken in."""
        if asked is None or asked.url is None:
            return
        parts = urlsplit(asked.url)
        good = parts.scheme in ("http", "https") and "@" not in parts.netloc
        try:
            host = host_of(asked.url)
            good = good and bool(host) and (not partner.receipt_hosts or host in partner.receipt_hosts)
            refuse_host(host, self._as2.receipts_to_private)
        except DestinationError:
            good = False
        if not good:
            raise Refused(400, "Receipt-Delivery-Option is not an agreed address", drop=True)

    async def _opened(
        self, headers: Mapping[str, str], body: bytes, envelope: Envelope, facts: dict[str, str], accept: Accept
    ) -> tuple[Opened | None, Outcome]:
        """The message; or None, and what its receipt says."""
        try:
            return await asyncio.to_thread(self._open, headers, body, envelope), Outcome(mdn.Disposition(), "")
        except SizeLimitError as error:
            return None, await self._intake.refuse(b"", error, envelope, facts, accept)
        except MessageError as error:
            return None, await self._intake.refuse(body, error, envelope, facts, accept)

    def _open(self, headers: Mapping[str, str], body: bytes, envelope: Envelope) -> Opened:
        """Raises MessageError: it cannot be opened, or is not secured as agreed."""
        partner, theirs = self._partners[envelope.sender]
        if not partner.expired:
            theirs = keyring.valid(theirs, self._context.clock.now())
        opening = Opening(self._ours, theirs, partner.digests, partner.ciphers, self._as2.max_payload)
        opened = unpack(headers, body, opening)
        missing = [
            word
            for word, needed, there in (
                ("signed", partner.signed, opened.signed),
                ("encrypted", partner.encrypted, opened.encrypted),
            )
            if needed and not there
        ]
        if missing:
            words = f"the message is not {' and not '.join(missing)}, as was agreed"
            raise As2Error(words, Modifier.INSUFFICIENT, where="MIME", remedy="ask the partner to set its software so")
        asked = envelope.receipt
        if asked is not None and asked.required and choose(asked.digests, partner.digests) is None:
            raise As2Error(
                "no digest is asked for that we agreed on", Modifier.UNSUPPORTED_MIC,
                where="Disposition-Notification-Options", remedy="ask the partner for sha-256",
            )  # fmt: skip
        return opened

    # -------------------------------------------------------------- receipts
    async def _answered(
        self, envelope: Envelope, partner: As2Partner, opened: Opened | None, outcome: Outcome
    ) -> web.Response:
        asked = envelope.receipt
        if asked is None:
            status = 200 if outcome.disposition.is_good else 422
            return web.Response(status=status, text=outcome.text)
        receipt = await asyncio.to_thread(self._receipt, envelope, asked, partner, opened, outcome)
        headers = self._headers(envelope) | {name.title(): value for name, value in receipt.headers.items()}
        if asked.url is None:
            return web.Response(body=receipt.body, headers=headers)
        if opened is not None or partner.receipt_hosts:
            # A stranger's message does not make us post to an address of the stranger's choice.
            await self._spool.put(asked.url, headers, receipt.body)
        return web.Response()

    def _receipt(
        self, envelope: Envelope, asked: ReceiptAsked, partner: As2Partner, opened: Opened | None, outcome: Outcome
    ) -> Entity:
        digest = choose(asked.digests, partner.digests) or _DEFAULT
        if opened is not None and opened.signed and not asked.digests:
            digest = Asked(opened.signed, opened.signed)
        told = (mic(digest.name, opened.covered), digest.spelling) if opened is not None else None
        receipt = mdn.Receipt(envelope.message_id, envelope.recipient, outcome.disposition, told, outcome.text)
        signing = (self._ours[0], digest.name, self._context.clock.now()) if asked.signed else None
        return mdn.write(receipt, _AGENT, signing)

    def _headers(self, envelope: Envelope) -> dict[str, str]:
        message_id = f"<{id_text(self._ids.next())}.receipt@isthmus>"
        return envelopes.written(envelope.recipient, envelope.sender, message_id) | {
            "Date": email.utils.format_datetime(self._context.clock.now(), usegmt=True),
            "Subject": "Receipt",
        }

    async def _keep_receipt(self, headers: Mapping[str, str], body: bytes) -> web.Response:
        """For a destination of this site that waits for it; it judges it."""
        message_id = mdn.peek(headers, body)
        if message_id is None:
            raise Refused(400, "the receipt cannot be read")
        kept = {name: value for name, value in headers.items() if name.startswith("content-")}
        try:
            known = await self._awaited.keep(message_id, kept, body)
        except StoreError:
            raise Refused(503, "not stored, try again", Retry_After="5") from None
        if not known:
            raise Refused(404, "no receipt is awaited for this message")
        return web.Response()


def _may_be_receipt(request: web.BaseRequest) -> bool:
    kinds = ("multipart/signed", mdn.REPORT)
    return request.content_type in kinds and 0 < (request.content_length or 0) <= LARGEST


def _facts(envelope: Envelope, headers: Mapping[str, str], peer: str) -> dict[str, Any]:
    return {
        "as2_from": envelope.sender,
        "as2_message_id": envelope.message_id,
        "content_type": headers.get("content-type", "")[:200],
        "peer": peer,
    }


def _came(opened: Opened) -> dict[str, str]:
    """How it was secured."""
    return {
        "content_type": opened.content_type,
        "signed": opened.signed or "no",
        "encrypted": opened.encrypted or "no",
    }
