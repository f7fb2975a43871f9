"""How XML, FHIR resources, mails, archives and tables are read and shown. Bodies of these stay as they came."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import click

from engine.channel.layout import Layout
from engine.cli.parse_shown import Parsed, counted, json_tree
from engine.cli.workspace import printable
from engine.core.errors import StructureError

_ARCHIVE = (10_000, 1024**3)  # files, bytes unpacked


def xml(data: bytes) -> Parsed:
    """Raises MessageError."""
    from engine.protocols.xml.message import XmlMessage

    message = XmlMessage.parse(data)
    return Parsed(f"one {printable(message.name)}", (), message.encode, lambda: _xml_tree(message._root, 1))


def _xml_tree(element: Any, depth: int) -> Iterator[str]:
    name = str(element.tag).rpartition("}")[2]
    text = (element.text or "").strip()
    named = ((str(key).rpartition("}")[2], str(value)) for key, value in element.items())
    facts = "".join(f" {printable(key)}={printable(value)}" for key, value in named)
    yield f"{'  ' * depth}{click.style(printable(name), fg='cyan')}{facts}{'  ' + printable(text) if text else ''}"
    for child in element:
        if isinstance(child.tag, str):
            yield from _xml_tree(child, depth + 1)


def fhir(data: bytes) -> Parsed:
    """JSON or XML, R4 where both would do.

    Raises:
        MessageError: no resource, or one that is not the same when it is written again.
    """
    from engine.protocols.fhir.resource import read_tree, write_tree

    tree = _resource(data)
    if read_tree(write_tree(tree)) != tree:
        raise StructureError("the resource is not the same when it is written again")
    kind = str(tree.get("resourceType"))
    entries = tree.get("entry")
    more = f", {counted(len(entries), 'entry', 'entries')}" if isinstance(entries, list) else ""
    shown = json.loads(write_tree(tree))
    return Parsed(f"one {printable(kind)}{more}", (), lambda: data, lambda: json_tree(shown))


def _resource(data: bytes) -> dict[str, Any]:
    from engine.protocols.fhir.resource import read_tree
    from engine.protocols.fhir.xml_reader import read_xml

    if not data.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        return read_tree(data)
    try:
        return read_xml(data, "R4")
    except StructureError:
        return read_xml(data, "R5")


def mail(data: bytes) -> Parsed:
    """Raises MessageError."""
    from engine.protocols.mail.read import read_mail

    found = read_mail(data)
    lines = [f"  {'from':<8} {printable(found.sender)}", *(f"  {'to':<8} {printable(one)}" for one in found.recipients)]
    lines += [
        f"  {one.place:<8} {printable(one.name)}  {printable(one.media_type)}  {len(one.body):,} bytes"
        for one in found.files
    ]
    return Parsed(f"one mail with {counted(len(found.files), 'file')}", (), lambda: data, lambda: iter(lines))


def archive(data: bytes) -> Parsed:
    """Names and sizes; every file is unpacked, so that a damaged one is found. Raises MessageError."""
    from engine.protocols.archive import Archive, ArchiveLimits

    found = [(one.name, len(one.content)) for one in Archive(data, ArchiveLimits(*_ARCHIVE)).members()]
    lines = [f"  {size:>12,}  {printable(name)}" for name, size in found]
    return Parsed(counted(len(found), "file"), (), lambda: data, lambda: iter(lines))


def table(layout: Layout) -> Callable[[bytes], Parsed]:
    """Reads by this layout; rows that cannot be read are findings."""

    def read(data: bytes) -> Parsed:
        from engine.protocols.tabular.reader import TableReader

        reader = TableReader(layout.table())
        parts = reader.split(data)
        findings = tuple(f"{part.problem}" for part in parts if part.problem is not None)
        if parts and len(findings) == len(parts) and parts[0].problem is not None:
            raise parts[0].problem
        good = [part for part in parts if part.problem is None]

        def lines() -> Iterator[str]:
            for part in good:
                for row in reader.parse(part.body, part.line).rows:
                    facts = "  ".join(f"{name}={printable(str(value))}" for name, value in row.items())
                    yield f"  {click.style(f'line {row.line}', fg='cyan')}  {facts}"

        return Parsed(counted(len(good), "message"), findings, lambda: data, lines, findings)

    return read
