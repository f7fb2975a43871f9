"""Tokens by OAuth2 client credentials, proved by a secret or, as SMART Backend Services asks, by a signed assertion.

Source: RFC 6749 § 4.4, RFC 7523, https://hl7.org/fhir/smart-app-launch/backend-services.html.
"""

from __future__ import annotations

import asyncio
import base64
import uuid
from datetime import timedelta
from typing import Any, Protocol
from urllib.parse import quote, urlencode

import msgspec

from engine.connectors.fhir.settings import OAuth2
from engine.connectors.http.destination import HttpDestination
from engine.connectors.http.settings import HttpDestinationSettings
from engine.connectors.tls import ClientTls
from engine.core.errors import ConfigurationError, TransportError
from engine.ports.connector import ConnectorContext

_ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_ASSERTION_LIFE = timedelta(minutes=4)  # SMART allows five minutes
_MARGIN = 30.0  # seconds before its end at which a token is asked for anew
_USUAL_LIFE = 300.0  # seconds, when the server does not say


class _Answer(msgspec.Struct, frozen=True):
    access_token: str
    expires_in: float | None = None


class Reach(Protocol):
    """How the far side is reached, and the token endpoint with it."""

    @property
    def connect_timeout(self) -> timedelta: ...

    @property
    def timeout(self) -> timedelta: ...

    @property
    def allow_private(self) -> bool: ...

    @property
    def tls(self) -> ClientTls: ...


class TokenGiver(HttpDestination):
    """Asks the token endpoint, and keeps a token for as long as it may be used."""

    def __init__(self, oauth: OAuth2, settings: Reach, context: ConnectorContext) -> None:
        endpoint = HttpDestinationSettings(
            url=oauth.token_url,
            connect_timeout=settings.connect_timeout,
            timeout=settings.timeout,
            allow_private=settings.allow_private,
            tls=settings.tls,
        )
        super().__init__(endpoint, context)
        self._oauth = oauth
        self._key = _loaded(context.secrets.resolve(oauth.private_key), context.name) if oauth.private_key else None
        self._token, self._until = "", 0.0
        self._asking = asyncio.Lock()

    async def token(self) -> str:
        """A token that is good for a while yet.

        Raises:
            TransportError: none was given; nothing of the delivery was sent.
        """
        async with self._asking:
            if self._context.clock.monotonic() >= self._until:
                await self._ask()
            return self._token

    def forget(self, token: str) -> None:
        """The server did not take this token: ask for another one next time."""
        if token == self._token:
            self._until = 0.0

    async def _ask(self) -> None:
        began, where = self._context.clock.monotonic(), f"{self._context.name}.oauth2"
        form, headers = self._request()
        try:
            async with self._asked("POST", self._oauth.token_url, headers, urlencode(form).encode()) as response:
                if response.status != 200:
                    after = self._retry_after(response)
                    raise TransportError(f"no token was given ({response.status})", where=where, retry_after=after)
                answer = msgspec.json.decode((await self._delivered(response)).response or b"", type=_Answer)
        except TransportError as error:  # whatever left, it was no delivery
            raise TransportError(error.what, where=where, retry_after=error.retry_after) from None
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise TransportError("the token endpoint's answer holds no token", where=where) from None
        self._token, self._until = answer.access_token, began + (answer.expires_in or _USUAL_LIFE) - _MARGIN

    def _request(self) -> tuple[dict[str, str], dict[str, str]]:
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
        form = {"grant_type": "client_credentials", "scope": self._oauth.scope}
        if self._key is not None:
            form |= {"client_assertion_type": _ASSERTION, "client_assertion": self._assertion()}
        elif self._oauth.client_secret:
            secret = self._context.secrets.resolve(self._oauth.client_secret).strip()
            pair = f"{quote(self._oauth.client_id, safe='')}:{quote(secret, safe='')}"
            headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
        return form, headers

    def _assertion(self) -> str:
        now, client = self._context.clock.now(), self._oauth.client_id
        claims = {
            "iss": client,
            "sub": client,
            "aud": self._oauth.token_url,
            "exp": int((now + _ASSERTION_LIFE).timestamp()),
            "iat": int(now.timestamp()),
            "jti": str(uuid.uuid4()),
        }
        return signed(claims, self._key, self._oauth.key_id)


def signed(claims: dict[str, Any], key: Any, key_id: str | None) -> str:
    """A JWT with RS384 for an RSA key, ES384 for an EC key."""
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec, padding, utils

    is_ec = isinstance(key, ec.EllipticCurvePrivateKey)
    header = {"alg": "ES384" if is_ec else "RS384", "typ": "JWT"} | ({"kid": key_id} if key_id else {})
    text = f"{_part(msgspec.json.encode(header))}.{_part(msgspec.json.encode(claims))}"
    if not is_ec:
        return f"{text}.{_part(key.sign(text.encode(), padding.PKCS1v15(), hashes.SHA384()))}"
    r, s = utils.decode_dss_signature(key.sign(text.encode(), ec.ECDSA(hashes.SHA384())))
    return f"{text}.{_part(r.to_bytes(48, 'big') + s.to_bytes(48, 'big'))}"


def _part(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _loaded(pem: str, name: str) -> Any:
    from cryptography.hazmat.primitives.asymmetric import ec, rsa
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        key = load_pem_private_key(pem.encode(), password=None)
    except (ValueError, TypeError):
        key = None
    if isinstance(key, rsa.RSAPrivateKey) or (isinstance(key, ec.EllipticCurvePrivateKey) and key.key_size == 384):
        return key
    raise ConfigurationError(
        "the private key cannot be used", where=f"{name}.oauth2.private_key", remedy="give an RSA or P-384 key in PEM"
    )
