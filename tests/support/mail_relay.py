"""A relay for mail (aiosmtpd) on loopback, behind TLS."""

from __future__ import annotations

import asyncio
import ssl
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from tests.support.certificates import Authority

PASSWORD = "open-sesame-4711"


class Relay:
    """aiosmtpd behind TLS. `answer` to the mail; None: it says nothing."""

    def __init__(self, folder: Path, port: int = 0, *, starttls: bool = False) -> None:
        self.mails: list[bytes] = []
        self.recipients: list[list[str]] = []
        self.answer: str | None = "250 queued"
        self.rcpt_answer = "250 fine"
        self.starttls, self.port = starttls, port
        authority = Authority()
        authority.write(folder / "ca.pem")
        authority.issue(folder / "relay.pem", folder / "relay.key")
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._tls.load_cert_chain(folder / "relay.pem", folder / "relay.key")
        self._server: asyncio.Server | None = None
        self._hang = asyncio.Event()

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        if self.answer is None:
            await self._hang.wait()
        elif self.answer.startswith("250"):
            self.mails.append(bytes(envelope.content or b""))
            self.recipients.append(list(envelope.rcpt_tos))
        return self.answer or "421 gone"

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.rcpt_answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return self.rcpt_answer

    def _check(self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
        good = isinstance(data, LoginPassword) and data.password == PASSWORD.encode()
        return AuthResult(success=good, handled=good)

    async def start(self) -> None:
        def connection() -> SMTP:
            kinds: dict[str, Any] = {"tls_context": self._tls, "require_starttls": True} if self.starttls else {}
            return SMTP(self, authenticator=self._check, auth_required=True, auth_require_tls=self.starttls, **kinds)

        tls = None if self.starttls else self._tls
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(connection, "127.0.0.1", self.port, ssl=tls)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        self._hang.set()
        if self._server is not None:
            self._server.close()
            self._server = None
            await asyncio.sleep(0.02)  # what was under way ends

    def last(self) -> EmailMessage:
        return message_from_bytes(self.mails[-1], EmailMessage, policy=policy.default)
