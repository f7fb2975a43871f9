"""The headers of AS2 on HTTP: who to whom, which message, and what receipt is asked for. Source: RFC 4130 §§ 6, 7.3."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

VERSION = "1.1"  # with compression
_NAME = re.compile(r"[\x20-\x7e]{1,128}").fullmatch
_PLAIN = re.compile(r"[!#$%&'*+\-./:;<=>?@^_`|~A-Za-z0-9()\[\]{},]+").fullmatch
_MESSAGE_ID = re.compile(r"<?[\x21-\x7e]{1,250}>?").fullmatch


class ReceiptAsked(NamedTuple):
    """What receipt the sender wants.

    Args:
        signed: with a signature. `digests`: its order of preference, as it writes them.
        required: refuse the message when no digest of the list can be used.
        url: where the receipt is posted later; None: it is the answer to the request.
    """

    signed: bool
    digests: tuple[str, ...]
    required: bool
    url: str | None


class Envelope(NamedTuple):
    """Names as they are meant, without quotes; `message_id` with its angle brackets, when it came with them."""

    sender: str
    recipient: str
    message_id: str
    receipt: ReceiptAsked | None


def read(headers: Mapping[str, str]) -> Envelope | None:
    """From HTTP headers with names in lower case; None: no AS2 message, or its names cannot be used."""
    sender, recipient = _name(headers.get("as2-from", "")), _name(headers.get("as2-to", ""))
    message_id = headers.get("message-id", "").strip()
    if not sender or not recipient or not _MESSAGE_ID(message_id):
        return None
    return Envelope(sender, recipient, message_id, _asked(headers))


def _asked(headers: Mapping[str, str]) -> ReceiptAsked | None:
    if not headers.get("disposition-notification-to", "").strip():
        return None
    options: dict[str, tuple[str, list[str]]] = {}
    for one in headers.get("disposition-notification-options", "").split(";"):
        name, _, value = one.partition("=")
        importance, *values = [part.strip().strip('"') for part in value.split(",")]
        options[name.strip().lower()] = (importance.lower(), [part for part in values if part])
    protocols = options.get("signed-receipt-protocol", ("", []))[1]
    importance, digests = options.get("signed-receipt-micalg", ("", []))
    signed = any(one.lower() in ("pkcs7-signature", "x-pkcs7-signature") for one in protocols)
    url = headers.get("receipt-delivery-option", "").strip() or None
    return ReceiptAsked(signed, tuple(digests), importance == "required", url)


def written(sender: str, recipient: str, message_id: str) -> dict[str, str]:
    """The headers that every message and receipt has."""
    return {
        "AS2-Version": VERSION,
        "AS2-From": quoted_name(sender),
        "AS2-To": quoted_name(recipient),
        "Message-ID": message_id,
        "MIME-Version": "1.0",
    }


def asking(address: str, digest: str, *, signed: bool, url: str | None) -> dict[str, str]:
    """The headers that ask for a receipt. `url`: it is posted there later."""
    headers = {"Disposition-Notification-To": address}
    if signed:
        headers["Disposition-Notification-Options"] = (
            f"signed-receipt-protocol=optional, pkcs7-signature; signed-receipt-micalg=optional, {digest}"
        )
    if url is not None:
        headers["Receipt-Delivery-Option"] = url
    return headers


def is_name(text: str) -> bool:
    return bool(_NAME(text)) and text.strip() == text


def quoted_name(name: str) -> str:
    """Names with blanks, quotes or backslashes stand in quotes."""
    if _PLAIN(name):
        return name
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _name(text: str) -> str:
    text = text.strip()
    if len(text) >= 2 and text[0] == text[-1] == '"':
        text = re.sub(r"\\(.)", r"\1", text[1:-1])
    return text if is_name(text) else ""
