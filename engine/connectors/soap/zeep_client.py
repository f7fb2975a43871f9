"""Calls written by zeep, for any WSDL: a client for each thread, with a transport that has no network at all."""

from __future__ import annotations

import threading
from pathlib import Path, PurePosixPath
from typing import Any, NoReturn

import zeep
import zeep.exceptions
from lxml import etree

from engine.channel.site_files import SiteFiles
from engine.connectors.soap.parameters import Written
from engine.core.errors import ConfigurationError, DestinationError, IsthmusError
from engine.protocols.soap.names import ENVELOPES
from engine.protocols.soap.wsdl import read_schema
from engine.protocols.xml.schema import Schema
from engine.protocols.xml.tree import parse_tree


class _NoNetwork:
    """What zeep loads comes from the WSDL's folder; it sends nothing."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._files = folder.resolve(), SiteFiles(folder)

    def load(self, url: Any) -> bytes:
        """Raises ConfigurationError: not of the folder; or with a DOCTYPE."""
        path = Path(str(url))
        if "://" in str(url) or not path.is_relative_to(self._folder):
            remedy = "keep a copy beside the WSDL and write its relative name there"
            raise ConfigurationError("a document from elsewhere is never fetched", where=path.name, remedy=remedy)
        content = self._files.load(str(path.relative_to(self._folder)))
        parse_tree(content)
        return content

    def post(self, address: str, message: object, headers: object) -> NoReturn:
        raise ConfigurationError("nothing is sent from here")

    post_xml = get = post


class Calls:
    """Writes calls of one operation."""

    def __init__(
        self, root: Path, wsdl: str, operation: str, service: str | None = None, port: str | None = None,
        *, validate: bool = True,
    ) -> None:  # fmt: skip
        self._validate = validate
        self._path = root / PurePosixPath(wsdl)
        self._named, self._operation, self._where = (service, port), operation, wsdl
        self._clients = threading.local()

    def prepare(self) -> None:
        """Raises ConfigurationError: the WSDL cannot be used, or has no such operation."""
        self._client()

    def write(self, parameters: dict[str, Any]) -> Written:
        """Slow (milliseconds) and synchronous: call it in a thread.

        Raises:
            DestinationError: the parameters do not fit the operation; names the parameter, where zeep does.
        """
        client, proxy, schema = self._client()
        try:
            envelope = client.create_message(proxy, self._operation, **parameters)
        except zeep.exceptions.ValidationError as error:
            # Its words are rule and names of the schema ("Missing element X (a.b)"); its path too.
            place = ".".join(error.path) if error.path else None
            raise DestinationError("not what the operation takes", where=place or self._operation) from None
        except (TypeError, ValueError, AttributeError, KeyError, ArithmeticError, zeep.exceptions.Error):
            remedy = "compare the document and `parameters` with the WSDL"
            raise DestinationError("cannot be written as the WSDL asks", where=self._operation, remedy=remedy) from None
        return self._taken_apart(envelope, proxy, schema)

    def _taken_apart(self, envelope: etree._Element, proxy: Any, schema: Schema | None) -> Written:
        version = next(one for one, space in ENVELOPES.items() if envelope.tag.startswith(f"{{{space}}}"))
        space = f"{{{ENVELOPES[version]}}}"
        header, body = envelope.find(f"{space}Header"), envelope.find(f"{space}Body")
        blocks = [etree.tostring(one, encoding="unicode") for one in (header if header is not None else ())]
        for finding in schema.check(body[0]) if schema is not None and body is not None and len(body) else ():
            remedy = "compare the document and `parameters` with the WSDL"
            raise DestinationError(f"the schema does not allow it: {finding.what}", where=finding.place, remedy=remedy)
        payload = b"".join(etree.tostring(one, encoding="utf-8", with_tail=False) for one in body)  # type: ignore[union-attr]
        action = proxy._binding.get(self._operation).soapaction or ""
        return Written(payload, tuple(blocks), version, action)

    def _client(self) -> tuple[Any, Any, Schema | None]:
        if not hasattr(self._clients, "own"):
            client, proxy = self._loaded()
            self._clients.own = client, proxy, self._schema(proxy)
        own: tuple[Any, Any, Schema | None] = self._clients.own
        return own

    def _schema(self, proxy: Any) -> Schema | None:
        """None: not asked for, or an rpc operation, whose body's element is declared in no schema."""
        if not self._validate or proxy._binding.get(self._operation).style != "document":
            return None
        files = SiteFiles(self._path.parent)
        return read_schema(self._path.name, files.load, files.resolve)

    def _loaded(self) -> tuple[Any, Any]:
        settings = zeep.Settings(
            strict=True, forbid_dtd=True, forbid_entities=True, forbid_external=True, force_https=False
        )
        try:
            client: Any = zeep.Client(  # type: ignore[no-untyped-call]
                str(self._path.resolve()), transport=_NoNetwork(self._path.parent), settings=settings
            )
            service, port = self._named
            proxy = client.bind(service_name=service, port_name=port)
            if proxy is None:
                raise ConfigurationError("the WSDL has no service", where=self._where)
            proxy._binding.get(self._operation)
        except IsthmusError:
            raise
        except zeep.exceptions.ExternalReferenceForbidden:
            remedy = "keep a copy beside the WSDL and write its relative name there"
            words = "a document from elsewhere is never fetched"
            raise ConfigurationError(words, where=self._where, remedy=remedy) from None
        except Exception as error:  # a library reads a file of the site, and its errors are of many kinds
            words = f"the WSDL, its service, port or operation cannot be used ({type(error).__name__})"
            raise ConfigurationError(words, where=f"{self._where}: {self._operation}") from None
        return client, proxy
