"""What an answer says: its elements as they were written, values in them, and where the next page is. No I/O.

Elements keep their bytes, so that no number is rounded and no key reordered on the way to the journal.
"""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit, urlunsplit

import msgspec

from engine.core.errors import StructureError

_LINK = re.compile(r'<([^<>]*)>((?:\s*;\s*[\w*-]+\s*=\s*(?:"[^"]*"|[^\s",;]+))*)')
_REL = re.compile(r';\s*rel\s*=\s*(?:"([^"]*)"|([^\s",;]+))', re.IGNORECASE)


def found(body: bytes, pointer: str) -> bytes | None:
    """What a JSON pointer leads to, as it is written; None: nothing is there.

    Raises:
        StructureError: not JSON.
    """
    at = body
    for step in pointer.split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        inside = _opened(at)
        if isinstance(inside, dict) and name in inside:
            at = bytes(inside[name])
        elif isinstance(inside, list) and name.isascii() and name.isdigit() and int(name) < len(inside):
            at = bytes(inside[int(name)])
        else:
            return None
    return at


def elements(body: bytes, pointer: str) -> list[bytes]:
    """The elements of a list, in order; none when it is null or not there.

    Raises:
        StructureError: not JSON, or something else than a list is there.
    """
    at = found(body, pointer)
    inside = _opened(at) if at is not None else None
    if inside is None:
        return []
    if not isinstance(inside, list):
        raise StructureError("there is no list", where=pointer or "/", remedy="compare items with an answer")
    return [bytes(one) for one in inside]


def value(body: bytes, pointer: str) -> str | None:
    """A text, or a number as it is written; None: neither is there."""
    at = found(body, pointer)
    if at is None or at[:1] in (b"{", b"[") or at in (b"null", b"true", b"false"):
        return None
    return str(msgspec.json.decode(at)) if at[:1] == b'"' else at.decode()


def next_page(url: str, body: bytes, link: list[str], how: str, parameter: str | None) -> str | None:
    """The URL of the page behind this one; None: this was the last.

    Raises:
        StructureError: it would be at another server.
    """
    told = _linked(link) if how == "link" else value(body, how)
    if not told:
        return None
    following = with_parameters(url, {parameter: told}) if parameter else urljoin(url, told)
    if _server(following) != _server(url):
        raise StructureError(
            "the next page is at another server, which is not asked", where=how, remedy="compare with the url"
        )
    return urlunsplit(urlsplit(following)._replace(fragment=""))


def with_parameters(url: str, given: dict[str, str]) -> str:
    """The URL with these parameters, in place of those of the same names."""
    parts = urlsplit(url)
    others = [(name, text) for name, text in parse_qsl(parts.query, keep_blank_values=True) if name not in given]
    return urlunsplit(parts._replace(query=urlencode([*others, *given.items()])))


def _linked(headers: list[str]) -> str | None:
    for link, parameters in (one for header in headers for one in _LINK.findall(header)):
        if any("next" in (quoted or bare).lower().split() for quoted, bare in _REL.findall(parameters)):
            return str(link)
    return None


def _server(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    try:
        port = parts.port
    except ValueError:
        port = -1
    return parts.scheme, parts.hostname, port or {"https": 443, "http": 80}.get(parts.scheme)


def _opened(body: bytes) -> dict[str, msgspec.Raw] | list[msgspec.Raw] | None:
    """None: null. Raises StructureError."""
    try:
        return msgspec.json.decode(body, type=dict[str, msgspec.Raw] | list[msgspec.Raw] | None)
    except msgspec.ValidationError:
        return {}  # a value without an inside
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise StructureError("the answer is not JSON", remedy="see what the server answers to its url") from None
