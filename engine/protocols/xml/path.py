"""Where a value stands in an XML message: a small part of XPath that cannot run away.

Header/Number            children, from the root's own children on
/Order/Header/Number     the same with the root's name
Lines/Line[2]/@sku       the second line's attribute; counted from 1
//Number                 the first one at any depth
po:Header/po:Number      names of a namespace that the channel declares; without prefix: of any namespace
Lines.Line[2].sku        dots in place of slashes, for `filter:`; a last step may be an attribute
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from engine.core.errors import FieldError

if TYPE_CHECKING:
    from lxml.etree import _Element

_STEP = re.compile(r"(?P<name>(?:[^\W\d][\w.-]*:)?[^\W\d][\w.-]*|\*)(?:\[(?P<index>[1-9]\d{0,5})\])?")
_DOTTED = re.compile(r"[^/@:]*")
MOST_STEPS = 40


class Step(NamedTuple):
    """`nth` counts from 1, None: all. `maybe_attribute`: an attribute of this name will do as well."""

    prefix: str | None
    name: str
    nth: int | None
    deep: bool = False
    attribute: bool = False
    maybe_attribute: bool = False


class XmlPath(NamedTuple):
    from_root: bool
    steps: tuple[Step, ...]


@lru_cache(maxsize=2048)
def compile_path(path: str) -> XmlPath:
    """Raises FieldError: not a path; names it."""
    rest, from_root = path, False
    dotted = bool(_DOTTED.fullmatch(path))
    parts = path.split(".") if dotted else None
    if parts is None:
        if rest.startswith("/") and not rest.startswith("//"):
            rest, from_root = rest[1:], True
        parts = rest.replace("//", "/\0").removeprefix("/").split("/")
    if len(parts) > MOST_STEPS:
        raise _wrong(path)
    steps = [_step(part, path) for part in parts]
    if any(step.attribute for step in steps[:-1]):
        raise _wrong(path)
    if dotted:
        steps[-1] = steps[-1]._replace(maybe_attribute=steps[-1].nth is None)
    return XmlPath(from_root, tuple(steps))


def _step(part: str, path: str) -> Step:
    deep, part = part.startswith("\0"), part.removeprefix("\0")
    attribute, part = part.startswith("@"), part.removeprefix("@")
    match = _STEP.fullmatch(part)
    if match is None or (attribute and match["index"]):
        raise _wrong(path)
    prefix, _, name = match["name"].rpartition(":")
    return Step(prefix or None, name, int(match["index"]) if match["index"] else None, deep, attribute)


def _wrong(path: str) -> FieldError:
    remedy = "write names with slashes: Header/Number, Lines/Line[2]/@sku"
    return FieldError("not a path in an XML message", where=path[:100], remedy=remedy)


def found(root: _Element, path: str, namespaces: Mapping[str, str]) -> Iterator[_Element | str]:
    """Elements, or texts of attributes, in the order of the message."""
    compiled = compile_path(path)
    steps = compiled.steps
    nodes: Iterator[_Element | str] = iter((root,))
    if compiled.from_root:
        first, steps = steps[0], steps[1:]
        nodes = iter((root,)) if _is(root.tag, first, namespaces) and first.nth in (None, 1) else iter(())
    for step in steps:
        nodes = _walk(nodes, step, namespaces)
    return nodes


def _walk(nodes: Iterator[_Element | str], step: Step, namespaces: Mapping[str, str]) -> Iterator[_Element | str]:
    for node in nodes:
        if isinstance(node, str):
            continue
        if step.attribute:
            yield from _attributes(node, step, namespaces)
            continue
        below = node.iterdescendants() if step.deep else node.iterchildren()
        of_name = (child for child in below if _is(child.tag, step, namespaces))
        any_found = False
        for number, child in enumerate(of_name, 1):
            if step.nth is None or number == step.nth:
                any_found = True
                yield child
            if number == step.nth:
                break
        if step.maybe_attribute and not any_found:
            yield from _attributes(node, step, namespaces)


def _attributes(node: _Element, step: Step, namespaces: Mapping[str, str]) -> Iterator[str]:
    for name, value in node.attrib.items():
        if _is(name, step, namespaces):
            yield str(value)


def _is(tag: object, step: Step, namespaces: Mapping[str, str]) -> bool:
    if not isinstance(tag, str):
        return False
    space, _, name = tag.rpartition("}")
    if step.name not in ("*", name):
        return False
    if step.prefix is None:
        return True
    if step.prefix not in namespaces:
        remedy = f"declare it at the source: namespaces: {{{step.prefix}: …}}"
        raise FieldError("a prefix that the channel does not declare", where=step.prefix, remedy=remedy)
    return space == "{" + namespaces[step.prefix]
