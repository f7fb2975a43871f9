"""WS-Security's UsernameToken, as text or digest, and Timestamp: read, judged and written.

Source: OASIS Web Services Security UsernameToken Profile 1.1, § 3.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections import OrderedDict
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from xml.sax.saxutils import escape, quoteattr

from engine.core.errors import MessageError, StructureError
from engine.protocols.soap.envelope import Envelope
from engine.protocols.soap.names import BASE64, ENVELOPES, PASSWORD_DIGEST, PASSWORD_TEXT, WSSE, WSU, Version

_LONGEST = 4096  # characters of a value in a token
_LONGEST_NONCE = 256  # bytes


class SecurityTokenError(MessageError):
    """Who sends is not proved. `fault` is the name that WS-Security has for it."""

    code = "M032"

    def __init__(self, what: str, fault: str) -> None:
        super().__init__(what, where="Envelope/Header/Security")
        self.fault = fault


class UsernameToken(NamedTuple):
    """As it stands in a header; `nonce` in bytes, `created` as text, because the digest is over it."""

    user: str
    password: str
    is_digest: bool
    nonce: bytes
    created: str


def read_token(envelope: Envelope) -> UsernameToken | None:
    """None: there is none.

    Raises:
        SecurityTokenError: it cannot be read.
        StructureError: more than one.
    """
    security = envelope.block(f"{{{WSSE}}}Security")
    tokens = security.findall(f"{{{WSSE}}}UsernameToken") if security is not None else []
    if not tokens:
        return None
    if len(tokens) > 1:
        raise StructureError("more than one UsernameToken", where="Envelope/Header/Security")
    token = tokens[0]
    password = token.find(f"{{{WSSE}}}Password")
    kind = password.get("Type", PASSWORD_TEXT) if password is not None else PASSWORD_TEXT
    if kind not in (PASSWORD_TEXT, PASSWORD_DIGEST):
        raise SecurityTokenError("a password of a type that is not known", "UnsupportedSecurityToken")
    texts = [token.findtext(f"{{{WSSE}}}{name}") or "" for name in ("Username", "Password", "Nonce")]
    texts.append(token.findtext(f"{{{WSU}}}Created") or "")
    if any(len(text) > _LONGEST for text in texts):
        raise SecurityTokenError("a value is too long", "InvalidSecurityToken")
    user, secret, nonce, created = texts
    return UsernameToken(user.strip(), secret, kind == PASSWORD_DIGEST, _nonce(nonce), created.strip())


def _nonce(text: str) -> bytes:
    try:
        nonce = base64.b64decode(text.strip(), validate=True)
    except (binascii.Error, ValueError):
        raise SecurityTokenError("the nonce is not base64", "InvalidSecurityToken") from None
    if len(nonce) > _LONGEST_NONCE:
        raise SecurityTokenError("the nonce is too long", "InvalidSecurityToken")
    return nonce


def digest_of(nonce: bytes, created: str, password: str) -> str:
    """SHA-1 is what the profile says; a hash of a random nonce does not suffer from its collisions."""
    plain = nonce + created.encode() + password.encode()
    return base64.b64encode(hashlib.sha1(plain, usedforsecurity=False).digest()).decode()


def is_right(token: UsernameToken, password: str) -> bool:
    expected = digest_of(token.nonce, token.created, password) if token.is_digest else password
    given = token.password.strip() if token.is_digest else token.password
    return hmac.compare_digest(given.encode("utf-8", "surrogatepass"), expected.encode())


def check_fresh(token: UsernameToken, now: datetime, skew: timedelta) -> None:
    """Raises SecurityTokenError: a digest without nonce and time, or a time too far from `now`."""
    if token.is_digest and not (token.nonce and token.created):
        raise SecurityTokenError("a digest needs a nonce and a time of creation", "InvalidSecurityToken")
    if token.created and abs(_moment(token.created) - now) > skew:
        raise SecurityTokenError("created too long ago, or in the future", "MessageExpired")


def check_timestamp(envelope: Envelope, now: datetime, skew: timedelta) -> None:
    """Raises SecurityTokenError: the header's Timestamp has expired."""
    security = envelope.block(f"{{{WSSE}}}Security")
    expires = security.findtext(f"{{{WSU}}}Timestamp/{{{WSU}}}Expires") if security is not None else None
    if expires and _moment(expires.strip()) + skew < now:
        raise SecurityTokenError("the message has expired", "MessageExpired")


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise SecurityTokenError("a time that cannot be read", "InvalidSecurityToken") from None


class Nonces:
    """Nonces seen within `window`, at most `most` of them: the second use of one is a replay."""

    def __init__(self, window: timedelta, most: int = 200_000) -> None:
        self._window, self._most = window, most
        self._seen: OrderedDict[tuple[str, bytes], datetime] = OrderedDict()

    def is_new(self, user: str, nonce: bytes, now: datetime) -> bool:
        """Remembers it. Full of fresh ones, nothing is new: better refused than replayed."""
        while self._seen and next(iter(self._seen.values())) + self._window < now:
            self._seen.popitem(last=False)
        key = (user, hashlib.blake2b(nonce, digest_size=16).digest())
        if key in self._seen or len(self._seen) >= self._most:
            return False
        self._seen[key] = now
        return True

    def forget(self, user: str, nonce: bytes) -> None:
        """What was not stored may come again as it is."""
        self._seen.pop((user, hashlib.blake2b(nonce, digest_size=16).digest()), None)


def write_token(
    version: Version, user: str, password: str, nonce: bytes, now: datetime, *, digest: bool = True,
    expires: timedelta = timedelta(minutes=5),
) -> str:  # fmt: skip
    """The header block, with a Timestamp. `now` in UTC."""
    created, until = _utc(now), _utc(now + expires)
    kind = PASSWORD_DIGEST if digest else PASSWORD_TEXT
    secret = digest_of(nonce, created, password) if digest else password
    return (
        f'<wsse:Security xmlns:wsse="{WSSE}" xmlns:wsu="{WSU}" xmlns:s="{ENVELOPES[version]}" s:mustUnderstand="1">'
        f"<wsu:Timestamp><wsu:Created>{created}</wsu:Created><wsu:Expires>{until}</wsu:Expires></wsu:Timestamp>"
        f"<wsse:UsernameToken><wsse:Username>{escape(user)}</wsse:Username>"
        f"<wsse:Password Type={quoteattr(kind)}>{escape(secret)}</wsse:Password>"
        f'<wsse:Nonce EncodingType="{BASE64}">{base64.b64encode(nonce).decode()}</wsse:Nonce>'
        f"<wsu:Created>{created}</wsu:Created></wsse:UsernameToken></wsse:Security>"
    )


def _utc(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03}Z"
