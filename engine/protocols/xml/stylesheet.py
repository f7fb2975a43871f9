"""XSLT without a way out: no file, no network, no other stylesheet, no document().

A stylesheet is the site's own file, reviewed as its scripts are; what it is applied to comes from anywhere.
"""

from __future__ import annotations

from lxml import etree

from engine.core.errors import ConfigurationError, MessageError, TransformError
from engine.protocols.xml.tree import parse_tree

_XSL = "http://www.w3.org/1999/XSL/Transform"
_DEEPEST = 1000  # templates that call one another


class Stylesheet:
    """Compiled once.

    Raises:
        ConfigurationError: not XSLT 1.0, or it names another stylesheet.
    """

    def __init__(self, text: bytes, where: str) -> None:
        self._where = where
        try:
            root = parse_tree(text)
        except MessageError as error:
            raise ConfigurationError(error.what, where=where, remedy=error.remedy) from None
        if any(True for _ in root.iter(f"{{{_XSL}}}import", f"{{{_XSL}}}include")):
            raise ConfigurationError("a stylesheet that brings in another", where=where, remedy="write it in one file")
        try:
            self._compiled = etree.XSLT(root, access_control=etree.XSLTAccessControl.DENY_ALL)  # type: ignore[attr-defined]
        except etree.XSLTParseError:
            raise ConfigurationError("not a stylesheet of XSLT 1.0", where=where) from None
        self._compiled.set_global_max_depth(_DEEPEST)  # type: ignore[attr-defined]

    def apply(self, root: etree._Element) -> bytes:
        """The result as the stylesheet's `xsl:output` says.

        Raises:
            TransformError: it stopped, or reached for a file or the network; names the stylesheet.
        """
        try:
            return bytes(self._compiled(root))
        except etree.XSLTApplyError:
            remedy = "it may read nothing but its input"
            raise TransformError("the stylesheet stopped", where=self._where, remedy=remedy) from None
