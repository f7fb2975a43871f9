"""What one service of the site is: its WSDL, who may call it, and how each operation is answered."""

from __future__ import annotations

from datetime import datetime
from pathlib import PurePosixPath
from typing import NamedTuple

from lxml import etree

from engine.channel.site_files import SiteFiles, site_file
from engine.connectors.soap.settings import SoapSourceSettings
from engine.core.errors import ConfigurationError, RequiredFieldError, StructureError, UnacceptedTypeError
from engine.core.ids import id_text
from engine.ports.connector import ConnectorContext, Receipt
from engine.protocols.soap.envelope import Envelope
from engine.protocols.soap.security import (
    Nonces,
    SecurityTokenError,
    UsernameToken,
    check_fresh,
    check_timestamp,
    is_right,
    read_token,
)
from engine.protocols.soap.template import Template, compile_template
from engine.protocols.soap.wsdl import Operation, Wsdl, read_wsdl
from engine.protocols.xml.tree import parse_tree

_NOBODY = "a password that no user has"


class Door:
    """Judges UsernameTokens. One for a source, because it remembers nonces."""

    def __init__(self, settings: SoapSourceSettings, context: ConnectorContext) -> None:
        self._accepted = settings.username_token
        users = self._accepted.users if self._accepted else {}
        self._users = {name: context.secrets.resolve(where).strip() for name, where in users.items()}
        for name, password in self._users.items():
            if not password:
                place = f"{context.name}.username_token.users.{name}"
                raise ConfigurationError("the password is empty", where=place, remedy="set a long one")
        self._clock = context.clock
        # A token may be as old as `skew` and as young as minus `skew`: so long it could come again.
        self._nonces = Nonces(self._accepted.skew * 2) if self._accepted else None

    def admit(self, envelope: Envelope) -> UsernameToken | None:
        """None: nobody is asked.

        Raises:
            SecurityTokenError: who sends is not proved; the words never tell whether the user or the password is wrong.
        """
        if self._accepted is None or self._nonces is None:
            return None
        now = self._clock.now()
        token = read_token(envelope)
        if token is None:
            raise SecurityTokenError("a UsernameToken is required", "InvalidSecurity")
        wanted = self._accepted.passwords
        if wanted != "either" and token.is_digest != (wanted == "digest"):
            raise SecurityTokenError(f"the password must come as {wanted}", "UnsupportedSecurityToken")
        if not is_right(token, self._users.get(token.user, _NOBODY)) or token.user not in self._users:
            raise SecurityTokenError("user or password is wrong", "FailedAuthentication")
        check_fresh(token, now, self._accepted.skew)
        check_timestamp(envelope, now, self._accepted.skew)
        if token.nonce and not self._nonces.is_new(token.user, token.nonce, now):
            raise SecurityTokenError("this token was used before", "FailedAuthentication")
        return token

    def forget(self, token: UsernameToken | None) -> None:
        """The call was not stored: its token may come once more."""
        if token is not None and self._nonces is not None:
            self._nonces.forget(token.user, token.nonce)


class Service(NamedTuple):
    """`answers`: a template for each operation that has a result."""

    wsdl: Wsdl
    answers: dict[str, Template]
    takes: frozenset[str]

    def operation(self, envelope: Envelope, action: str | None, validate: bool) -> Operation:
        """What is called.

        Raises:
            UnacceptedTypeError: nothing that is served here.
            StructureError: the schema does not allow it; names place and rule.
        """
        if envelope.payload is None:
            raise StructureError("the body is empty", where="Envelope/Body")
        called = self.wsdl.called(envelope.name, action)
        if called is None or called.name not in self.takes:
            remedy = "compare element and SOAPAction with the WSDL"
            raise UnacceptedTypeError("no operation of this service", where="Envelope/Body", remedy=remedy)
        if validate:
            check_schema(self.wsdl, envelope.payload)
        return called

    def answer(self, operation: Operation, receipt: Receipt, correlation_id: str) -> bytes | None:
        """The body's element; None: the operation is one-way."""
        if operation.output is None:
            return None
        return self.answers[operation.name].fill(
            facts(id_text(receipt.message_id), correlation_id, receipt.received_at, receipt.verdict.value)
        )


def facts(message_id: str, correlation_id: str, received_at: datetime, verdict: str) -> dict[str, str]:
    """What a result's template may say. A repeat is answered as the first time, but for `verdict`."""
    moment = f"{received_at:%Y-%m-%dT%H:%M:%S}Z"
    return {"message_id": message_id, "correlation_id": correlation_id, "received_at": moment, "verdict": verdict}


def check_schema(wsdl: Wsdl, element: etree._Element) -> None:
    """Raises StructureError: the first thing that is wrong, and how many there are at least."""
    findings = wsdl.schema.check(element)
    if findings:
        more = f" (and {len(findings) - 1} more)" if len(findings) > 1 else ""
        raise StructureError(f"{findings[0].what}{more}", where=findings[0].place, remedy="compare it with the schema")


def read_service(settings: SoapSourceSettings, context: ConnectorContext) -> Service:
    """Raises ConfigurationError: WSDL or templates cannot be used, or a template's result breaks the schema."""
    path = PurePosixPath(settings.wsdl)
    files = SiteFiles(context.root / path.parent)
    wsdl = read_wsdl(path.name, files.load, files.resolve, settings.service)
    known = {one.name: one for one in wsdl.operations}
    for name in (*settings.operations, *settings.answers):
        if name not in known:
            raise ConfigurationError("the WSDL has no such operation", where=f"{settings.wsdl}: {name}")
    takes = frozenset(settings.operations or known)
    answers = {
        name: _template(settings.answers.get(name), known[name], wsdl, context)
        for name in sorted(takes)
        if known[name].output is not None
    }
    return Service(wsdl, answers, takes)


def _template(file: str | None, operation: Operation, wsdl: Wsdl, context: ConnectorContext) -> Template:
    where = file or f"{operation.name}: the empty response"
    text = site_file(context.root, file, "the answer's template") if file else _empty(operation.output or "")
    template = compile_template(text, where)
    try:
        sample = parse_tree(template.fill(facts("0" * 13, "0" * 13, context.clock.now(), "accepted")))
        if sample.tag != operation.output:
            raise ConfigurationError("not the response element of the operation", where=where)
        check_schema(wsdl, sample)
    except (StructureError, RequiredFieldError) as error:
        remedy = f"write a template and name it under answers: {operation.name}"
        words = f"the schema does not allow it: {error.what} at {error.where}"
        raise ConfigurationError(words, where=where, remedy=remedy) from None
    return template


def _empty(name: str) -> bytes:
    namespace, _, _ = name.removeprefix("{").rpartition("}")
    return etree.tostring(etree.Element(name, nsmap={"r": namespace} if namespace else None))
