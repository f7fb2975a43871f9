"""`unwrap:` and `wrap:` at doors that are no folders (mail, AS2), and written formats of mails."""

from __future__ import annotations

import gzip
import io
import zipfile
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from engine.connectors.as2.intake import Intake
from engine.connectors.as2.settings import As2DestinationSettings, As2Partner, As2SourceSettings
from engine.connectors.mail.intake import MailMessages
from engine.connectors.mail.outgoing import mail_of
from engine.connectors.mail.settings import ImapSourceSettings, SmtpDestinationSettings
from engine.connectors.wrapping import file_encoder
from engine.ports.connector import Outbound, Received
from engine.protocols.as2.envelope import Envelope
from engine.protocols.as2.message import Opened
from tests.support.connector_doubles import Door, context
from tests.support.layouts import layout

ORDERS = [b'{"order": 1}', b'{"order": 2}']
BOX = {"address": "localhost:993", "user": "ap", "password": "env:X"}
RELAY = BOX | {"sender": "ap@harbor.example", "to": ["x@alderbrook.example"]}


def zipped(*contents: bytes) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for number, content in enumerate(contents, 1):
            archive.writestr(f"{number}.json", content)
    return made.getvalue()


def mail_with(name: str, content: bytes) -> bytes:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Message-ID"] = "a@alderbrook.example", "b@harbor.example", "<1@alderbrook.example>"
    mail.set_content("Attached.")
    mail.add_attachment(content, maintype="application", subtype="zip", filename=name)
    return mail.as_bytes()


def messages_of(content: bytes, **more: Any) -> list[Received]:
    settings = ImapSourceSettings.model_validate(BOX | {"attachments": ["*.zip"], "unwrap": ["zip"]} | more)
    return MailMessages(settings, context(Path("."))).of(mail_with("orders.zip", content))


# ------------------------------------------------------------------ mail
def test_each_file_of_an_attached_archive_is_a_message_with_an_id_of_its_own() -> None:
    found = messages_of(zipped(*ORDERS))

    assert [one.body for one in found] == ORDERS
    assert len({one.natural_id for one in found}) == len(ORDERS)
    assert [one.attributes["member"] for one in found] == ["1.json", "2.json"]
    assert found == messages_of(zipped(*ORDERS)), "met again after a crash it is the same"


def test_an_attachment_that_cannot_be_unpacked_is_refused_with_its_reason() -> None:
    (refused,) = messages_of(b"not a ZIP file")

    assert refused.refusal is not None
    assert refused.body == b"not a ZIP file"


def test_an_archive_that_unpacks_to_too_much_is_refused() -> None:
    (refused,) = messages_of(zipped(b"0" * 100_000), unpacked_limit="10kB")

    assert refused.refusal is not None
    assert "10,000" in refused.refusal.text


def test_a_whole_mail_cannot_be_unwrapped() -> None:
    with pytest.raises(ValidationError, match="body: attachment"):
        ImapSourceSettings.model_validate(BOX | {"body": "mail", "unwrap": ["zip"]})


async def test_a_mail_carries_rows_of_a_layout_zipped() -> None:
    sheet = layout(columns=[{"name": "order"}]).table()
    wanted = {"format": "delimited", "wrap": ["zip"], "member_name": "orders.csv", "file_name": "{key}.zip"}
    settings = SmtpDestinationSettings.model_validate(RELAY | wanted)
    outbound = Outbound(1, 1, "mails", "c", "k", b'[{"order": "1"}, {"order": "2"}]')
    encoded = await file_encoder(settings, context(Path("."), layout=sheet)).encode(outbound)
    mail = mail_of(settings, outbound, encoded, [], ["x@alderbrook.example"], datetime(2026, 3, 1, tzinfo=UTC))

    (attached,) = mail.iter_attachments()
    with zipfile.ZipFile(io.BytesIO(attached.get_payload(decode=True))) as archive:  # type: ignore[arg-type]
        assert archive.read("orders.csv").split() == [b"order", b"1", b"2"]


# ------------------------------------------------------------------ AS2
async def test_each_file_of_an_archive_in_an_as2_message_is_taken_in() -> None:
    door = Door()
    settings = As2SourceSettings.model_validate(
        {
            "listen": "127.0.0.1:4080",
            "certificate": "ours.pem",
            "key": "file:ours.key",
            "as2_id": "OURS",
            "partners": [{"as2_id": "THEIRS", "certificates": ["theirs.pem"]}],
            "unwrap": ["zip", "gzip"],
        }
    )
    partner = As2Partner(as2_id="THEIRS", certificates=("theirs.pem",))
    payload = zipped(*map(gzip.compress, ORDERS))
    opened = Opened(payload, "application/zip", "orders.zip", "sha-256", None, False, payload)
    told = await Intake(context(Path(".")), settings).take(
        opened, Envelope("THEIRS", "OURS", "<1@theirs>", None), partner, {}, door
    )

    assert told.disposition.is_good
    assert [one.body for one in door.stored] == ORDERS


def test_a_posted_receipt_and_bytes_that_change_exclude_each_other() -> None:
    whole = {
        "url": "https://edi.alderbrook.example/as2",
        "as2_from": "OURS",
        "as2_to": "THEIRS",
        "certificate": "ours.pem",
        "key": "file:ours.key",
        "partner_certificates": ["theirs.pem"],
        "receipt": "async",
        "receipt_url": "https://edi.harbor.example/as2",
        "wrap": ["pgp"],
        "pgp": {"recipients": ["alderbrook.asc"]},
    }
    with pytest.raises(ValidationError, match="receipt: sync"):
        As2DestinationSettings.model_validate(whole)
