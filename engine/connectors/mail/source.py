"""Source `imap`: each mail of a folder is read, accepted, and only then moved.

A crash in between leaves the mail where it is; its messages have the same natural ids when it is read again.
Mails come in the order of the folder; one that the server fails to give comes after all others.
"""

from __future__ import annotations

import asyncio
from collections import Counter

from engine.connectors.fhir.oauth import TokenGiver
from engine.connectors.fhir.settings import FhirDestinationSettings
from engine.connectors.intake import accept_all, bad, wait_for_journal
from engine.connectors.mail.intake import MailMessages
from engine.connectors.mail.mailbox import Mailbox
from engine.connectors.mail.settings import ImapSourceSettings, MailServer
from engine.connectors.tls import ClientContext
from engine.core.errors import StoreError, TransportError
from engine.ports.connector import Accept, ConnectorContext, Health, Received

_HEAD = 64 * 1024  # bytes kept of a mail that is too large to be read
_LONGEST_PAUSE = 300.0  # seconds between tries while server or store refuse


class ImapSource:
    """Serves one folder of one mailbox; the flow runs one of these per folder at a time."""

    def __init__(self, settings: ImapSourceSettings, context: ConnectorContext) -> None:
        self._settings, self._context = settings, context
        self._tls = ClientContext(settings.tls, context.root, context.secrets)
        self._proof = Proof(settings, context)
        self._mailbox = Mailbox(settings, self._tls, context.name)
        self._messages = MailMessages(settings, context)
        self._running = False
        self._broke_off: Counter[int] = Counter()  # mails at which a look ended, by UID
        self.problem: str | None = None  # the last failure of server or store, for check()

    async def run(self, accept: Accept) -> None:
        """Look at the folder until cancelled."""
        failures, self._running = 0, True
        pause = self._settings.poll.total_seconds()
        try:
            while True:
                failures = 0 if await self.look(accept) else failures + 1
                if failures == 1:  # told once, not at every look
                    facts: dict[str, object] = {"error": "imap", "text": self.problem}
                    self._context.emit("source_failed", self._context.channel, facts)
                await self._pause(pause, failures)
        finally:
            self._running = False
            await self._mailbox.close()
            await self._proof.close()

    async def look(self, accept: Accept) -> bool:
        """Take in what is in the folder. False: server or store refused; try later."""
        self.problem = None
        try:
            await self._mailbox.open(*await self._proof.given())
            uids = await self._mailbox.uids()
            sizes = await self._mailbox.sizes(uids) if uids else {}
            for uid in self._in_order(uids):
                if uid in sizes:
                    await wait_for_journal(accept)
                    await self._noted(uid, sizes[uid], accept)
        except StoreError as error:
            self.problem = f"the store refuses: {error.code}"
        except TransportError as error:
            self.problem = f"{error.code}: {error.what}"
        return self.problem is None

    async def check(self) -> Health:
        """Is the server there, does it let us in, and is the folder there."""
        if self._running:
            return Health(self.problem is None, self.problem or "the folder is there and can be read")
        mailbox = Mailbox(self._settings, self._tls, self._context.name)
        try:
            await mailbox.open(*await self._proof.given())
        except TransportError as error:
            return Health(False, error.what)
        finally:
            await mailbox.close()
            await self._proof.close()
        return Health(True, "the folder is there and can be read")

    async def _pause(self, pause: float, failures: int) -> None:
        if failures:
            await asyncio.sleep(min(pause * 2 ** min(failures - 1, 10), max(pause, _LONGEST_PAUSE)))
            return
        try:
            await self._mailbox.wait(pause)
        except TransportError:
            pass  # the next look connects anew, and tells when it cannot

    def _in_order(self, uids: list[int]) -> list[int]:
        """A mail that the server itself cannot give stands behind the others, whom it would keep out for ever."""
        self._broke_off = Counter({uid: count for uid, count in self._broke_off.items() if uid in uids})
        return sorted(uids, key=lambda uid: (self._broke_off[uid], uid))

    async def _noted(self, uid: int, size: int, accept: Accept) -> None:
        try:
            await self._take(uid, size, accept)
        except TransportError:
            self._broke_off[uid] += 1
            raise

    async def _take(self, uid: int, size: int, accept: Accept) -> None:
        messages = await self._read(uid, size)
        if messages is None:
            return
        receipts = await accept_all(messages, accept)
        if bad(receipts):
            await self._mailbox.move(uid, self._settings.error)
        elif self._settings.after == "delete":
            await self._mailbox.delete(uid)
        else:
            await self._mailbox.move(uid, self._settings.done)

    async def _read(self, uid: int, size: int) -> list[Received] | None:
        """None: somebody took the mail away."""
        if size > self._settings.max_size:
            head = await self._mailbox.head(uid, _HEAD)
            return [self._messages.too_large(head)] if head is not None else None
        raw = await self._mailbox.mail(uid)
        return await asyncio.to_thread(self._messages.of, raw) if raw is not None else None


class Proof:
    """Password or token of a mail server, looked up when it is asked for."""

    def __init__(self, settings: MailServer, context: ConnectorContext) -> None:
        self._password = context.secrets.resolve(settings.password).strip() if settings.password else None
        self._tokens: TokenGiver | None = None
        if settings.oauth2 is not None:
            like = FhirDestinationSettings(
                url=settings.oauth2.token_url, connect_timeout=settings.connect_timeout, timeout=settings.timeout
            )
            self._tokens = TokenGiver(settings.oauth2, like, context)

    async def given(self) -> tuple[str | None, str | None]:
        """Password, token: one of them."""
        return self._password, await self._tokens.token() if self._tokens is not None else None

    async def token(self) -> str:
        """Only with oauth2."""
        return await self._tokens.token() if self._tokens is not None else ""

    async def close(self) -> None:
        if self._tokens is not None:
            await self._tokens.close()
