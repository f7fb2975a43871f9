"""A SOAP message with attachments: `multipart/related` read and written, as MTOM (XOP) and as SwA.

Every limit is looked at before anything is copied; nothing outside the package is ever fetched.
Sources: RFC 2387, RFC 2046 § 5.1.1, https://www.w3.org/TR/xop10/, https://www.w3.org/TR/SOAP-attachments.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator, Sequence
from hashlib import blake2b
from typing import Literal, NamedTuple

from engine.core.errors import FramingError, SizeLimitError, StructureError
from engine.protocols.soap.names import MEDIA_TYPES, Version

PACKAGE, XOP = "multipart/related", "application/xop+xml"
Way = Literal["mtom", "swa"]
_LONGEST_HEAD, _MOST_HEADERS = 8 * 1024, 32
_BOUNDARY = re.compile(r"[A-Za-z0-9'()+_,./:=? -]{0,69}[A-Za-z0-9'()+_,./:=?-]").fullmatch
_PARAMETER = re.compile(r';\s*([A-Za-z0-9-]{1,64})\s*=\s*("(?:[^"\\]|\\.)*"|[^;\s"]+)')
_MEDIA_TYPE = re.compile(r"[A-Za-z0-9!#$&^_.+-]{1,64}/[A-Za-z0-9!#$&^_.+-]{1,64}").fullmatch
_AS_IT_IS = ("", "binary", "8bit", "7bit")
_ENDING = re.compile(r"\.[A-Za-z0-9]{1,8}$")


class Limits(NamedTuple):
    """`parts` counts attachments, without the envelope; `size` is of one of them, in bytes."""

    parts: int
    size: int


class Part(NamedTuple):
    """One attachment. `content_id` without brackets; empty when it has none."""

    content_id: str
    media_type: str
    body: bytes
    file_name: str = ""

    @property
    def name(self) -> str:
        """Told by its content: the same file has the same name, however its sender calls it this time."""
        ending = _ENDING.search(self.file_name)
        return blake2b(self.body, digest_size=16).hexdigest() + (ending[0].lower() if ending else "")


class Package(NamedTuple):
    """`envelope` as bytes; `is_mtom`: its binary values stand in the parts."""

    envelope: bytes
    parts: tuple[Part, ...]
    is_mtom: bool


def parameter(content_type: str, name: str) -> str:
    """A parameter of a media type, unquoted; empty when it is not there."""
    for key, value in _PARAMETER.findall(content_type):
        if key.lower() == name:
            return re.sub(r"\\(.)", r"\1", value[1:-1]) if value.startswith('"') else value
    return ""


def media_type(content_type: str) -> str:
    return content_type.partition(";")[0].strip().lower()


def read_package(content_type: str, body: bytes, limits: Limits) -> Package:
    """Raises:
    FramingError: no boundary, or the parts do not end by it.
    StructureError: a part without an end of its headers, the same id twice, no envelope.
    SizeLimitError: more or larger attachments than allowed.
    """
    boundary = parameter(content_type, "boundary")
    if not _BOUNDARY(boundary):
        raise FramingError("no usable boundary", where="Content-Type", remedy="name one of 1 to 70 characters")
    read: list[tuple[Part, str, str]] = []
    for number, (start, stop) in enumerate(_spans(body, boundary.encode("ascii"), limits.parts + 1), 1):
        read.append(_part(body, start, stop, number))
    at = _root(read, parameter(content_type, "start").strip().strip("<>"))
    (root, root_type, encoding) = read.pop(at)
    if media_type(root_type) not in (XOP, *MEDIA_TYPES.values()):
        raise StructureError("the first part is no envelope", where="Content-Type")
    parts = tuple(_decoded(part, encoded, limits.size) for part, _, encoded in read)
    return Package(_decoded(root, encoding, len(body)).body, parts, media_type(root_type) == XOP)


def _spans(body: bytes, boundary: bytes, most: int) -> Iterator[tuple[int, int]]:
    """Start and end of each part, head included."""
    mark = b"--" + boundary
    found = 0 if body.startswith(mark) else body.find(b"\r\n" + mark) + 2
    if found == 1:
        raise FramingError("its boundary is not in the body", where="the package")
    at, count = found + len(mark), 0
    while body[at : at + 2] != b"--":
        line = body.find(b"\r\n", at)
        stop = body.find(b"\r\n" + mark, line + 2) if line >= 0 else -1
        if stop < 0 or body[at:line].strip(b" \t"):
            raise FramingError("a part does not end by the boundary", where=f"part {count + 1}")
        count += 1
        if count > most:
            raise SizeLimitError(f"more than {most - 1} attachments", where="the package")
        yield line + 2, stop
        at = stop + 2 + len(mark)


def _part(body: bytes, start: int, stop: int, number: int) -> tuple[Part, str, str]:
    """The part as it came, its Content-Type, and how it is encoded."""
    place = f"part {number}"
    if body.startswith(b"\r\n", start):  # no header at all
        return Part("", "application/octet-stream", body[start + 2 : stop]), "", ""
    end = body.find(b"\r\n\r\n", start, min(stop, start + _LONGEST_HEAD))
    if end < 0:
        raise StructureError("the part's headers do not end", where=place)
    headers = _headers(body[start:end], place)
    kind = headers.get("content-type", "application/octet-stream")
    given = media_type(kind) if _MEDIA_TYPE(media_type(kind)) else "application/octet-stream"
    file_name = parameter(headers.get("content-disposition", ""), "filename") or parameter(kind, "name")
    content_id = headers.get("content-id", "").strip().removeprefix("<").removesuffix(">")
    encoding = headers.get("content-transfer-encoding", "").strip().lower()
    return Part(content_id, given, body[end + 4 : stop], file_name), kind, encoding


def _headers(head: bytes, place: str) -> dict[str, str]:
    try:
        lines = re.sub(r"\r\n[ \t]+", " ", head.decode("utf-8")).split("\r\n")
    except UnicodeDecodeError:
        raise StructureError("the part's headers are no text", where=place) from None
    if len(lines) > _MOST_HEADERS:
        raise SizeLimitError("too many headers", where=place)
    headers: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon or not value.isprintable() or name.strip().lower() in headers:
            raise StructureError("a header that is none, or is there twice", where=place)
        headers[name.strip().lower()] = value.strip()
    return headers


def _root(read: Sequence[tuple[Part, str, str]], start: str) -> int:
    if not read:
        raise StructureError("no part at all", where="the package")
    ids = [part.content_id for part, _, _ in read if part.content_id]
    if len(set(ids)) != len(ids):
        raise StructureError("two parts with one Content-ID", where="the package")
    if not start:
        return 0
    at = next((number for number, (part, _, _) in enumerate(read) if part.content_id == start), None)
    if at is None:
        raise StructureError("`start` names no part", where="Content-Type")
    return at


def _decoded(part: Part, encoding: str, most: int) -> Part:
    if encoding == "base64":
        try:
            body = base64.b64decode(part.body.translate(None, b"\r\n \t"), validate=True)
        except binascii.Error:
            raise StructureError("not base64", where="the package") from None
        part = part._replace(body=body)
    elif encoding not in _AS_IT_IS:
        raise StructureError("an encoding that is not read", where="the package", remedy="send parts as binary")
    if len(part.body) > most:
        raise SizeLimitError(f"an attachment of more than {most} bytes", where="the package")
    return part


# ------------------------------------------------------------------ writing
_DECLARATION = re.compile(rb"\A<\?xml [^>]*\?>\s*")


def write_package(way: Way, version: Version, action: str, envelope: bytes, parts: Sequence[Part]) -> tuple[str, bytes]:
    """The value of Content-Type, and the body.

    Ids, types and names that could break out of a header are replaced.
    """
    boundary = _boundary(envelope, parts)
    kind, own = (XOP if way == "mtom" else MEDIA_TYPES[version]), MEDIA_TYPES[version]
    content_type = f'{PACKAGE}; boundary="{boundary}"; type="{kind}"; start="<envelope@isthmus>"'
    if way == "mtom":
        content_type += f'; start-info="{own}"'
    if version == "1.2" and action:
        content_type += f'; action="{_safe(action)}"'
    root = f'{kind}; charset=utf-8; type="{own}"' if way == "mtom" else f"{kind}; charset=utf-8"
    # The part's own head says the encoding; a server in use cannot read an envelope that says it again.
    pieces = [_head(boundary, root, "envelope@isthmus"), _DECLARATION.sub(b"", envelope, 1)]
    for part in parts:
        of_kind = part.media_type if _MEDIA_TYPE(part.media_type) else "application/octet-stream"
        pieces += [b"\r\n", _head(boundary, of_kind, part.content_id, part.file_name), part.body]
    return content_type, b"".join((*pieces, f"\r\n--{boundary}--\r\n".encode()))


def _boundary(envelope: bytes, parts: Sequence[Part]) -> str:
    """One that is in none of them."""
    salt = blake2b(envelope, digest_size=16)
    while True:
        boundary = f"isthmus-{salt.hexdigest()}"
        if not any(boundary.encode() in one for one in (envelope, *(part.body for part in parts))):
            return boundary
        salt.update(b"again")


def _head(boundary: str, content_type: str, content_id: str, file_name: str = "") -> bytes:
    lines = [
        f"--{boundary}",
        f"Content-Type: {content_type}",
        "Content-Transfer-Encoding: binary",
        f"Content-ID: <{_safe(content_id)}>",
    ]
    if file_name:
        lines.append(f'Content-Disposition: attachment; filename="{_safe(file_name)}"')
    return "\r\n".join([*lines, "", ""]).encode()


def _safe(text: str) -> str:
    """Nothing that ends a header, a quotation or a bracket."""
    return re.sub(r'[^\x20-\x7e]|["\\<>]', "_", text)
