"""TLS for listeners and clients: settings and contexts that follow their files.

TLS 1.2 at least. Certificates are renewed by replacing the files: the next connection uses the new ones, open
connections go on. A replacement that cannot be loaded (half written, key of another certificate) is left
aside and the last good one stays in use; `problem` says so.
"""

from __future__ import annotations

import hashlib
import ssl
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from engine.channel.model import Settings
from engine.connectors.fields import SecretReference
from engine.core.errors import ConfigurationError
from engine.ports.connector import Secrets

_LOOK_AGAIN_AFTER = 1.0  # seconds: a handshake costs far more than the stat calls this saves
_VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}
Fingerprint = Annotated[str, Field(pattern=r"^[0-9a-fA-F]{2}(:?[0-9a-fA-F]{2}){31}$")]


class TlsSettings(Settings):
    """What both ends have. Paths are relative to the site."""

    key_password: SecretReference | None = Field(
        default=None, description="Password of the private key, if it has one."
    )
    minimum_version: Literal["1.2", "1.3"] = Field(default="1.2", description="Oldest TLS version that is spoken.")
    pinned: tuple[Fingerprint, ...] = Field(
        default=(), description="SHA-256 fingerprints of the peer certificates that are let in; empty: any valid one."
    )


class ServerTls(TlsSettings):
    """TLS of a listener."""

    certificate: str = Field(description="PEM file: certificate, then its chain.", examples=["tls/server.pem"])
    key: str = Field(description="PEM file: private key.", examples=["tls/server.key"])
    client_ca: str | None = Field(
        default=None, description="PEM file: authorities whose client certificates are required (mutual TLS)."
    )


class ClientTls(TlsSettings):
    """TLS of a destination."""

    ca: str | None = Field(default=None, description="PEM file: authorities to trust; none: those of the system.")
    certificate: str | None = Field(default=None, description="PEM file: our client certificate (mutual TLS).")
    key: str | None = Field(default=None, description="PEM file: its private key; none: in the certificate's file.")
    verify: bool = Field(default=True, description="Check the peer's certificate. false only on a test bench.")
    server_name: str | None = Field(
        default=None, description="Name in the peer's certificate when it differs from the address."
    )


class _Following:
    """A context that is built again when one of its files changed."""

    def __init__(self, files: tuple[Path, ...], build: Callable[[], ssl.SSLContext]) -> None:
        self._files, self._build = files, build
        self._seen, self._looked_at = self._stamp(), time.monotonic()
        self._context = build()
        self.problem: str | None = None

    def current(self) -> ssl.SSLContext:
        now = time.monotonic()
        if now - self._looked_at >= _LOOK_AGAIN_AFTER:
            self._looked_at = now
            self.look()
        return self._context

    def look(self) -> None:
        """Look at the files now."""
        stamp = self._stamp()
        if stamp == self._seen:
            return
        try:
            self._context, self.problem = self._build(), None
            self._seen = stamp
        except ConfigurationError as error:  # not remembered as seen: the next look tries again
            self.problem = str(error)

    def _stamp(self) -> tuple[tuple[int, int, int] | None, ...]:
        return tuple(_stamp(path) for path in self._files)


class ServerContext:
    """The listener's side: give `context` to `create_server(ssl=…)` once; each handshake takes the newest files.

    Raises:
        ConfigurationError: files are missing or do not fit; names the setting's file, never its content.
    """

    def __init__(self, settings: ServerTls, root: Path, secrets: Secrets) -> None:
        paths = [settings.certificate, settings.key, *([settings.client_ca] if settings.client_ca else [])]
        self._following = _Following(
            tuple(root / path for path in paths), lambda: _server_context(settings, root, secrets)
        )
        self.context = self._following.current()
        self.context.sni_callback = self._use_newest

    @property
    def problem(self) -> str | None:
        return self._following.problem

    def look(self) -> None:
        """Look at the files now instead of within a second."""
        self._following.look()

    def _use_newest(self, connection: ssl.SSLObject, name: str | None, context: ssl.SSLContext) -> None:
        # Called in every handshake, with or without a server name.
        newest = self._following.current()
        if newest is not context:
            connection.context = newest


class ClientContext:
    """The destination's side: ask for `current()` before each connection."""

    def __init__(self, settings: ClientTls, root: Path, secrets: Secrets) -> None:
        paths = [path for path in (settings.ca, settings.certificate, settings.key) if path]
        self._following = _Following(
            tuple(root / path for path in paths), lambda: _client_context(settings, root, secrets)
        )

    @property
    def problem(self) -> str | None:
        return self._following.problem

    def look(self) -> None:
        self._following.look()

    def current(self) -> ssl.SSLContext:
        return self._following.current()


def days_left(certificate: Path, now: datetime) -> int | None:
    """Whole days until the first certificate of a PEM file expires, negative afterwards; None: it cannot be read."""
    from cryptography.x509 import load_pem_x509_certificate  # slow to import, and seldom needed

    try:
        first = load_pem_x509_certificate(certificate.read_bytes())
    except (OSError, ValueError):
        return None
    return (first.not_valid_after_utc - now) // timedelta(days=1)


def check_pinned(settings: TlsSettings, certificate: bytes | None) -> bool:
    """Tell whether the peer's certificate (DER, `getpeercert(binary_form=True)`) is one of the pinned ones."""
    if not settings.pinned:
        return True
    found = hashlib.sha256(certificate or b"").hexdigest()
    return any(pin.replace(":", "").lower() == found for pin in settings.pinned)


def _server_context(settings: ServerTls, root: Path, secrets: Secrets) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = _VERSIONS[settings.minimum_version]
    _load_pair(context, root / settings.certificate, root / settings.key, _password(settings, secrets))
    if settings.client_ca:
        context.verify_mode = ssl.CERT_REQUIRED
        _load_authorities(context, root / settings.client_ca)
    return context


def _client_context(settings: ClientTls, root: Path, secrets: Secrets) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = _VERSIONS[settings.minimum_version]
    if not settings.verify:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    elif settings.ca:
        _load_authorities(context, root / settings.ca)
    else:
        context.load_default_certs()
    if settings.certificate:
        key = root / (settings.key or settings.certificate)
        _load_pair(context, root / settings.certificate, key, _password(settings, secrets))
    return context


def _password(settings: TlsSettings, secrets: Secrets) -> str:
    # Never None: OpenSSL would ask for it on the terminal.
    return secrets.resolve(settings.key_password) if settings.key_password else ""


def _load_pair(context: ssl.SSLContext, certificate: Path, key: Path, password: str) -> None:
    try:
        context.load_cert_chain(certificate, key, password)
    except (OSError, ValueError) as error:
        raise _unusable(certificate, "the certificate and its key", error) from None


def _load_authorities(context: ssl.SSLContext, path: Path) -> None:
    try:
        context.load_verify_locations(path)
    except (OSError, ValueError) as error:
        raise _unusable(path, "the authorities", error) from None


def _unusable(path: Path, what: str, error: Exception) -> ConfigurationError:
    reason = getattr(error, "reason", None) or getattr(error, "strerror", None) or type(error).__name__
    return ConfigurationError(
        f"{what} cannot be loaded: {reason}",
        where=path.name,
        remedy="check the file, its permissions, and that certificate and key belong together",
    )


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        stat = path.stat()
    except OSError:
        return None
    return stat.st_mtime_ns, stat.st_size, stat.st_ino
