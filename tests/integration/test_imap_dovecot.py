"""The `imap` source against a real Dovecot: the connector contract, and what only a mailbox can do."""

from __future__ import annotations

import asyncio
import itertools
from email.message import EmailMessage
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from engine.connectors.mail.settings import ImapSourceSettings
from engine.connectors.mail.source import ImapSource
from engine.core.errors import StoreError
from engine.ports.connector import ConnectorContext
from tests.support.connector_contract import LIMIT, Answer, SourceHarness, source_contract
from tests.support.connector_doubles import Door, Secrets, context
from tests.support.dovecot import ABSENT, INSTALLED, PASSWORD, Dovecot
from tests.support.mails import PDF, UBL, invoice_mail

pytestmark = [pytest.mark.integration, pytest.mark.skipif(not INSTALLED, reason=ABSENT)]
_USERS = itertools.count(1)


SECRETS = {"env:PASSWORD": PASSWORD, "env:WRONG": "not it"}


@cache
def server() -> Dovecot:
    return Dovecot()


def settings(user: str, **more: Any) -> dict[str, Any]:
    return {
        "address": f"localhost:{server().port}",
        "user": user,
        "password": "env:PASSWORD",
        "tls": {"ca": str(server().ca)},
        "attachments": ["*.xml", "*.txt"],
        "poll": "50ms",
    } | more


class Sender:
    """Puts a mail into the mailbox and watches in which folder it ends."""

    def __init__(self, harness: ImapHarness) -> None:
        self.harness = harness

    async def send(self, body: bytes) -> Answer:
        before, asked = await self._ended(), self.harness.door.asked
        await asyncio.to_thread(server().deliver, self.harness.user, body)
        while (now := await self._ended()) == before:
            await asyncio.sleep(0.01)
            if self.harness.door.failure is not None and self.harness.door.asked > asked:
                return Answer.SILENT
        return Answer.ACCEPTED if now[0] > before[0] else Answer.REFUSED

    async def _ended(self) -> tuple[int, int]:
        return await asyncio.to_thread(self._counts)

    def _counts(self) -> tuple[int, int]:
        done, refused = (max(0, server().count(self.harness.user, folder)) for folder in ("Done", "Refused"))
        return done, refused

    async def close(self) -> None:
        """A sender holds nothing."""


class ImapHarness(SourceHarness):
    type = "imap"
    exempt = {"tls_certificate": "the server is the other side"}  # noqa: RUF012 - a ClassVar in the base

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.user = f"user{next(_USERS)}"

    def settings(self) -> dict[str, Any]:
        return settings(self.user, max_size=f"{LIMIT}B")

    def context(self) -> ConnectorContext:
        return context(self.folder, secrets=Secrets(SECRETS))

    async def connect(self) -> Sender:
        return Sender(self)

    def message(self, key: str, text: str = "text", size: int = 0) -> bytes:
        mail = EmailMessage()
        mail["From"], mail["Message-ID"] = "billing@alderbrook.example", f"<{key}@alderbrook.example>"
        mail.set_content("see attached")
        mail.add_attachment(text.ljust(size, ".").encode(), maintype="text", subtype="plain", filename="a.txt")
        return mail.as_bytes()

    async def break_protocol(self) -> None:
        """A mail that hides what it holds."""
        hidden = b"From: a@b.example\r\nContent-Type: application/pkcs7-mime\r\n\r\nMIAGCS\r\n"
        await asyncio.to_thread(server().deliver, self.user, hidden)
        while await asyncio.to_thread(server().count, self.user, "Refused") < 1:
            await asyncio.sleep(0.01)


TestImapSourceContract = source_contract(ImapHarness)


# ------------------------------------------------------------------ one look at a mailbox
class Box:
    def __init__(self, site: Path, **more: Any) -> None:
        self.user, self.door = f"user{next(_USERS)}", Door()
        self.source = ImapSource(
            ImapSourceSettings.model_validate(settings(self.user, **more)),
            context(site, secrets=Secrets(SECRETS)),
        )

    def put(self, *mails: EmailMessage | bytes) -> None:
        server().deliver(self.user, *mails)

    def counts(self) -> tuple[int, int, int]:
        """Waiting, done, refused."""
        inbox, done, refused = (server().count(self.user, name) for name in ("INBOX", "Done", "Refused"))
        return inbox, done, refused


