"""Destination `as2`: each delivery is a message that its partner's receipt confirms.

The Message-ID comes from the delivery's key, so that it is the same at every attempt and when an operator resends.
Delivered: a receipt that says processed, or that the document is there already, signed by the partner, with our MIC.
A receipt that says otherwise, or names other content, is refused: HELD. No receipt in time: unknown. Then

- with `partner_finds_duplicates` it is sent again (idempotent): the partner answers duplicate-document;
- without, it waits for a person.

A receipt that is posted (`receipt: async`) is taken by an `as2` source of this site and asked for (inquirable) until
`receipt_within` has passed.
"""

from __future__ import annotations

import asyncio
import email.utils
import hashlib
import os
from collections.abc import Mapping, Sequence
from datetime import timedelta

from cryptography import x509

from engine.connectors.as2 import keyring
from engine.connectors.as2.awaited import Awaited, Known, Posted, Sent
from engine.connectors.as2.settings import As2DestinationSettings
from engine.connectors.file.destination import file_name
from engine.connectors.http.destination import HttpDestination
from engine.connectors.http.settings import HttpDestinationSettings
from engine.connectors.wrapping import file_encoder
from engine.core.errors import DestinationError, StillAwaitedError, StoreError, TransportError, UnknownOutcomeError
from engine.ports.connector import ConnectorContext, Delivered, Health, Outbound, Semantics
from engine.protocols.as2 import envelope, mdn
from engine.protocols.as2.algorithms import digest_name
from engine.protocols.as2.enveloping import random_bytes_needed
from engine.protocols.as2.faults import As2Error, Modifier
from engine.protocols.as2.keys import Identity
from engine.protocols.as2.message import Packed, Packing, pack

_LOOK_EVERY = 0.2  # seconds, for a receipt that is posted
_LOOK_FOR_OLD_EVERY = 1000  # messages
_REMEMBERED = 10_000  # messages that were posted; an older one may be sent once more
_TOLD = frozenset(str(one) for one in Modifier)


