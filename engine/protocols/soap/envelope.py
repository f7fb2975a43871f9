"""An envelope read and written: header blocks, and the one element of the body that is the message.

Sources: https://www.w3.org/TR/2000/NOTE-SOAP-20000508/, https://www.w3.org/TR/soap12-part1/,
https://www.w3.org/TR/ws-addr-soap/.
"""

from __future__ import annotations

from collections.abc import Iterable
from copy import deepcopy
from typing import NamedTuple
from xml.sax.saxutils import escape

from lxml import etree

from engine.core.errors import FramingError, StructureError
from engine.protocols.soap.names import ENVELOPES, NEXT, ULTIMATE, WSA, WSSE, WSU, Version
from engine.protocols.xml.tree import parse_tree

MOST_ELEMENTS = 200_000
_VERSIONS = {namespace: version for version, namespace in ENVELOPES.items()}
_ENVELOPES_OWN = frozenset({*ENVELOPES.values(), WSSE, WSU, *WSA})
_UNDERSTOOD = frozenset({WSSE, *WSA})
_SAYS_YES = frozenset({"1", "true"})


class SoapVersionError(FramingError):
    """The root is an Envelope of another SOAP."""

    code = "M030"


class HeaderNotUnderstoodError(StructureError):
    """A header block that must be understood is not known here."""

    code = "M031"


class Envelope(NamedTuple):
    """`payload` is None when the body is empty."""

    version: Version
    header: etree._Element | None
    payload: etree._Element | None

    @property
    def name(self) -> str:
        """The payload's name as `{namespace}local`, or nothing."""
        return str(self.payload.tag) if self.payload is not None else ""

    def message_id(self) -> str | None:
        """`wsa:MessageID`, of either WS-Addressing."""
        found = (self.block(f"{{{namespace}}}MessageID") for namespace in WSA)
        texts = [(one.text or "").strip() for one in found if one is not None]
        return texts[0] or None if texts else None

    def block(self, name: str) -> etree._Element | None:
        return self.header.find(name) if self.header is not None else None


def read_envelope(body: bytes, most_elements: int = MOST_ELEMENTS) -> Envelope:
    """Raises:
    StructureError: not XML, with a DOCTYPE, or no envelope with one body and at most one element in it.
    SoapVersionError: an Envelope, but of no SOAP that is spoken here.
    SizeLimitError: more elements than allowed.
    """
    root = parse_tree(body, most_elements)
    namespace, _, local = str(root.tag).removeprefix("{").rpartition("}")
    if local != "Envelope":
        raise StructureError("not a SOAP envelope", where="the root element", remedy="send soap:Envelope")
    version = _VERSIONS.get(namespace)
    if version is None:
        raise SoapVersionError("neither SOAP 1.1 nor 1.2", where="Envelope")
    bodies = root.findall(f"{{{namespace}}}Body")
    headers = root.findall(f"{{{namespace}}}Header")
    if len(bodies) != 1 or len(headers) > 1:
        raise StructureError("an envelope has one Body and at most one Header", where="Envelope")
    if len(bodies[0]) > 1:
        raise StructureError("more than one element", where="Envelope/Body", remedy="send one element for each call")
    return Envelope(version, headers[0] if headers else None, bodies[0][0] if len(bodies[0]) else None)


def check_understood(envelope: Envelope) -> None:
    """Raises HeaderNotUnderstoodError: a block for us says mustUnderstand, and we do not."""
    namespace = ENVELOPES[envelope.version]
    for block in envelope.header if envelope.header is not None else ():
        role = block.get(f"{{{namespace}}}actor") or block.get(f"{{{namespace}}}role") or ""
        if role not in ("", NEXT[envelope.version], ULTIMATE):
            continue
        if block.get(f"{{{namespace}}}mustUnderstand") not in _SAYS_YES:
            continue
        space, _, _ = str(block.tag).removeprefix("{").rpartition("}")
        if space not in _UNDERSTOOD:
            raise HeaderNotUnderstoodError(
                "a header that must be understood is not known here", where="Envelope/Header"
            )


def payload_bytes(payload: etree._Element) -> bytes:
    """The element alone, as UTF-8, with the namespaces that stood around it, but for the envelope's own: the same
    call by another SOAP is the same message. Other unused ones stay, because texts may name types by them.
    """
    alone = deepcopy(payload)
    declared = [*payload.nsmap.items(), *(one for _, one in etree.iterwalk(payload, events=("start-ns",)))]
    kept = {str(prefix) for prefix, space in declared if prefix and space not in _ENVELOPES_OWN}
    etree.cleanup_namespaces(alone, keep_ns_prefixes=sorted(kept))
    return etree.tostring(alone, encoding="utf-8", xml_declaration=False, with_tail=False)


def write_envelope(version: Version, payload: bytes, headers: Iterable[str] = ()) -> bytes:
    """`payload` is one element as UTF-8 without declaration; `headers` are blocks as text."""
    blocks = "".join(headers)
    header = f"<soap:Header>{blocks}</soap:Header>" if blocks else ""
    start = (
        f"<?xml version='1.0' encoding='utf-8'?>\n"
        f'<soap:Envelope xmlns:soap="{ENVELOPES[version]}">{header}<soap:Body>'
    )
    return start.encode() + payload + b"</soap:Body></soap:Envelope>"


def addressing(**blocks: str) -> str:
    """Header blocks of WS-Addressing 1.0: `addressing(MessageID="urn:…", Action="…")`."""
    return "".join(f'<wsa:{name} xmlns:wsa="{WSA[0]}">{escape(text)}</wsa:{name}>' for name, text in blocks.items())
