"""A payload made from a prepared text: the quick way for calls that are known.

    <po:SubmitOrder xmlns:po="urn:harbor:orders" xmlns:t="urn:isthmus:template">
      <po:Number>{order_number}</po:Number>
      <po:Line t:each="lines" sku="{item}"><po:Quantity>{quantity}</po:Quantity></po:Line>
      <po:Note t:if="note">{note}</po:Note>
    </po:SubmitOrder>

Paths are dotted; inside `t:each` they start at the item, with a leading dot at the document (`{.currency}`);
`{{` and `}}` are braces. Everything that is filled in is escaped: a value can never become an element.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, NamedTuple

from lxml import etree

from engine.core.errors import ConfigurationError, RequiredFieldError
from engine.protocols.xml.tree import parse_tree

TEMPLATE = "urn:isthmus:template"
_EACH, _IF, _OPTIONAL = (f"{{{TEMPLATE}}}{name}" for name in ("each", "if", "optional"))
_FIELD = re.compile(r"\{\{|\}\}|\{(\.?[A-Za-z_][\w.]*)(\??)\}|[{}]")
# Placeholders travel through the serializer as private characters, which no template may hold.
_OPEN, _CLOSE = "\ue000", "\ue001"
_MARK = re.compile(f"{_OPEN}([^{_CLOSE}]*){_CLOSE}")
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")
_ESCAPES = str.maketrans(
    {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\r": "&#13;", "\n": "&#10;", "\t": "&#9;"}
)


class _Field(NamedTuple):
    path: tuple[str, ...]
    absolute: bool
    optional: bool
    name: str


class _Block(NamedTuple):
    """Parts that come for each item there, or once when something is there."""

    field: _Field
    repeats: bool
    parts: tuple[_Part, ...]


_Part = str | _Field | _Block


class Template:
    """Compiled once; `fill` joins texts."""

    def __init__(self, parts: tuple[_Part, ...]) -> None:
        self._parts = parts

    def fill(self, document: Any) -> bytes:
        """One element as UTF-8. `document` as JSON gives it.

        Raises:
            RequiredFieldError: a path has no value; names it.
        """
        out: list[str] = []
        _fill(self._parts, document, document, out)
        return "".join(out).encode("utf-8")


def compile_template(text: bytes, where: str) -> Template:
    """Raises ConfigurationError: not XML, or a field that cannot be read; names the template."""
    if _OPEN in text.decode("utf-8", "replace") or _CLOSE in text.decode("utf-8", "replace"):
        raise ConfigurationError("a private-use character in the template", where=where)
    root = parse_tree(text)
    _mark(root, where)
    etree.cleanup_namespaces(root, keep_ns_prefixes=[one for one in root.nsmap if one not in (None, "t")])
    return Template(tuple(_parts(etree.tostring(root, encoding="unicode", with_tail=False), where)))


def _mark(root: etree._Element, where: str) -> None:
    for element in root.iter():
        element.text = _marked(element.text and str(element.text), where)
        for name, value in element.attrib.items():
            if name not in (_EACH, _IF):
                element.set(name, _marked(str(value), where) or "")
        opened = [("each", str(element.attrib.pop(_EACH, ""))), ("if", str(element.attrib.pop(_IF, "")))]
        before, after = "", ""
        for kind, path in opened:
            if path:
                before, after = f"{before}{_OPEN}{kind} {path}{_CLOSE}", f"{_OPEN}end{_CLOSE}{after}"
        tail = _marked(element.tail, where) or ""
        element.tail = after + tail
        if before:
            _put_before(element, before, where)


def _put_before(element: etree._Element, text: str, where: str) -> None:
    parent, previous = element.getparent(), element.getprevious()
    if parent is None:
        raise ConfigurationError("the root itself is neither repeated nor left out", where=where)
    if previous is not None:
        previous.tail = (previous.tail or "") + text
    else:
        parent.text = (parent.text or "") + text


def _marked(text: str | None, where: str) -> str | None:
    """Indentation goes: it is no part of the message."""
    if text is None or not text.strip():
        return None

    def one(found: re.Match[str]) -> str:
        if found[0] in ("{{", "}}"):
            return found[0][0]
        if found[1] is None:
            remedy = "write {path.to.field}, and {{ for a brace"
            raise ConfigurationError("a brace that is no field", where=where, remedy=remedy)
        return f"{_OPEN}field {found[1]}{found[2]}{_CLOSE}"

    return _FIELD.sub(one, text)


def _parts(text: str, where: str) -> Iterator[_Part]:
    pieces = iter(_MARK.split(text))
    return iter(_read(pieces, where, inside=False))


def _read(pieces: Iterator[str], where: str, *, inside: bool) -> tuple[_Part, ...]:
    found: list[_Part] = []
    for piece in pieces:
        if piece:
            found.append(piece)
        mark = next(pieces, None)
        if mark is None or mark == "end":
            return tuple(found)
        kind, _, path = mark.partition(" ")
        if kind == "field":
            found.append(_field(path))
        else:
            found.append(_Block(_field(path), kind == "each", _read(pieces, where, inside=True)))
    return tuple(found)


def _field(text: str) -> _Field:
    optional, name = text.endswith("?"), text.removesuffix("?")
    return _Field(tuple(name.removeprefix(".").split(".")), name.startswith("."), optional, name)


def _fill(parts: tuple[_Part, ...], here: Any, document: Any, out: list[str]) -> None:
    for part in parts:
        if isinstance(part, str):
            out.append(part)
        elif isinstance(part, _Field):
            out.append(_text(part, here, document))
        else:
            found = _at(part.field, here, document)
            if part.repeats:
                for item in found if isinstance(found, list) else [] if found is None else [found]:
                    _fill(part.parts, item, document, out)
            elif found not in (None, "", [], {}, False):
                _fill(part.parts, here, document, out)


def _at(field: _Field, here: Any, document: Any) -> Any:
    value = document if field.absolute else here
    for step in field.path:
        if isinstance(value, list) and step.isdigit():
            value = value[int(step)] if int(step) < len(value) else None
        else:
            value = value.get(step) if isinstance(value, dict) else None
    return value


def _text(field: _Field, here: Any, document: Any) -> str:
    value = _at(field, here, document)
    if value is None or isinstance(value, dict | list):
        if field.optional:
            return ""
        raise RequiredFieldError("the template's field has no value", where=field.name)
    return escaped(written(value), field.name)


def written(value: Any) -> str:
    """As XML Schema writes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:f}" if isinstance(value, Decimal) else str(value)


def escaped(text: str, where: str) -> str:
    if _CONTROL.search(text):
        raise RequiredFieldError("a character that XML cannot hold", where=where)
    return text.translate(_ESCAPES)
