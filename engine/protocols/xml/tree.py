"""The one way in which XML from outside becomes a tree: no DOCTYPE, no entities, no network, no huge trees.

Source: https://owasp.org/www-community/vulnerabilities/XML_External_Entity_(XXE)_Processing.
"""

from __future__ import annotations

import re

from lxml import etree

from engine.core.errors import SizeLimitError, StructureError

MOST_ELEMENTS = 500_000
_MOST_NAMESPACES = 256
_TAG = re.compile(rb"""(?:[^"'>]++|"[^"]*"|'[^']*')*+""")
_MOST_ATTRIBUTES = 1000  # reading all of an element's takes time with the square of their number
_crowded = etree.XPath(f"boolean(//*[@*[{_MOST_ATTRIBUTES + 1}]])")
_DOCTYPE = re.compile(rb"<\s*!\s*(?:DOCTYPE|ENTITY)", re.IGNORECASE)
_LITERAL = rb"""(?:"[^"<>\[\]&%]{0,500}"|'[^'<>\[\]&%]{0,500}')"""
# At the head of a message, after its declaration and comments: a name and an address, no internal subset. Possessive.
_LONE_DOCTYPE = re.compile(
    rb"((?:\xef\xbb\xbf)?+\s*+(?:<\?xml\s[^<>]{0,200}\?>\s*+)?+(?:<!--(?:(?!--)[\x09\x0a\x0d\x20-\xff]){0,2000}+-->\s*+){0,10}+)"
    rb"(<!DOCTYPE\s++[\w:.-]{1,200}+(?:\s++(?:SYSTEM|PUBLIC\s++" + _LITERAL + rb")\s++" + _LITERAL + rb")?+\s*+>)"
).match
_DECLARED = re.compile(rb"\sencoding\s*=\s*[\"']([^\"']*)", re.IGNORECASE)
# In these a letter of ASCII is always its own byte, so that no DOCTYPE hides; UTF-7, ISO-2022, HZ and EBCDIC differ.
_TAKEN = re.compile(
    rb"utf-?8|utf-?16(le|be)?|ucs-?2|utf-?32(le|be)?|ucs-?4|(us-)?ascii|iso[-_]?8859[-_]\d{1,2}|latin-?\d|windows-125\d"
    rb"|cp125\d|koi8-[ru]|shift[-_]jis|euc-(jp|kr)|gb(2312|k|18030)|big5",
    re.IGNORECASE,
).fullmatch


def parse_tree(body: bytes, most_elements: int = MOST_ELEMENTS) -> etree._Element:
    """The root element; comments and processing instructions are left out.

    Raises:
        StructureError: not XML, or with a DOCTYPE; names the line.
        SizeLimitError: more elements than a message can need.
    """
    refuse_doctype(body)
    if most_opened(body) > most_elements:  # before a tree is made, which takes forty times the bytes
        raise _too_many(most_elements)
    if _declares_too_much(body):
        raise SizeLimitError(f"more than {_MOST_NAMESPACES:,} namespaces in one element")
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_comments=True, remove_pis=True
    )
    try:
        root = etree.fromstring(body, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        line = getattr(error, "lineno", None)
        raise StructureError("not XML", where=f"line {line}" if line else None) from None
    if root.getroottree().docinfo.internalDTD is not None:
        raise _doctype()
    if sum(1 for _ in root.iter()) > most_elements:
        raise _too_many(most_elements)
    if body.count(b"=") > _MOST_ATTRIBUTES and _crowded(root):
        raise SizeLimitError(f"more than {_MOST_ATTRIBUTES:,} attributes in one element")
    return root


def without_doctype(body: bytes) -> bytes:
    """The message without the one DOCTYPE at its head that has no internal subset, as each cXML document has one.

    What it names is never looked at, so no entity is known and no default of an attribute is filled in. Any other
    DOCTYPE stays, and is refused by `parse_tree`; so does one in UTF-16. Lines keep their numbers.
    """
    match = _LONE_DOCTYPE(body)
    return body if match is None else match[1] + b"\n" * match[2].count(b"\n") + body[match.end() :]


def refuse_doctype(body: bytes) -> None:
    """Raises StructureError: there is one, or an entity; or the encoding is one in which it could hide."""
    # UTF-16 has a zero byte at every other place: so it cannot hide the word from this look.
    plain = body.replace(b"\x00", b"")
    if _DOCTYPE.search(plain):
        raise _doctype()
    start = plain[:400].lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n")
    declaration, end, _ = start.partition(b"?>") if start.startswith(b"<?") else (b"", b"?>", b"")
    if not start.startswith(b"<") or not end:
        raise StructureError("not XML", where="line 1")
    declared = _DECLARED.search(declaration)
    if declared is not None and not _TAKEN(declared[1]):
        raise StructureError("an encoding that is not taken", where="line 1", remedy="send the message in UTF-8")


def most_opened(body: bytes) -> int:
    """Not less than the elements of it: what begins with < and is no end, comment, CDATA or instruction."""
    plain = body.replace(b"\x00", b"")
    return plain.count(b"<") - sum(plain.count(other) for other in (b"</", b"<!", b"<?"))


def _declares_too_much(body: bytes) -> bool:
    """Whatever looks names up among the declarations of one element takes time with the square of their number."""
    plain = body.replace(b"\x00", b"")
    if plain.count(b"xmlns") <= _MOST_NAMESPACES:
        return False
    tags = (piece for piece in plain.split(b"<") if piece.count(b"xmlns") > _MOST_NAMESPACES)  # no < inside of a tag
    return any(_TAG.match(piece)[0].count(b"xmlns") > _MOST_NAMESPACES for piece in tags)  # type: ignore[index]


def _too_many(most: int) -> SizeLimitError:
    return SizeLimitError(f"more than {most:,} elements", remedy="send it in parts")


def _doctype() -> StructureError:
    return StructureError("a DOCTYPE is not taken", remedy="send the message without one")
