"""A look into a mailbox when the server itself fails at one mail: the others come in."""

from __future__ import annotations

from pathlib import Path

from engine.connectors.mail.settings import ImapSourceSettings
from engine.connectors.mail.source import ImapSource
from engine.core.errors import TransportError
from tests.support.connector_doubles import Door, Secrets, context
from tests.support.mails import invoice_mail


class Mailbox:
    """Holds mails by UID; `broken` ones end the connection when they are asked for."""

    def __init__(self, mails: dict[int, bytes], broken: set[int]) -> None:
        self.mails, self.broken, self.moved = mails, broken, list[tuple[int, str]]()

    async def open(self, *proof: object) -> None:
        return

    async def uids(self) -> list[int]:
        return sorted(self.mails)

    async def sizes(self, uids: list[int]) -> dict[int, int]:
        return {uid: len(self.mails[uid]) for uid in uids}

    async def mail(self, uid: int) -> bytes | None:
        if uid in self.broken:
            raise TransportError("the mail server: IMAPClientError")
        return self.mails[uid]

    async def move(self, uid: int, folder: str) -> None:
        del self.mails[uid]
        self.moved.append((uid, folder))


async def test_a_mail_that_the_server_cannot_give_does_not_keep_the_others_out(tmp_path: Path) -> None:
    settings = ImapSourceSettings.model_validate(
        {"address": "mail.harbor.example:993", "user": "ap", "password": "env:P", "attachments": ["*.xml"]}
    )
    source, door = ImapSource(settings, context(tmp_path, secrets=Secrets({"env:P": "p"}))), Door()
    mails = {uid: invoice_mail(f"inv-{uid}").as_bytes() for uid in (1, 2, 3, 4)}
    mailbox = Mailbox(mails, {1, 3})
    source._mailbox = mailbox  # type: ignore[assignment]
    looks = [await source.look(door) for _ in range(4)]
    mailbox.broken.clear()
    looks.append(await source.look(door))

    assert looks == [False, False, False, False, True]
    assert [uid for uid, _ in mailbox.moved] == [2, 4, 1, 3]
    assert source.problem is None
    assert not mailbox.mails
