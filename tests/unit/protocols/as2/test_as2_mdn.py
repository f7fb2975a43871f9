"""Receipts and the headers around messages: written, read, and forgiving where partners differ."""

from __future__ import annotations

import pytest

from engine.protocols.as2 import envelope, mdn
from engine.protocols.as2.faults import As2Error, Modifier
from engine.protocols.as2.mdn import Disposition, Receipt
from tests.support.as2 import NOW, partner

RECEIPT = Receipt("<1@us>", "THEM AND CO", Disposition(), ("q83v", "sha-256"), "taken in")


@pytest.mark.parametrize("signed", [False, True])
def test_a_receipt_is_read_as_it_was_written(signed: bool) -> None:
    them = partner("them")

    made = mdn.write(RECEIPT, "isthmus", (them, "sha-256", NOW) if signed else None)
    found = mdn.read(made.headers, made.body, [them.certificate], ["sha-256"])

    assert found.receipt._replace(text=found.receipt.text.strip()) == RECEIPT
    assert found.signed == ("sha-256" if signed else None)
    assert mdn.is_receipt(made.headers, made.body)
    assert mdn.peek(made.headers, made.body) == "<1@us>"


def test_a_receipt_signed_by_somebody_else_is_refused() -> None:
    made = mdn.write(RECEIPT, "isthmus", (partner("stranger"), "sha-256", NOW))

    with pytest.raises(As2Error) as caught:
        mdn.read(made.headers, made.body, [partner("them").certificate], ["sha-256"])

    assert caught.value.modifier is Modifier.AUTHENTICATION


def test_a_receipt_cannot_be_given_further_fields_by_a_message_id() -> None:
    evil = RECEIPT._replace(original_message_id="<1@us>\r\nDisposition: x; failed")

    made = mdn.write(evil, "isthmus", None)

    assert mdn.read(made.headers, made.body, [], []).receipt.disposition == Disposition()


@pytest.mark.parametrize(
    ("text", "good"),
    [
        ("automatic-action/MDN-sent-automatically; processed", True),
        ("automatic-action/MDN-sent-automatically;processed/Warning: duplicate-document", True),
        ("automatic-action/MDN-sent-automatically; processed/error: duplicate-document", True),
        ("automatic-action/MDN-sent-automatically; processed/Error: decryption-failed", False),
        ("automatic-action/MDN-sent-automatically; failed/Failure: unsupported format", False),
        ("manual-action/MDN-sent-manually; failed", False),
        ("automatic-action/MDN-sent-automatically; displayed", False),
    ],
)
def test_dispositions_are_told_good_from_bad(text: str, good: bool) -> None:
    found = Disposition.of(text)

    assert found is not None
    assert found.is_good is good


def test_what_is_no_disposition_is_none() -> None:
    assert Disposition.of("nothing of the kind") is None


HEADERS = {
    "as2-from": '"Harbor Health"',
    "as2-to": "THEM",
    "message-id": "<1@us>",
    "disposition-notification-to": "edi@harbor.example",
    "disposition-notification-options": (
        "signed-receipt-protocol=optional, pkcs7-signature; signed-receipt-micalg=required, SHA256, md5"
    ),
    "receipt-delivery-option": "https://harbor.example/as2",
}


def test_the_headers_of_a_message_are_read() -> None:
    found = envelope.read(HEADERS)

    assert found is not None
    assert (found.sender, found.recipient, found.message_id) == ("Harbor Health", "THEM", "<1@us>")
    assert found.receipt == envelope.ReceiptAsked(True, ("SHA256", "md5"), True, "https://harbor.example/as2")


def test_what_we_ask_for_is_what_we_read() -> None:
    ours = envelope.written('us "and" co', "THEM", "<1@us>") | envelope.asking(
        "edi@us.example", "sha-256", signed=True, url=None
    )

    found = envelope.read({name.lower(): value for name, value in ours.items()})

    assert found is not None
    assert (found.sender, found.recipient) == ('us "and" co', "THEM")
    assert found.receipt == envelope.ReceiptAsked(True, ("sha-256",), False, None)


@pytest.mark.parametrize("name", ["as2-from", "as2-to", "message-id"])
@pytest.mark.parametrize("value", ["", " ", "x" * 300, "tab\tin it", "\x01"])
def test_names_that_cannot_be_used_make_no_message(name: str, value: str) -> None:
    assert envelope.read(HEADERS | {name: value}) is None
