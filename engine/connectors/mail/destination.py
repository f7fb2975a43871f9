"""Destination `smtp`: one mail for each delivery, handed to a relay.

A relay gives no word on what it took before, so an outcome that is not known waits for a person. The Message-ID
is the same at every attempt: mailboxes that compare it show a repeat once. Source: RFC 5321.
"""

from __future__ import annotations

from email.message import EmailMessage
from typing import cast

import aiosmtplib
from aiosmtplib import errors

from engine.connectors.fields import split_address
from engine.connectors.mail.outgoing import mail_of, message_id_of, recipients
from engine.connectors.mail.settings import SmtpDestinationSettings
from engine.connectors.mail.source import Proof
from engine.connectors.tls import ClientContext, check_pinned
from engine.connectors.wrapping import file_encoder
from engine.core.errors import DestinationError, TransportError
from engine.ports.connector import Attachment, ConnectorContext, Delivered, Health, Outbound, Semantics
from engine.ports.journal import ATTACHMENTS, ReadAttachments

_PERMANENT = 500  # from this code on, trying again changes nothing


class SmtpDestination:
    """A connection a mail: relays end idle ones, and mails are rare."""

    def __init__(self, settings: SmtpDestinationSettings, context: ConnectorContext) -> None:
        self._settings, self._context = settings, context
        self._tls = ClientContext(settings.tls, context.root, context.secrets)
        self._proof = Proof(settings, context)
        self._encoder = file_encoder(settings, context)
        self._files = cast("ReadAttachments | None", context.services.get(ATTACHMENTS))

    @property
    def semantics(self) -> Semantics:
        return Semantics.NEITHER

    @property
    def parallel(self) -> int:
        return 4

    async def send(self, outbound: Outbound) -> Delivered:
        """Raises as the port says. Codes of the relay are told, its words are not: they may repeat ours."""
        to = recipients(self._settings, outbound)
        encoded = await self._encoder.encode(outbound)
        files = await self._kept_with(outbound)
        mail = mail_of(self._settings, outbound, encoded, files, to, self._context.clock.now())
        client = await self._connected()
        try:
            await self._hand_over(client, mail, to)
        finally:
            client.close()
        return Delivered(reference=message_id_of(self._settings, outbound))

    async def inquire(self, outbound: Outbound) -> Delivered | None:
        """Never asked: a relay cannot be."""
        return None

    async def check(self) -> Health:
        try:
            client = await self._connected()
        except (TransportError, DestinationError) as error:
            return Health(False, error.what)
        client.close()
        return Health(True, "the relay lets us in")

    async def close(self) -> None:
        await self._proof.close()

    # -------------------------------------------------------------- the relay
    async def _connected(self) -> aiosmtplib.SMTP:
        settings = self._settings
        host, port = split_address(settings.address)
        password, token = await self._proof.given()
        client = aiosmtplib.SMTP(
            hostname=host,
            port=port,
            timeout=settings.connect_timeout.total_seconds(),
            use_tls=settings.security == "tls",
            start_tls=settings.security == "starttls",
            tls_context=self._tls.current(),
        )
        try:
            await client.connect()
            self._look_at_certificate(client)
            if token is not None:
                await client.auth_xoauth2(settings.user, token, timeout=settings.timeout.total_seconds())
            else:
                await client.login(settings.user, password or "", timeout=settings.timeout.total_seconds())
        except errors.SMTPAuthenticationError as error:
            client.close()
            remedy = "check user and password; some relays ask for oauth2"
            raise self._lost(f"the relay does not let us in ({error.code})", remedy) from None
        except (errors.SMTPException, OSError, ValueError) as error:
            client.close()
            raise self._lost(f"the relay cannot be reached: {_short(error)}") from None
        except BaseException:
            client.close()
            raise
        return client

    def _look_at_certificate(self, client: aiosmtplib.SMTP) -> None:
        socket = client.get_transport_info("ssl_object")
        if not check_pinned(self._settings.tls, socket.getpeercert(binary_form=True) if socket else None):
            raise ValueError("the certificate is not the pinned one")

    async def _hand_over(self, client: aiosmtplib.SMTP, mail: EmailMessage, to: list[str]) -> None:
        limit = self._settings.timeout.total_seconds()
        try:
            await client.mail(self._settings.sender, timeout=limit)
            for address in to:
                await client.rcpt(address, timeout=limit)
        except errors.SMTPResponseException as error:
            raise self._answered(error) from None
        except (errors.SMTPException, OSError) as error:
            raise self._lost(f"the connection was lost: {_short(error)}") from None
        try:
            await client.data(mail.as_bytes(), timeout=limit)
        except errors.SMTPDataError as error:
            raise self._answered(error) from None
        except (errors.SMTPException, OSError) as error:
            raise self._lost(f"no answer to the mail: {_short(error)}", sent=True) from None

    def _answered(self, error: errors.SMTPResponseException) -> DestinationError | TransportError:
        if error.code >= _PERMANENT:
            remedy = "look up the code with the relay's operator, correct, and resend"
            return DestinationError(
                f"the relay refused the mail ({error.code})", where=self._context.name, remedy=remedy
            )
        return self._lost(f"the relay asks to try later ({error.code})")

    def _lost(self, what: str, remedy: str | None = None, *, sent: bool = False) -> TransportError:
        return TransportError(what, where=self._context.name, remedy=remedy, sent=sent)

    async def _kept_with(self, outbound: Outbound) -> list[Attachment]:
        if not self._settings.with_attachments or self._files is None:
            return []
        return [one for one in await self._files(outbound.message_id) if not one.is_of_an_answer]


def _short(error: BaseException) -> str:
    return getattr(error, "strerror", None) or type(error).__name__
