"""Our keys and the partners' certificates, loaded when a channel starts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from cryptography import x509

from engine.connectors.as2.settings import KeyPair
from engine.core.errors import ConfigurationError
from engine.ports.connector import ConnectorContext
from engine.protocols.as2.keys import Identity, certificates, identity, is_valid, refuse_weak

EXPIRY_DAYS = 30  # from then on check() tells


class PairOf(NamedTuple):
    """A certificate's file, and references to its key and password."""

    certificate: str
    key: str
    key_password: str | None


def load_identity(pair: PairOf | KeyPair, context: ConnectorContext) -> Identity:
    """Raises ConfigurationError: not readable, too weak, or key and certificate of two kinds."""
    key = context.secrets.resolve(pair.key)
    password = context.secrets.resolve(pair.key_password).strip() if pair.key_password else None
    try:
        return identity(_read(context.root / pair.certificate), key.encode(), password)
    except (ValueError, TypeError) as error:
        raise ConfigurationError(
            f"certificate and key cannot be used: {_words(error)}",
            where=f"{context.name}: {pair.certificate}",
            remedy="give the certificate as PEM, its RSA key of 2048 bits or more as PEM, and the key's password",
        ) from None


def load_certificates(files: Iterable[str], context: ConnectorContext) -> tuple[x509.Certificate, ...]:
    """The first certificate of each file.

    Raises:
        ConfigurationError: one cannot be used.
    """
    found = []
    for file in files:
        try:
            one = certificates(_read(context.root / file))[0]
            refuse_weak(one)
        except (ValueError, IndexError) as error:
            raise ConfigurationError(
                f"the partner's certificate cannot be used: {_words(error)}",
                where=f"{context.name}: {file}",
                remedy="ask the partner for its certificate as PEM",
            ) from None
        found.append(one)
    return tuple(found)


def valid(theirs: Sequence[x509.Certificate], at: datetime) -> tuple[x509.Certificate, ...]:
    return tuple(one for one in theirs if is_valid(one, at))


def expiry(named: Iterable[tuple[str, Sequence[x509.Certificate]]], now: datetime) -> tuple[bool, str]:
    """Whether each owner has a certificate that is valid, and words on those that will not be for long."""
    good, words = True, []
    for owner, theirs in named:
        ends = max((one.not_valid_after_utc for one in theirs), default=None)
        if ends is None:
            continue
        left = (ends - now) // timedelta(days=1)
        if not valid(theirs, now):
            good = False
            words.append(f"no certificate of {owner} is valid")
        elif left <= EXPIRY_DAYS:
            words.append(f"the last certificate of {owner} expires in {left} days")
    return good, "; ".join(words)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ValueError(error.strerror or "cannot be read") from None


def _words(error: Exception) -> str:
    """Ours are short; a library's may quote what it read."""
    text = str(error)
    return text if len(text) < 80 and text.isascii() and "-----" not in text else type(error).__name__