class As2Destination(HttpDestination):
    """Sends to one partner at one address."""

    def __init__(self, settings: As2DestinationSettings, context: ConnectorContext) -> None:
        super().__init__(_http(settings), context)
        self._as2 = settings
        self._signer = _signer(settings, context)
        self._theirs = keyring.load_certificates(settings.partner_certificates, context)
        self._encoder = file_encoder(settings, context)
        self._awaited = Awaited(context)
        self._sent = 0
        self._posted: dict[str, None] = {}  # Message-IDs that the partner took from us, oldest first

    @property
    def semantics(self) -> Semantics:
        if self._as2.receipt == "async":
            return Semantics.INQUIRABLE
        return Semantics.IDEMPOTENT if self._as2.partner_finds_duplicates else Semantics.NEITHER

    async def send(self, outbound: Outbound) -> Delivered:
        """Raises as the port says; `sent` when it may have arrived and no receipt tells."""
        message_id = self._message_id(outbound)
        if self._as2.receipt == "async" and (found := await self._confirmed(message_id)) is not None:
            return found  # its receipt came after we had given up
        packed = await self._packed(outbound)
        if self._as2.receipt == "async":
            await self._expect(message_id, packed.mic)
        headers = self._message_headers(message_id) | dict(packed.headers)
        async with self._asked("POST", self._as2.url, headers, packed.body) as response:
            self._judge(response)
            answer = await self._delivered(response)
            kind = {name.lower(): value for name, value in response.headers.items()}
        match self._as2.receipt:
            case "none":
                return Delivered(answer.response, message_id)
            case "sync":
                return self._judged(kind, answer.response or b"", message_id, packed.mic)
        self._posted[message_id] = None
        if len(self._posted) > _REMEMBERED:
            del self._posted[next(iter(self._posted))]
        return await self._wait(message_id)

    async def inquire(self, outbound: Outbound) -> Delivered | None:
        """Whether the receipt was posted meanwhile; None: it did not come in time, and sending again is safe."""
        message_id = self._message_id(outbound)
        found = await self._outcome(message_id)
        if found is not None:
            return found
        if self._as2.partner_finds_duplicates and message_id not in self._posted:
            return None  # it broke off here or in an engine before this one: the partner tells whether it has it
        known = await self._known(message_id)
        if known is not None and self._context.clock.now() - known.sent.at < self._as2.receipt_within:
            raise StillAwaitedError("the receipt did not come yet", where=self._context.name, sent=True)
        if self._as2.partner_finds_duplicates:
            return None
        raise UnknownOutcomeError(
            "no receipt came in time",
            where=self._context.name,
            remedy="ask the partner whether it has the message: confirm the delivery, or resend it",
        )

    async def check(self) -> Health:
        """Does the far side take connections; are there certificates that are valid."""
        reached = await super().check()
        ours = (self._signer.certificate,) if self._signer else ()
        owners: list[tuple[str, Sequence[x509.Certificate]]] = [("ours", ours), ("the partner", self._theirs)]
        good, words = keyring.expiry(owners, self._context.clock.now())
        return Health(reached.ok and good, f"{reached.text}; {words}" if words else reached.text)

    # -------------------------------------------------------------- the message
    def _message_id(self, outbound: Outbound) -> str:
        """The same for the same delivery and partner."""
        whole = "\n".join((outbound.idempotency_key, self._as2.as2_from, self._as2.as2_to))
        return f"<{hashlib.blake2b(whole.encode(), digest_size=20).hexdigest()}@isthmus>"

    async def _packed(self, outbound: Outbound) -> Packed:
        encoded = await self._encoder.encode(outbound)
        name = file_name(self._as2.file_name, outbound, encoded.names) if self._as2.file_name else None
        recipient = self._recipient() if self._as2.encrypt != "none" else None
        packing = Packing(
            signer=self._signer,
            digest=self._digest(),
            recipient=recipient,
            cipher=self._as2.encrypt,
            oaep=self._as2.key_transport == "oaep",
            compressed=self._as2.compress,
        )
        random = os.urandom(random_bytes_needed(self._as2.encrypt)) if recipient is not None else b""
        now = self._context.clock.now()
        return await asyncio.to_thread(pack, encoded.body, self._as2.content_type, name, packing, now, random)

    def _recipient(self) -> x509.Certificate:
        """The first certificate that is valid now."""
        found = keyring.valid(self._theirs, self._context.clock.now())
        if not found:
            raise DestinationError(
                "no certificate of the partner is valid now",
                where=f"{self._context.name}.partner_certificates",
                remedy="ask the partner for its new certificate, then resend",
            )
        return found[0]

    def _message_headers(self, message_id: str) -> dict[str, str]:
        headers = envelope.written(self._as2.as2_from, self._as2.as2_to, message_id) | {
            "Date": email.utils.format_datetime(self._context.clock.now(), usegmt=True),
            "Subject": "Message",
        }
        if self._as2.receipt == "none":
            return headers
        return headers | envelope.asking(
            self._as2.receipt_address, self._digest(), signed=self._as2.receipt_signed, url=self._as2.receipt_url
        )

    # -------------------------------------------------------------- receipts
    def _judged(self, headers: Mapping[str, str], body: bytes, message_id: str, mic: str) -> Delivered:
        """What a receipt means.

        Raises:
            TransportError: this is no receipt; whether the message arrived is unknown.
            DestinationError: it says no, or is not to be believed.
        """
        where = self._context.name
        try:
            told, signed = mdn.read(headers, body, self._theirs, self._as2.receipt_digests)
        except As2Error as error:
            if error.modifier is Modifier.UNEXPECTED:
                raise TransportError(f"the answer is no receipt: {error.what}", where=where, sent=True) from None
            remedy = "compare the certificate with the partner, ask whether it has the message, then confirm or resend"
            raise DestinationError(
                f"the receipt cannot be believed: {error.what}", where=where, remedy=remedy
            ) from None
        if self._as2.receipt_signed and signed is None and told.disposition.is_good:
            remedy = "ask the partner to sign its receipts, or set receipt_signed: false"
            raise DestinationError("the receipt is not signed", where=where, remedy=remedy)
        if _bare(told.original_message_id) != _bare(message_id):
            raise TransportError("the receipt is for another message", where=where, sent=True)
        if not told.disposition.is_good:
            raise self._refused(told.disposition)
        self._compare(told, mic)
        return Delivered(body, message_id)

    def _compare(self, told: mdn.Receipt, mic: str) -> None:
        """Raises DestinationError: the partner has other content than we sent, or does not say what it has."""
        if told.mic is None:
            # Software in use names none for what was not signed.
            if told.disposition.is_duplicate or self._signer is None:
                return
            what, remedy = "the receipt names no MIC", "ask the partner's operator why"
        elif told.mic[0] == mic:
            return
        elif digest_name(told.mic[1]) != self._digest():
            what, remedy = "the receipt's MIC is of another digest than was asked for", "set sign: to that digest"
        else:
            what, remedy = "the receipt is for other content than was sent", "ask the partner what it received"
        raise DestinationError(what, where=self._context.name, remedy=remedy)

    def _digest(self) -> str:
        """Of our signature and of the MIC."""
        return self._as2.sign if self._as2.sign != "none" else self._as2.receipt_digests[0]

    def _refused(self, disposition: mdn.Disposition) -> DestinationError:
        """A partner's own words may hold anything: only those of the standard are shown."""
        word = disposition.modifier if disposition.modifier in _TOLD else "for a reason of its own"
        return DestinationError(
            f"the partner refused it ({disposition.status}/{disposition.kind or 'failure'}: {word})",
            where=self._context.name,
            remedy="see the receipt at the partner; certificates and agreements must be the same at both ends",
        )

    # -------------------------------------------------------------- receipts that are posted
    async def _expect(self, message_id: str, mic: str) -> None:
        now = self._context.clock.now()
        try:
            await self._awaited.expect(Sent(message_id, mic, now))
            self._sent += 1
            if self._sent % _LOOK_FOR_OLD_EVERY == 1:
                await self._awaited.forget_old(now)
        except StoreError as error:
            words = f"what is sent cannot be noted: {error.what}"
            raise TransportError(words, where=self._context.name) from None

    async def _wait(self, message_id: str) -> Delivered:
        """Raises TransportError when it takes longer than others should wait."""
        waited = timedelta(0)
        while waited < self._as2.receipt_wait:
            found = await self._outcome(message_id)
            if found is not None:
                return found
            await asyncio.sleep(_LOOK_EVERY)
            waited += timedelta(seconds=_LOOK_EVERY)
        raise StillAwaitedError("the receipt did not come yet", where=self._context.name, sent=True)

    async def _confirmed(self, message_id: str) -> Delivered | None:
        """Of an attempt before: a good receipt only, since a bad one is why somebody sends it again."""
        try:
            return await self._outcome(message_id)
        except DestinationError:
            return None
        except StillAwaitedError as error:  # of this attempt nothing has left yet
            raise TransportError(error.what, where=error.where) from None

    async def _outcome(self, message_id: str) -> Delivered | None:
        """Of the receipts that were posted the first that can be believed; None: there is none.

        Raises:
            DestinationError: the partner refused the message.
        """
        known = await self._known(message_id)
        for one in known.posted if known is not None else ():
            if known is not None and self._is_believed(one):
                try:
                    return self._judged(one.headers, one.body, message_id, known.sent.mic)
                except TransportError:
                    continue
        return None

    async def _known(self, message_id: str) -> Known | None:
        """Raises StillAwaitedError: the store cannot be read now; what it knows is asked for again."""
        try:
            return await self._awaited.known(message_id)
        except StoreError as error:
            words = f"whether the receipt came cannot be read: {error.what}"
            raise StillAwaitedError(words, where=self._context.name, sent=True) from None

    def _is_believed(self, posted: Posted) -> bool:
        """Anybody may post: without the partner's signature nothing counts, where one was asked for."""
        try:
            read = mdn.read(posted.headers, posted.body, self._theirs, self._as2.receipt_digests)
        except As2Error:
            return False
        return read.signed is not None or not self._as2.receipt_signed


def _signer(settings: As2DestinationSettings, context: ConnectorContext) -> Identity | None:
    if settings.sign == "none" or settings.certificate is None or settings.key is None:
        return None
    return keyring.load_identity(keyring.PairOf(settings.certificate, settings.key, settings.key_password), context)


def _http(settings: As2DestinationSettings) -> HttpDestinationSettings:
    return HttpDestinationSettings(
        url=settings.url,
        headers=settings.headers,
        basic=settings.basic,
        connect_timeout=settings.connect_timeout,
        timeout=settings.timeout,
        parallel=settings.parallel,
        max_response=settings.max_response,
        allow_private=settings.allow_private,
        tls=settings.tls,
    )


def _bare(message_id: str) -> str:
    return message_id.strip().strip("<>")
