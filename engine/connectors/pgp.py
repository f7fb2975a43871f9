"""PGP around files: decrypted and verified on their way in, signed and encrypted on their way out (RFC 9580, RFC 4880).

What is not protected against changes is refused, and so is any algorithm that Sequoia's policy has given up. So is what
is only signed or compressed, unless a channel says that it takes it.
Two things that GnuPG may do cannot be read: bzip2, and, where signatures must be verified, PGP's own compression
(the library looks for a signature directly inside the encryption only). Senders set `--compress-algo none`.
"""

from __future__ import annotations

import binascii
import json
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from engine.channel.model import Settings
from engine.connectors import pgp_child
from engine.connectors.fields import SecretReference
from engine.core.errors import ConfigurationError, FramingError, MessageError, SizeLimitError
from engine.ports.connector import ConnectorContext

_SECONDS = 60
_ARMOR = re.compile(rb"-----BEGIN PGP MESSAGE-----[^\n]*\n(?:[^\n]*: [^\n]*\n)*[ \t\r]*\n([A-Za-z0-9+/\r\n]{4,400})")
_ENCRYPTED = frozenset({1, 3, 9, 18, 20})  # packets that an encrypted message begins with (RFC 9580 § 10.3)
_BEFORE_IT = frozenset({10, 21})  # marker and padding, which say nothing
KeyFile = Annotated[str, Field(min_length=1, max_length=500, pattern=r"^[^\x00]+$")]


class SignatureError(MessageError):
    """No valid signature of a key that the channel trusts."""

    code = "M013"


class PgpOpening(Settings):
    """How files that come in are decrypted."""

    key: SecretReference = Field(description="Where our private key is kept, in ASCII armor.")
    passphrase: SecretReference | None = Field(default=None, description="Where the private key's passphrase is kept.")
    signed_by: tuple[KeyFile, ...] = Field(
        default=(),
        description="Files with public keys, relative to the site; a file without a valid signature of one of them is "
        "refused. Empty: signatures are not looked at.",
        examples=[["config/keys/alderbrook.asc"]],
    )
    encrypted: Literal["required", "optional"] = Field(
        default="required",
        description="What is not encrypted is refused; optional: what is only signed or compressed is taken, too.",
    )


class PgpSealing(Settings):
    """How files that go out are encrypted."""

    recipients: tuple[KeyFile, ...] = Field(
        min_length=1, description="Files with the readers' public keys, relative to the site.",
        examples=[["config/keys/bank.asc"]],
    )  # fmt: skip
    sign_with: SecretReference | None = Field(
        default=None, description="Where our private key is kept, in ASCII armor; none: not signed."
    )
    passphrase: SecretReference | None = Field(default=None, description="Where the private key's passphrase is kept.")
    armor: bool = Field(default=False, description="As text instead of bytes.")

    @model_validator(mode="after")
    def _passphrase_of_a_key(self) -> PgpSealing:
        if self.passphrase and not self.sign_with:
            raise ValueError("passphrase belongs to sign_with")
        return self


