"""The `smtp` destination: the connector contract against aiosmtpd's server, and what a mail must not carry."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from engine.connectors.mail.destination import SmtpDestination
from engine.connectors.mail.settings import SmtpDestinationSettings
from engine.core.errors import DestinationError, TransportError
from engine.ports.connector import Attachment, ConnectorContext, Delivered, Outbound
from tests.support.connector_contract import DestinationHarness, destination_contract
from tests.support.connector_doubles import Secrets, context
from tests.support.mail_relay import PASSWORD, Relay

pytestmark = pytest.mark.filterwarnings("ignore:Requiring AUTH")  # TLS is there from the first byte
SECRETS = {"env:PASSWORD": PASSWORD, "env:WRONG": "not it"}


def settings(port: int, **more: Any) -> dict[str, Any]:
    usual = {
        "address": f"localhost:{port}",
        "user": "ap@harbor.example",
        "password": "env:PASSWORD",
        "tls": {"ca": "ca.pem"},
        "sender": "ap@harbor.example",
        "to": ["orders@alderbrook.example"],
        "timeout": "5s",
    }
    return {name: value for name, value in (usual | more).items() if value is not None}


class SmtpHarness(DestinationHarness):
    type = "smtp"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.relay = Relay(folder, self.port)

    def settings(self) -> dict[str, Any]:
        return settings(self.port)

    def context(self) -> ConnectorContext:
        return context(self.folder, secrets=Secrets(SECRETS))

    async def start(self) -> None:
        await self.relay.start()

    async def stop(self) -> None:
        await self.relay.stop()

    def refuse(self) -> None:
        self.relay.answer = "554 no"

    def hang(self) -> None:
        self.relay.answer = None

    def effects(self) -> list[bytes]:
        return self.relay.mails


TestSmtpDestinationContract = destination_contract(SmtpHarness)


# ------------------------------------------------------------------ one mail
DOCUMENT = b'{"supplier":{"email":"billing@alderbrook.example"},"total":"1.00"}'


def outbound(**more: Any) -> Outbound:
    facts: dict[str, Any] = {"natural_key": "PAY-7", "kind": "Remittance", "body": DOCUMENT}
    return Outbound(1, 1, "remittances", "correlation-1", "key-1", **(facts | more))


async def sent(folder: Path, relay: Relay, delivery: Outbound | None = None, **more: Any) -> Delivered:
    services = more.pop("services", {})
    await relay.start()
    surroundings = context(folder, secrets=Secrets(SECRETS), services=services)
    destination = SmtpDestination(SmtpDestinationSettings.model_validate(settings(relay.port, **more)), surroundings)
    try:
        return await destination.send(delivery or outbound())
    finally:
        await destination.close()
        await relay.stop()


async def test_a_mail_says_what_it_is_and_carries_the_document(tmp_path: Path) -> None:
    relay = Relay(tmp_path)

    told = await sent(tmp_path, relay, text="Payment follows.", subject="Remittance {natural_key}")

    mail = relay.last()
    assert (mail["From"], mail["To"], mail["Subject"]) == (
        "ap@harbor.example",
        "orders@alderbrook.example",
        "Remittance PAY-7",
    )
    assert mail["Message-ID"] == told.reference
    assert mail["Auto-Submitted"] == "auto-generated"
    (attached,) = mail.iter_attachments()
    assert attached.get_filename() == f"PAY-7_{str(told.reference)[1:].partition('@')[0]}.json"
    assert attached.get_content() == DOCUMENT


async def test_the_message_id_is_the_same_at_every_attempt(tmp_path: Path) -> None:
    references = {(await sent(tmp_path, Relay(tmp_path), outbound(attempt=n))).reference for n in (1, 2)}

    assert len(references) == 1


async def test_files_kept_with_the_message_go_along(tmp_path: Path) -> None:
    async def kept(message_id: int) -> list[Attachment]:
        return [Attachment("scan.pdf", "application/pdf", b"%PDF")]

    relay = Relay(tmp_path)
    await sent(tmp_path, relay, services={"attachments": kept}, with_attachments=True)

    assert [one.get_filename() for one in relay.last().iter_attachments()][1:] == ["scan.pdf"]


async def test_the_document_may_name_the_address_within_its_domains(tmp_path: Path) -> None:
    relay = Relay(tmp_path)

    await sent(tmp_path, relay, to=None, to_field="supplier.email", domains=["alderbrook.example"])

    assert relay.recipients == [["billing@alderbrook.example"]]


@pytest.mark.parametrize(
    "address",
    [
        "a@elsewhere.example",
        "a@alderbrook.example.evil.example",
        "a@alderbrook.example, b@evil.example",
        "a@alderbrook.example\\r\\nBcc: b@evil.example",
        "<a@alderbrook.example>",
        "",
    ],
)
async def test_an_address_that_was_smuggled_in_gets_nothing(tmp_path: Path, address: str) -> None:
    relay, body = Relay(tmp_path), DOCUMENT.replace(b"billing@alderbrook.example", address.encode())

    with pytest.raises(DestinationError) as caught:
        await sent(tmp_path, relay, outbound(body=body), to=None, to_field="supplier.email",
                   domains=["alderbrook.example"])  # fmt: skip

    assert relay.mails == []
    assert caught.value.where == "supplier.email"
    assert not address or address not in str(caught.value)


async def test_a_document_cannot_write_headers(tmp_path: Path) -> None:
    relay = Relay(tmp_path)

    await sent(tmp_path, relay, outbound(natural_key="X\r\nBcc: b@evil.example"))

    assert relay.last()["Bcc"] is None
    assert relay.last()["Subject"] == "Remittance X Bcc: b@evil.example"


@pytest.mark.parametrize(("code", "kind"), [("451 xyzzy", TransportError), ("550 xyzzy", DestinationError)])
@pytest.mark.parametrize("at", ["answer", "rcpt_answer"])
async def test_later_is_retried_and_never_is_held(tmp_path: Path, code: str, kind: type[Exception], at: str) -> None:
    relay = Relay(tmp_path)
    setattr(relay, at, code)

    with pytest.raises(kind, match=code[:3]) as caught:
        await sent(tmp_path, relay)

    assert "xyzzy" not in str(caught.value)
    assert getattr(caught.value, "sent", False) is False


async def test_no_answer_to_the_mail_is_an_unknown_outcome(tmp_path: Path) -> None:
    relay = Relay(tmp_path)
    relay.answer = None

    with pytest.raises(TransportError) as caught:
        await sent(tmp_path, relay, timeout="200ms")

    assert caught.value.sent


async def test_starttls_comes_before_the_password(tmp_path: Path) -> None:
    relay = Relay(tmp_path, starttls=True)

    await sent(tmp_path, relay, security="starttls")

    assert len(relay.mails) == 1


async def test_a_relay_without_starttls_gets_no_password(tmp_path: Path) -> None:
    relay = Relay(tmp_path, starttls=True)
    relay._tls = None  # type: ignore[assignment]

    with pytest.raises(TransportError, match="cannot be reached"):
        await sent(tmp_path, relay, security="starttls")


async def test_a_wrong_password_is_said_without_it(tmp_path: Path) -> None:
    with pytest.raises(TransportError, match=r"does not let us in \(535\)") as caught:
        await sent(tmp_path, Relay(tmp_path), password="env:WRONG")

    assert not caught.value.sent
    assert "not it" not in str(caught.value)


async def test_a_mail_that_is_too_large_is_not_sent(tmp_path: Path) -> None:
    relay = Relay(tmp_path)

    with pytest.raises(DestinationError, match="too large"):
        await sent(tmp_path, relay, outbound(body=b"x" * 5000), max_size="4kB")

    assert relay.mails == []


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"to": None}, "name somebody"),
        ({"to_field": "supplier.email"}, "needs domains"),
        ({"password": None}, "password or oauth2"),
        ({"sender": "Ana <a@b.example>"}, "plain address"),
        ({"subject": "x {patient}"}, "unknown field"),
        ({"subject": "x\ny"}, "one line"),
        ({"security": "none"}, "tls"),
    ],
)
def test_settings_that_would_go_wrong_are_refused(wrong: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        SmtpDestinationSettings.model_validate(settings(1, **wrong))