async def test_an_invoice_comes_in_with_its_pdf_beside_it(tmp_path: Path) -> None:
    box = Box(tmp_path)
    box.put(invoice_mail())

    assert await box.source.look(box.door)

    (message,) = box.door.accepted
    assert message.body == UBL
    assert message.natural_id == "<inv-88021@alderbrook.example>/1.2#1"
    assert message.attributes == {
        "file": "INV-88021.xml",
        "mail_from": "billing@alderbrook.example",
        "mail_id": "<inv-88021@alderbrook.example>",
    }
    assert [(one.name, one.media_type, one.body) for one in message.attachments] == [
        ("INV-88021.pdf", "application/pdf", PDF)
    ]
    assert box.counts() == (0, 1, 0)


async def test_a_mail_as_one_message_lists_its_files_by_digest(tmp_path: Path) -> None:
    box = Box(tmp_path, body="mail", attachments=[])
    box.put(invoice_mail())

    await box.source.look(box.door)

    (message,) = box.door.accepted
    assert b'"from":"billing@alderbrook.example"' in message.body
    assert [one.name for one in message.attachments] == ["INV-88021.xml", "INV-88021.pdf"]


async def test_strangers_and_mails_without_a_file_are_refused_and_kept(tmp_path: Path) -> None:
    box = Box(tmp_path, senders=["*@alderbrook.example"])
    bare = EmailMessage()
    bare["From"] = "billing@alderbrook.example"
    bare.set_content("hello")
    box.put(invoice_mail("a", sender="x@elsewhere.example"), bare, invoice_mail("b"))

    await box.source.look(box.door)

    assert [one.refusal.code if one.refusal else None for one in box.door.stored] == ["M006", "M005", None]
    assert box.counts() == (0, 1, 2)


async def test_a_store_that_fails_leaves_the_mail_where_it_is(tmp_path: Path) -> None:
    box = Box(tmp_path)
    box.put(invoice_mail())
    box.door.failure = StoreError("the disk is gone")

    assert not await box.source.look(box.door)

    assert box.source.problem == "the store refuses: J001"
    assert box.counts() == (1, 0, 0)


async def test_a_mail_read_again_after_a_crash_is_a_duplicate(tmp_path: Path) -> None:
    box = Box(tmp_path)
    box.put(invoice_mail())
    await box.source.look(box.door)
    box.put(invoice_mail())  # as if it had not been moved

    await box.source.look(box.door)

    assert len(box.door.stored) == 1
    assert box.counts() == (0, 2, 0)


async def test_the_same_invoice_mailed_twice_is_one_by_content(tmp_path: Path) -> None:
    box = Box(tmp_path, deduplicate="content")
    box.put(invoice_mail("first"), invoice_mail("second"))

    await box.source.look(box.door)

    assert len(box.door.stored) == 1


async def test_mails_can_be_deleted_when_they_are_safe(tmp_path: Path) -> None:
    box = Box(tmp_path, after="delete")
    box.put(invoice_mail())

    await box.source.look(box.door)

    assert box.counts() == (0, 0, 0)


async def test_starttls_comes_before_the_password(tmp_path: Path) -> None:
    box = Box(tmp_path, security="starttls", address=f"localhost:{server().starttls_port}")
    box.put(invoice_mail())

    assert await box.source.look(box.door)
    assert len(box.door.accepted) == 1


async def test_a_new_mail_is_told_by_the_server_not_found_by_the_next_poll(tmp_path: Path) -> None:
    box = Box(tmp_path, poll="5m")
    task = asyncio.ensure_future(box.source.run(box.door))
    try:
        async with asyncio.timeout(30):
            while not box.source._mailbox._client:
                await asyncio.sleep(0.01)
            for number in range(1, 6):  # also just when the source turns from looking to listening
                await asyncio.to_thread(box.put, invoice_mail(f"told-{number}"))
                while len(box.door.accepted) < number:
                    await asyncio.sleep(0.01)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"password": "env:WRONG"}, "does not let us in"),
        ({"tls": {}}, "certificate verify failed"),
        ({"folder": "Nowhere"}, "mail server"),
        ({"address": "localhost:1"}, "Connection refused"),
    ],
)
async def test_what_is_wrong_is_said(tmp_path: Path, wrong: dict[str, Any], words: str) -> None:
    box = Box(tmp_path, **wrong)

    health = await box.source.check()

    assert not health.ok
    assert words in health.text
    assert PASSWORD not in health.text


async def test_a_server_that_says_nothing_is_given_up(tmp_path: Path) -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    listener = await asyncio.start_server(silent, "127.0.0.1", 0)
    address = f"localhost:{listener.sockets[0].getsockname()[1]}"
    box = Box(tmp_path, address=address, connect_timeout="200ms", timeout="200ms")

    health = await asyncio.wait_for(box.source.check(), 30)

    listener.close()
    assert not health.ok
