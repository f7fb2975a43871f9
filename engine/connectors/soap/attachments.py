"""Files beside an envelope: taken in with a call, put beside one, read from an answer."""

from __future__ import annotations

import base64
import os
from collections.abc import Mapping, Sequence
from typing import Literal

from lxml import etree

from engine.core.errors import DestinationError, MessageError
from engine.ports.connector import Attachment
from engine.protocols.soap.envelope import Envelope
from engine.protocols.soap.package import PACKAGE, Limits, Package, Part, media_type, read_package
from engine.protocols.soap.xop import Reference, include, name_parts, put_in, references
from engine.protocols.xml.tree import parse_tree

_PARTS_OF_AN_ANSWER = 50
_KEPT = "cid:"


def opened(content_type: str, body: bytes, limits: Limits) -> Package:
    """Raises MessageError: a package that cannot be read, or over the limits."""
    if media_type(content_type) != PACKAGE:
        return Package(body, (), False)
    return read_package(content_type, body, limits)


def linked(envelope: Envelope, package: Package) -> list[Reference]:
    """Where the payload means a part; included ones are written into it, so that the schema can be asked.

    Raises:
        StructureError: a reference to no part.
    """
    if envelope.payload is None or not package.parts:
        return []
    included = put_in(envelope.payload, package.parts) if package.is_mtom else []
    return included + references(envelope.payload, package.parts)


def kept(parts: Sequence[Part]) -> tuple[Attachment, ...]:
    """Two that are the same file are kept once."""
    by_name = {part.name: part for part in parts}
    return tuple(Attachment(name, part.media_type, part.body) for name, part in by_name.items())


def plain_answer(content_type: str, body: bytes) -> tuple[bytes, tuple[Attachment, ...]]:
    """The envelope of an answer with its included parts in it as base64, and its other parts as files.

    The envelope names such a file by `cid:` and its name. What cannot be read stays as it is: the status alone decides
    then.
    """
    try:
        package = opened(content_type, body, Limits(_PARTS_OF_AN_ANSWER, len(body)))
        root = parse_tree(package.envelope)
        included = {id(one.part) for one in put_in(root, package.parts)} if package.is_mtom else set()
        beside = [part for part in package.parts if id(part) not in included]
        named = references(root, beside)
    except MessageError:
        return body, ()
    if not included and not named:
        return package.envelope, kept(beside)
    name_parts(named)
    return etree.tostring(root, encoding="utf-8", xml_declaration=True), kept(beside)


class Parcel:
    """The parts of one call that is being written.

    Args:
        files: those kept beside the message, by name.
    """

    def __init__(self, way: Literal["inline", "mtom", "swa"], files: Mapping[str, Attachment]) -> None:
        self._way, self._files = way, files
        self._stand_ins: list[tuple[bytes, str]] = []
        self.parts: list[Part] = []

    def take(self, text: str) -> bytes | str:
        """What a parameter is given for base64, or for `cid:` and the name of a kept file.

        Raises:
            ValueError: neither.
        """
        file = self._file(text) if text.startswith(_KEPT) else None
        content = base64.b64decode(text, validate=True) if file is None else file.body
        if self._way == "inline":
            return content
        part = self._added(file or Attachment("", "application/octet-stream", content))
        if self._way == "swa":
            return _KEPT + part.content_id
        # Of the type base64Binary as the content would be; its base64 is looked for in what was written.
        stand_in = os.urandom(48)
        self._stand_ins.append((base64.b64encode(stand_in), part.content_id))
        return stand_in

    def add_files(self) -> None:
        """Those that no parameter named go beside the envelope."""
        named = {part.file_name for part in self.parts}
        for name, file in self._files.items():
            if name not in named:
                self._added(file)

    def with_includes(self, payload: bytes) -> bytes:
        """Raises DestinationError: a parameter that is not base64Binary in the WSDL cannot stand in a part."""
        for stand_in, content_id in self._stand_ins:
            if payload.count(stand_in) != 1:
                remedy = "name parameters of xs:base64Binary under attachments"
                raise DestinationError("an attachment is not base64Binary in the WSDL", where="the call", remedy=remedy)
            payload = payload.replace(stand_in, include(content_id))
        return payload

    def _file(self, text: str) -> Attachment:
        file = self._files.get(text.removeprefix(_KEPT))
        if file is None:
            raise ValueError("no such file is kept beside the message")
        return file

    def _added(self, file: Attachment) -> Part:
        part = Part(f"part-{len(self.parts) + 1}@isthmus", file.media_type, file.body, file.name)
        self.parts.append(part)
        return part
