"""An XML message, read by path: `Header/Number`, `Lines/Line[2]/@sku`. Places are such paths."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING

from engine.core.errors import DataTypeError
from engine.protocols.by_path import ByPath
from engine.protocols.xml.path import found

if TYPE_CHECKING:
    from lxml.etree import _Element


class XmlMessage(ByPath):
    """Values are text, without blanks at their ends. `encode` gives the bytes as they came.

    Raises (on `parse`):
        StructureError: not XML, or with a DOCTYPE that is not to be ignored; names the line.
        SizeLimitError: far more elements than a message can need.
    """

    __slots__ = ("_body", "_namespaces", "_root")

    def __init__(self, body: bytes, root: _Element, namespaces: Mapping[str, str]) -> None:
        self._body, self._root, self._namespaces = body, root, namespaces

    @classmethod
    def parse(
        cls, body: bytes, namespaces: Mapping[str, str] | None = None, *, ignore_doctype: bool = False
    ) -> XmlMessage:
        """`namespaces`: prefix in paths to namespace. `ignore_doctype`: one that only names a DTD is passed over."""
        from engine.protocols.xml.tree import parse_tree, without_doctype  # imported for channels that need it

        return cls(body, parse_tree(without_doctype(body) if ignore_doctype else body), namespaces or {})

    @property
    def name(self) -> str:
        """The root element's name, without its namespace."""
        return str(self._root.tag).rpartition("}")[2]

    def get(self, path: str) -> str | None:
        """Text of the first element or attribute there; None when there is none, or it holds only elements."""
        for node in found(self._root, path, self._namespaces):
            if isinstance(node, str):
                return node.strip()
            text = (node.text or "").strip() if len(node) else "".join(map(str, node.itertext())).strip()
            return None if len(node) and not text else text
        return None

    def date(self, path: str) -> date:
        """`2026-11-21`, with or without a time behind it.

        Raises:
            RequiredFieldError, DataTypeError: with the path.
        """
        try:
            return date.fromisoformat(self.require(path)[:10])
        except ValueError:
            raise DataTypeError("not a date (YYYY-MM-DD)", where=path) from None

    def all(self, path: str) -> tuple[XmlMessage, ...]:
        """Each element there, as a message of its own: its paths start at its children."""
        nodes = found(self._root, path, self._namespaces)
        return tuple(XmlMessage(b"", node, self._namespaces) for node in nodes if not isinstance(node, str))

    def encode(self) -> bytes:
        return self._body
