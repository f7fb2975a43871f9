"""MIME as AS2 needs it: bytes stay as they came, because signatures and MICs are made over them.

Source: RFC 2045, RFC 2046 § 5.1, RFC 1847.
"""

from __future__ import annotations

import binascii
import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from engine.protocols.as2.faults import As2Error, Modifier

MOST_HEADERS = 64 * 1024  # bytes
_MOST_PARTS = 20
_END_OF_HEADERS = re.compile(rb"\r?\n\r?\n")
_PARAMETER = re.compile(r""";\s*([!#$&'*+\-.^_`|~\w]+)\s*=\s*("(?:[^"\\]|\\.)*"|[^;\s]*)""", re.ASCII)
_BLANK = b" \t\r\n\x00"
_END_OF_LINE = re.compile(rb"(--)?[ \t]*(?:\r?\n|\Z)")
_LINE_FEED = 0x0A


class ContentType(NamedTuple):
    """`multipart/signed` and its parameters, names in lower case."""

    type: str
    parameters: Mapping[str, str]

    @classmethod
    def of(cls, text: str) -> ContentType:
        kind = text.partition(";")[0].strip().lower()
        found = {name.lower(): _unquoted(value) for name, value in _PARAMETER.findall(text[:MOST_HEADERS])}
        return cls(kind, found)


class Entity(NamedTuple):
    """Headers (names in lower case, unfolded), the body, and all of it as it came."""

    headers: Mapping[str, str]
    body: bytes
    raw: bytes

    @property
    def content_type(self) -> ContentType:
        return ContentType.of(self.headers.get("content-type", "text/plain"))

    @property
    def file_name(self) -> str | None:
        """From Content-Disposition, else from the type's `name`; the last step of a path."""
        disposition = ContentType.of(self.headers.get("content-disposition", ""))
        name = disposition.parameters.get("filename") or self.content_type.parameters.get("name") or ""
        last = re.split(r"[/\\]", name)[-1].strip()[:200]
        return last if last.strip(".") else None

    def decoded(self) -> bytes:
        """Raises As2Error: a transfer encoding that is not known, or not kept."""
        encoding = self.headers.get("content-transfer-encoding", "binary").strip().lower()
        if encoding in ("binary", "8bit", "7bit", ""):
            return self.body
        try:
            if encoding == "base64":
                return binascii.a2b_base64(self.body)
            if encoding == "quoted-printable":
                return binascii.a2b_qp(self.body)
        except (binascii.Error, ValueError):
            raise broken("the body is not of its transfer encoding", "Content-Transfer-Encoding") from None
        raise broken("this transfer encoding is not known", "Content-Transfer-Encoding")


def broken(what: str, where: str) -> As2Error:
    return As2Error(what, Modifier.UNEXPECTED, where=where, remedy="ask the partner what its software sends")


def parse(raw: bytes) -> Entity:
    """Raises As2Error when there are no headers."""
    end = _END_OF_HEADERS.search(raw, 0, MOST_HEADERS)
    if end is None:
        raise broken("there is no end of the MIME headers", "MIME")
    return Entity(headers(raw[: end.start()]), raw[end.end() :], raw)


def headers(block: bytes) -> dict[str, str]:
    """Of several headers with one name the first counts."""
    found: dict[str, str] = {}
    unfolded = re.sub(r"\r?\n[ \t]+", " ", block.decode("utf-8", "replace"))
    for line in unfolded.splitlines():
        name, colon, value = line.partition(":")
        if colon:
            found.setdefault(name.strip().lower(), value.strip())
    return found


def split(body: bytes, boundary: str, *, strict: bool = False) -> list[bytes]:
    """The parts between boundaries, byte by byte.

    Args:
        strict: nothing may follow the last part.

    Raises:
        As2Error: no closing boundary.
    """
    if not boundary:
        raise broken("a multipart without boundary", "Content-Type")
    parts: list[bytes] = []
    start: int | None = None
    for before, after, last in _lines(body, b"--" + boundary.encode()):
        if start is not None:
            parts.append(body[min(start, before) : before])
        if last:
            if strict and body[after:].strip(_BLANK):
                raise broken("text after the last part", "MIME")
            return parts
        if len(parts) >= _MOST_PARTS:
            raise broken("too many parts", "MIME")
        start = after
    raise broken("the closing boundary is missing", "MIME")


def _lines(body: bytes, delimiter: bytes) -> Iterator[tuple[int, int, bool]]:
    """Where each line of the delimiter begins (with the line break before it) and ends, and whether it closes."""
    found = body.find(delimiter)
    while found != -1:
        end = _END_OF_LINE.match(body, found + len(delimiter))
        if end is not None and (found == 0 or body[found - 1] == _LINE_FEED):
            before = found - (2 if body[max(found - 2, 0) : found] == b"\r\n" else 1 if found else 0)
            yield before, end.end(), end[1] is not None
        found = body.find(delimiter, found + len(delimiter))


def boundary_for(parts: Sequence[bytes], salt: bytes = b"") -> str:
    """The same for the same parts; no part can hold its own digest."""
    together = hashlib.sha256(salt)
    for part in parts:
        together.update(hashlib.sha256(part).digest())
    return f"=_{together.hexdigest()[:40]}"


def joined(parts: Sequence[bytes], boundary: str) -> bytes:
    line = b"--" + boundary.encode()
    return b"".join(b"%s\r\n%s\r\n" % (line, part) for part in parts) + line + b"--\r\n"


def entity(headers: Mapping[str, str], body: bytes) -> bytes:
    """Headers in canonical form, then the body as it is."""
    return "".join(f"{name}: {value}\r\n" for name, value in headers.items()).encode() + b"\r\n" + body


def canonical(data: bytes) -> bytes:
    """Every line ends with CR LF."""
    return re.sub(rb"\r\n|\r|\n", b"\r\n", data)


def quoted(value: str) -> str:
    """A parameter's value in quotes; what would end it is left out."""
    return '"' + re.sub(r'[\x00-\x1f\x7f"\\]', "", value) + '"'


def _unquoted(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text[1:-1]) if text.startswith('"') else text
