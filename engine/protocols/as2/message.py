"""An AS2 message: a payload, compressed, signed and encrypted as agreed; and back, in any order of the three.

The MIC (message integrity check) is made over what was signed; of an unsigned message over the payload with its MIME
headers; of a plain one over the payload alone. Source: RFC 4130 § 7.3.1, RFC 5402 § 5.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple, TypeVar

from cryptography import x509

from engine.protocols.as2.algorithms import digest
from engine.protocols.as2.compressing import compress, decompress
from engine.protocols.as2.enveloping import cannot_be_opened, decrypt, encrypt
from engine.protocols.as2.faults import As2Error, Modifier
from engine.protocols.as2.keys import Identity
from engine.protocols.as2.mime import (
    MOST_HEADERS,
    Entity,
    boundary_for,
    broken,
    canonical,
    entity,
    joined,
    parse,
    quoted,
    split,
)
from engine.protocols.as2.signing import sign, verify

_CMS = ("application/pkcs7-mime", "application/x-pkcs7-mime")
_SIGNATURES = ("application/pkcs7-signature", "application/x-pkcs7-signature")
_LENGTH = "content-length"
Found = TypeVar("Found")
_MOST_LAYERS = 3  # each of compressed, signed and encrypted once


class Packing(NamedTuple):
    """What a message is wrapped in."""

    signer: Identity | None = None
    digest: str = "sha-256"
    recipient: x509.Certificate | None = None
    cipher: str = "aes-256-cbc"
    oaep: bool = False
    compressed: bool = False


class Packed(NamedTuple):
    """What goes over HTTP, and the MIC that its receipt must name."""

    headers: Mapping[str, str]
    body: bytes
    mic: str


class Opening(NamedTuple):
    """What a message is opened with, and how much it may become."""

    ours: Sequence[Identity]
    theirs: Sequence[x509.Certificate]
    digests: Sequence[str]
    ciphers: Sequence[str]
    most: int


class Opened(NamedTuple):
    """A payload and how it came. `covered`: the bytes that the MIC is made over."""

    payload: bytes
    content_type: str
    file_name: str | None
    signed: str | None
    encrypted: str | None
    compressed: bool
    covered: bytes


def mic(name: str, covered: bytes) -> str:
    return base64.b64encode(digest(name, covered)).decode()


# ------------------------------------------------------------------ out
def pack(
    payload: bytes, content_type: str, file_name: str | None, packing: Packing, at: datetime, random: bytes = b""
) -> Packed:
    """Compress, sign, encrypt, as far as `packing` says so. What is signed is the same at every attempt.

    Args:
        at: signing time.
        random: fresh bytes for the cipher, enveloping.random_bytes_needed of them.
    """
    headers = {"Content-Type": content_type, "Content-Transfer-Encoding": "binary"}
    if file_name:
        headers["Content-Disposition"] = f"attachment; filename={quoted(file_name)}"
    if not (packing.compressed or packing.signer or packing.recipient):
        return Packed(headers, payload, mic(packing.digest, payload))
    wrapped = covered = entity(headers, payload)
    if packing.compressed:
        wrapped = _enclosed("compressed-data", "smime.p7z", compress(wrapped))
        covered = wrapped if packing.signer else covered
    if packing.signer:
        wrapped = signed_entity(wrapped, packing.signer, packing.digest, at)
    if packing.recipient is not None:
        sealed = encrypt(wrapped, packing.recipient, packing.cipher, random, oaep=packing.oaep)
        wrapped = _enclosed("enveloped-data", "smime.p7m", sealed)
    outer = parse(wrapped)
    return Packed(_as_written(outer.headers), outer.body, mic(packing.digest, covered))


def signed_entity(content: bytes, signer: Identity, name: str, at: datetime) -> bytes:
    """`multipart/signed` around an entity that is in canonical form."""
    headers = {
        "Content-Type": 'application/pkcs7-signature; name="smime.p7s"',
        "Content-Transfer-Encoding": "base64",
        "Content-Disposition": 'attachment; filename="smime.p7s"',
    }
    made = sign(content, signer, name, at)
    signature = entity(headers, base64.encodebytes(made).replace(b"\n", b"\r\n"))
    boundary = boundary_for([made])  # which holds the content's digest
    kind = f'multipart/signed; protocol="application/pkcs7-signature"; micalg={name}; boundary="{boundary}"'
    return entity({"Content-Type": kind}, joined([content, signature], boundary))


def _enclosed(kind: str, name: str, der: bytes) -> bytes:
    headers = {
        "Content-Type": f'application/pkcs7-mime; smime-type={kind}; name="{name}"',
        "Content-Transfer-Encoding": "binary",
        "Content-Disposition": f'attachment; filename="{name}"',
    }
    return entity(headers, der)


def _as_written(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.title(): value for name, value in headers.items()}


# ------------------------------------------------------------------ in
def unpack(headers: Mapping[str, str], body: bytes, opening: Opening) -> Opened:
    """Open a message whose outer MIME headers are those of HTTP (names in lower case).

    Raises:
        As2Error: with the word for the receipt.
        SizeLimitError: it becomes too large.
    """
    outer = {name: value for name, value in headers.items() if name.startswith("content-") and name != _LENGTH}
    layer = Entity(outer, body, b"")
    unwrapping = _Unwrapping(opening)
    for _ in range(_MOST_LAYERS + 1):
        inner = unwrapping.layer(layer)
        if inner is None:
            return unwrapping.opened(layer)
        layer = inner
    raise As2Error("wrapped more often than once each", Modifier.UNEXPECTED, where="MIME")


class _Unwrapping:
    """Takes layer after layer off, and remembers what they were."""

    def __init__(self, opening: Opening) -> None:
        self._opening = opening
        self.signed: str | None = None
        self.encrypted: str | None = None
        self.compressed = False
        self._covered: bytes | None = None

    def layer(self, outer: Entity) -> Entity | None:
        """What is inside; None: this is the payload."""
        kind = outer.content_type
        if kind.type == "multipart/signed" and self.signed is None:
            return self._whole(self._checked(outer))
        if kind.type not in _CMS:
            return None
        match kind.parameters.get("smime-type", "").lower():
            case "compressed-data" if not self.compressed:
                self.compressed = True
                return self._whole(decompress(outer.decoded(), self._opening.most))
            case "enveloped-data" | "" if self.encrypted is None:
                content, self.encrypted = decrypt(outer.decoded(), self._opening.ours, self._opening.ciphers)
                return self._whole(content)
        raise As2Error("this kind of S/MIME is not taken", Modifier.UNSUPPORTED_FORMAT, where="smime-type")

    def _checked(self, outer: Entity) -> bytes:
        """The signed part, byte by byte, when its signature is right."""
        boundary, strict = outer.content_type.parameters.get("boundary", ""), self.encrypted is not None
        parts = self._guarded(lambda: split(outer.body, boundary, strict=strict))
        signature = self._whole(parts[1]) if len(parts) == 2 else None
        if signature is None or signature.content_type.type not in _SIGNATURES:
            raise self._not_whole(broken("a multipart/signed has a part and its signature", "multipart/signed"))
        content, name = verified(parts[0], signature.decoded(), self._opening.theirs, self._opening.digests)
        self.signed, self._covered = name, content
        return parts[0]

    def _whole(self, raw: bytes) -> Entity:
        return self._guarded(lambda: parse(raw))

    def _guarded(self, work: Callable[[], Found]) -> Found:
        try:
            return work()
        except As2Error as error:
            raise self._not_whole(error) from None

    def _not_whole(self, error: As2Error) -> As2Error:
        """What was decrypted to nonsense is told as what could not be decrypted: the two must look alike outside,
        or receipts would help somebody who alters ciphertexts to read them."""
        return cannot_be_opened() if self.encrypted else error

    def opened(self, inner: Entity) -> Opened:
        covered = self._covered
        if covered is None:
            covered = canonical_headers(inner.raw) if self.encrypted or self.compressed else inner.body
        return Opened(
            inner.decoded(),
            inner.content_type.type,
            inner.file_name,
            self.signed,
            self.encrypted,
            self.compressed,
            covered,
        )


def verified(
    content: bytes, signature: bytes, theirs: Sequence[x509.Certificate], digests: Sequence[str]
) -> tuple[bytes, str]:
    """The bytes that were signed, and the digest: as they came, or else as they are in canonical form.

    Raises:
        As2Error: as signing.verify.
    """
    try:
        return content, verify(content, signature, theirs, digests)
    except As2Error as error:
        straight = canonical(content)
        if error.modifier is not Modifier.INTEGRITY or straight == content:
            raise
        return straight, verify(straight, signature, theirs, digests)


def canonical_headers(raw: bytes) -> bytes:
    """Headers in canonical form; the content as it is, since it may be binary."""
    end = raw.find(b"\n\n", 0, MOST_HEADERS)
    crlf = raw.find(b"\r\n\r\n", 0, MOST_HEADERS)
    if crlf != -1 and (end == -1 or crlf < end):
        return raw
    return canonical(raw[: end + 2]) + raw[end + 2 :]
