"""Which key a server must show: pinned by a `known_hosts` file or by fingerprints, never learnt from the server.

Lines of a `known_hosts` file: names in clear or hashed, `[name]:port` for other ports; `@revoked` keys are
refused whatever else is written; `@cert-authority` lines pin nothing here.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from pathlib import Path

from engine.core.errors import ConfigurationError, TransportError

_SSH_PORT = 22


class HostKeyError(TransportError):
    """The server's host key is not the pinned one: another machine may be in its place. Nothing is sent to it."""

    code = "T051"


class PinnedKeys:
    """The keys that one server may show.

    Raises:
        ConfigurationError: the file cannot be read, or has no key of this server.
    """

    def __init__(self, host: str, port: int, file: Path | None, fingerprints: tuple[str, ...], where: str) -> None:
        self._where, self._fingerprints = where, frozenset(fingerprints)
        self._keys: dict[bytes, str] = {}
        self._revoked: set[bytes] = set()
        if file is not None:
            self._load(file, host if port == _SSH_PORT else f"[{host}]:{port}")

    @property
    def kinds(self) -> list[str]:
        """Kinds of the pinned keys, so that the server is asked for one of them; empty: only fingerprints are known."""
        return [] if self._fingerprints else sorted(set(self._keys.values()))

    def check(self, blob: bytes) -> None:
        """`blob`: the public key as the protocol carries it. Raises HostKeyError."""
        shown = fingerprint(blob)
        if blob not in self._revoked and (blob in self._keys or shown in self._fingerprints):
            return
        raise HostKeyError(
            f"the server shows the host key {shown}, which is {'revoked' if blob in self._revoked else 'not pinned'}",
            where=self._where,
            remedy="ask the server's operator for its fingerprint by another way; pin it only when it is the same",
        )

    def _load(self, file: Path, name: str) -> None:
        try:
            lines = file.read_text("utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigurationError(
                f"known_hosts cannot be read: {type(error).__name__}",
                where=f"{self._where}.known_hosts",
                remedy="write the file with the server's host key into the site",
            ) from None
        for line in lines:
            self._take(line.split(), name)
        if not self._keys and not self._fingerprints:
            raise ConfigurationError(
                "known_hosts has no key of this server",
                where=f"{self._where}.known_hosts",
                remedy="add the line that the server's operator confirms; another port than 22 is written [name]:port",
            )

    def _take(self, words: list[str], name: str) -> None:
        marker = words.pop(0) if words and words[0].startswith("@") else ""
        if len(words) < 3 or words[0].startswith("#") or not _names(words[0], name):
            return
        try:
            blob = base64.b64decode(words[2], validate=True)
        except binascii.Error:
            return
        if marker == "@revoked":
            self._revoked.add(blob)
        elif not marker:
            self._keys[blob] = words[1]


def fingerprint(blob: bytes) -> str:
    """As `ssh-keygen -l` writes it."""
    return "SHA256:" + base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")


def _names(listed: str, name: str) -> bool:
    if listed.startswith("|1|"):
        return _is_hash_of(listed, name)
    return name.lower() in listed.lower().split(",")


def _is_hash_of(listed: str, name: str) -> bool:
    try:
        salt, digest = (base64.b64decode(part, validate=True) for part in listed[3:].split("|"))
    except (binascii.Error, ValueError):
        return False
    return hmac.compare_digest(hmac.new(salt, name.lower().encode(), "sha1").digest(), digest)
