"""Faults of both SOAPs, written and read.

Names are unqualified as SOAP 1.1 asks, and nothing stands in a default namespace: some clients look for
`faultstring` in it and find nothing. Sources: SOAP 1.1 § 4.4, https://www.w3.org/TR/soap12-part1/#soapfault.
"""

from __future__ import annotations

import re
from typing import Literal, NamedTuple
from xml.sax.saxutils import escape

from lxml import etree

from engine.protocols.soap.envelope import Envelope, write_envelope
from engine.protocols.soap.names import ENVELOPES, WSSE, Version

Blame = Literal["client", "server", "version", "must_understand"]
_CODES: dict[Version, dict[Blame, str]] = {
    "1.1": {
        "client": "Client",
        "server": "Server",
        "version": "VersionMismatch",
        "must_understand": "MustUnderstand",
    },
    "1.2": {
        "client": "Sender",
        "server": "Receiver",
        "version": "VersionMismatch",
        "must_understand": "MustUnderstand",
    },
}
_SAFE = re.compile(r"[A-Za-z_][A-Za-z0-9._-]{0,63}").fullmatch
_SERVERS = ("Server", "Receiver")


class Fault(NamedTuple):
    """`security` is a name of WS-Security's own faults (`FailedAuthentication`)."""

    blame: Blame
    reason: str
    code: str | None = None
    where: str | None = None
    security: str | None = None


class FaultTold(NamedTuple):
    """What a far side's fault says, as codes without its words: those may hold values."""

    server: bool
    codes: tuple[str, ...]

    def __str__(self) -> str:
        return "/".join(self.codes) or "no code"


def write_fault(version: Version, fault: Fault, headers: tuple[str, ...] = ()) -> bytes:
    """A whole envelope."""
    code = f"soap:{_CODES[version][fault.blame]}"
    facts = [("code", fault.code), ("where", fault.where)]
    detail = "".join(f"<i:{name}>{escape(text)}</i:{name}>" for name, text in facts if text)
    detail = f'<i:refusal xmlns:i="urn:isthmus:soap">{detail}</i:refusal>' if detail else ""
    write = _write_11 if version == "1.1" else _write_12
    return write_envelope(version, write(code, fault, detail).encode(), headers)


def _write_11(code: str, fault: Fault, detail: str) -> str:
    space = ""
    if fault.security:
        code, space = f"wsse:{fault.security}", f' xmlns:wsse="{WSSE}"'
    return (
        f"<soap:Fault{space}><faultcode>{code}</faultcode><faultstring>{escape(fault.reason)}</faultstring>"
        + (f"<detail>{detail}</detail>" if detail else "")
        + "</soap:Fault>"
    )


def _write_12(code: str, fault: Fault, detail: str) -> str:
    sub, space = "", ""
    if fault.security:
        space = f' xmlns:wsse="{WSSE}"'
        sub = f"<soap:Subcode><soap:Value>wsse:{fault.security}</soap:Value></soap:Subcode>"
    return (
        f"<soap:Fault{space}><soap:Code><soap:Value>{code}</soap:Value>{sub}</soap:Code>"
        f'<soap:Reason><soap:Text xml:lang="en">{escape(fault.reason)}</soap:Text></soap:Reason>'
        + (f"<soap:Detail>{detail}</soap:Detail>" if detail else "")
        + "</soap:Fault>"
    )


def read_fault(envelope: Envelope) -> FaultTold | None:
    """None: the body is no fault."""
    payload, space = envelope.payload, f"{{{ENVELOPES[envelope.version]}}}"
    if payload is None or payload.tag != f"{space}Fault":
        return None
    codes = tuple(local for text in _codes(payload, space) if (local := _local(text)))
    return FaultTold(bool(codes) and codes[0].split(".")[0] in _SERVERS, codes)


def _codes(payload: etree._Element, space: str) -> list[str]:
    if (plain := payload.findtext("faultcode")) is not None:
        return [plain]
    return [value.text or "" for value in payload.iterfind(f"{space}Code//{space}Value")]


def _local(text: str) -> str:
    local = text.strip().rpartition(":")[2]
    return local if _SAFE(local) else ""