class PgpOpener:
    """Opens files of one source.

    Raises:
        ConfigurationError, SecretMissingError: a key is not there.
    """

    def __init__(self, settings: PgpOpening, context: ConnectorContext) -> None:
        self._header = {
            "work": "open",
            "key": context.secrets.resolve(settings.key),
            "passphrase": context.secrets.resolve(settings.passphrase) if settings.passphrase else None,
            "signed_by": _keys(settings.signed_by, context.root),
            "must_be_signed": bool(settings.signed_by),
        }
        self._must_be_encrypted = settings.encrypted == "required"
        if _run({**self._header, "work": "check", "limit": 0, "seconds": _SECONDS}, b"")[:1] != b"0":
            raise _bad_key("pgp.key")

    def open(self, content: bytes, limit: int) -> bytes:
        """Takes a process, so: not on the loop.

        Raises:
            FramingError: not PGP, not encrypted, not for our key, or changed on its way.
            SignatureError: not signed by a key that is trusted.
            SizeLimitError: unpacks to more than `limit` bytes.
        """
        if self._must_be_encrypted and not is_encrypted(content):
            remedy = "ask the sender to encrypt for our key; if this is as agreed, set encrypted: optional under pgp"
            raise FramingError("not encrypted with PGP", remedy=remedy)
        answer = _run({**self._header, "limit": limit, "seconds": _SECONDS}, content)
        match answer[:1]:
            case b"0":
                return answer[1:]
            case pgp_child.UNSIGNED:
                remedy = "ask the sender to sign with the key that was agreed"
                raise SignatureError("no valid PGP signature of a key in signed_by", remedy=remedy)
            case pgp_child.COMPRESSED:
                remedy = (
                    "ask the sender to turn PGP's own compression off (gpg: --compress-algo none) and to zip before"
                )
                raise SignatureError("a signature inside PGP's compression cannot be verified", remedy=remedy)
            case pgp_child.UNREADABLE:
                remedy = "ask the sender to encrypt for our current key"
                raise FramingError("not PGP, not for our key, or changed on its way", remedy=remedy)
            case pgp_child.BAD_KEY:
                raise _bad_key("pgp.key")
        raise SizeLimitError(f"the PGP file unpacks to more than {limit:,} bytes", remedy="raise unpacked_limit")


class PgpSealer:
    """Seals files of one destination. Raises as `PgpOpener`."""

    def __init__(self, settings: PgpSealing, context: ConnectorContext) -> None:
        self._header = {
            "work": "seal",
            "recipients": _keys(settings.recipients, context.root),
            "key": context.secrets.resolve(settings.sign_with) if settings.sign_with else None,
            "passphrase": context.secrets.resolve(settings.passphrase) if settings.passphrase else None,
            "armor": settings.armor,
        }

    def seal(self, content: bytes) -> bytes:
        """Other bytes at every call. Raises ConfigurationError: a key cannot be used, or has expired."""
        answer = _run({**self._header, "limit": 2 * len(content), "seconds": _SECONDS}, content)
        if answer[:1] == b"0":
            return answer[1:]
        raise _bad_key("pgp.recipients")


def is_encrypted(content: bytes) -> bool:
    """Tell whether a file begins as an encrypted message does, in armor or not; what follows is not looked at."""
    armor = _ARMOR.search(content, 0, 64 * 1024)
    if armor is not None:
        letters = b"".join(armor[1].split())
        content = binascii.a2b_base64(letters[: len(letters) // 4 * 4])
    while content:
        tag, content = _first_packet(content)
        if tag not in _BEFORE_IT:
            return tag in _ENCRYPTED
    return False


def _first_packet(content: bytes) -> tuple[int, bytes]:
    """Its kind, and what follows it; 0: no packet. Only short packets are stepped over."""
    first = content[0]
    if not first & 0x80:
        return 0, b""
    if first & 0x40:
        return first & 0x3F, content[2 + content[1] :] if len(content) > 1 and content[1] < 192 else b""
    return first >> 2 & 0xF, content[2 + content[1] :] if len(content) > 1 and not first & 3 else b""


def _keys(paths: Sequence[str], root: Path) -> list[str]:
    return [_key(root / path, path) for path in paths]


def _key(path: Path, name: str) -> str:
    try:
        return path.read_text("ascii")
    except (OSError, UnicodeDecodeError):
        remedy = "put it there in ASCII armor, as `gpg --armor --export` writes it"
        raise ConfigurationError("the key cannot be read", where=name, remedy=remedy) from None


def _bad_key(where: str) -> ConfigurationError:
    remedy = "check the key, its passphrase and that it has not expired"
    return ConfigurationError("a PGP key cannot be used", where=where, remedy=remedy)


def _run(header: dict[str, object], content: bytes) -> bytes:
    """The child's answer; empty: it was ended because it took too much."""
    packed = json.dumps(header).encode()
    given = b"".join((len(packed).to_bytes(4, "big"), packed, content))
    try:
        done = subprocess.run(
            [sys.executable, "-I", pgp_child.__file__],
            input=given,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=_SECONDS + 5,
            check=False,
            env={},
        )
    except subprocess.TimeoutExpired:
        return b""
    return done.stdout if done.returncode == 0 else b""
