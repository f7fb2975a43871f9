"""Who asks, told by an access token as SMART Backend Services has it: signed by the issuer, for us, in time, in scope.

    smart:
      issuer: https://login.harbor.example
      audience: https://engine.harbor.example/fhir
      jwks_url: https://login.harbor.example/jwks        # or jwks_file: config/keys/issuer.json

Source: https://hl7.org/fhir/smart-app-launch/backend-services.html, scopes-and-launch-context.html; RFC 9068.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from typing import Any

import msgspec

from engine.connectors.fhir.jwt import Key, TokenError, UnknownKeyError, read_keys, verified
from engine.connectors.fhir.settings import Smart
from engine.connectors.http.destination import HttpDestination
from engine.connectors.http.settings import HttpDestinationSettings
from engine.core.errors import ConfigurationError, IsthmusError, TransportError
from engine.ports.connector import ConnectorContext
from engine.protocols.fhir.resource import Tree

_SCOPE = re.compile(r"system/(\*|[A-Z][A-Za-z]{1,63})\.(read|write|\*|c?r?u?d?s?)(\?.*)?", re.ASCII)
_RIGHTS = {"read": "rs", "write": "cud", "*": "cruds"}
_AHEAD = 60.0  # seconds between two askings for keys, however many unknown ones come
_AFTER_FAILURE = 5.0  # seconds in which those who ask do not wait for the issuer again
_MOST_SEEN = 100_000  # tokens remembered that may be used once
_CLIENT = re.compile(r"[\x21-\x7e]{1,120}").fullmatch


class Caller(msgspec.Struct, frozen=True):
    """Who asks. `scopes` None: whoever has the listener's token or certificate, who may do everything."""

    who: str
    scopes: frozenset[tuple[str, str]] | None = None

    def may(self, right: str, kind: str) -> bool:
        """`right`: c, r, u or s."""
        return self.scopes is None or (kind, right) in self.scopes or ("*", right) in self.scopes


class KeySet(HttpDestination):
    """The issuer's keys, of a file or an address; asked for anew in time, or when a key is not known."""

    def __init__(self, smart: Smart, context: ConnectorContext) -> None:
        url = smart.jwks_url or smart.token_url  # of a file nothing is asked
        super().__init__(HttpDestinationSettings(url=url, allow_private=smart.allow_private, tls=smart.tls), context)
        self._smart, self._asked_at, self._failed_at = smart, -float("inf"), -float("inf")
        self._keys: tuple[Key, ...] = ()
        self._asking = asyncio.Lock()

    async def keys(self, *, anew: bool = False) -> tuple[Key, ...]:
        """Raises TransportError, ConfigurationError: there are none, and none were there before."""
        async with self._asking:
            now = self._context.clock.monotonic()
            age = now - self._asked_at
            if not self._keys and now - self._failed_at < _AFTER_FAILURE:
                raise TransportError("no keys were to be had a moment ago", where=f"{self._context.name}.smart")
            if age > (_AHEAD if anew else self._smart.jwks_cache.total_seconds()) or not self._keys:
                try:
                    self._keys = read_keys(await self._document())
                except IsthmusError:
                    self._failed_at = self._context.clock.monotonic()
                    if not self._keys:
                        raise
                self._asked_at = self._context.clock.monotonic()
            return self._keys

    async def _document(self) -> bytes:
        where = f"{self._context.name}.smart"
        if self._smart.jwks_file is not None:
            try:
                return await asyncio.to_thread((self._context.root / self._smart.jwks_file).read_bytes)
            except OSError as error:
                raise ConfigurationError(f"the keys cannot be read: {error.strerror}", where=where) from None
        async with self._asked("GET", self._smart.jwks_url or "", {"Accept": "application/json"}, None) as response:
            if response.status != 200:
                raise TransportError(f"no keys were given ({response.status})", where=where)
            return (await self._delivered(response)).response or b""


class SmartGate:
    """Checks tokens for one listener."""

    def __init__(self, smart: Smart, context: ConnectorContext) -> None:
        self._smart, self._clock = smart, context.clock
        self._keys = KeySet(smart, context)
        self._seen: dict[str, float] = {}

    async def close(self) -> None:
        await self._keys.close()

    async def caller(self, authorization: str) -> Caller:
        """Raises TokenError; TransportError, ConfigurationError when there are no keys."""
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise TokenError("no token")
        try:
            claims = verified(token.strip(), await self._keys.keys(), self._smart.algorithms)
        except UnknownKeyError:
            claims = verified(token.strip(), await self._keys.keys(anew=True), self._smart.algorithms)
        return self._judged(claims)

    def _judged(self, claims: Mapping[str, Any]) -> Caller:
        now, leeway = self._clock.now().timestamp(), self._smart.leeway.total_seconds()
        audience = claims.get("aud")
        expires, begins = _number(claims, "exp"), claims.get("nbf")
        if claims.get("iss") != self._smart.issuer:
            raise TokenError("it is of another issuer")
        if self._smart.audience not in (audience if isinstance(audience, list) else [audience]):
            raise TokenError("it is for somebody else")
        if expires is None or now >= expires + leeway:
            raise TokenError("it has expired")
        if expires - now > self._smart.longest.total_seconds() + leeway:
            raise TokenError("it is good for longer than is allowed")
        if begins is not None and ((start := _number(claims, "nbf")) is None or now < start - leeway):
            raise TokenError("it is not good yet")
        issued = _number(claims, "iat")
        if issued is not None and issued > now + leeway:
            raise TokenError("it was issued in the future")
        if self._smart.once:
            self._use(claims.get("jti"), now, expires + leeway)
        return Caller(_client(claims), _scopes(claims))

    def _use(self, jti: Any, now: float, until: float) -> None:
        if not isinstance(jti, str) or not 0 < len(jti) <= 200:
            raise TokenError("it has no jti")
        if self._seen.get(jti, 0.0) > now:
            raise TokenError("it was used before")
        if len(self._seen) >= _MOST_SEEN:
            self._seen = {one: end for one, end in self._seen.items() if end > now}
            if len(self._seen) >= _MOST_SEEN:
                raise TokenError("too many tokens at once")
        self._seen[jti] = until


def configuration(smart: Smart) -> Tree:
    """`.well-known/smart-configuration`. Source: https://hl7.org/fhir/smart-app-launch/conformance.html."""
    told: Tree = {"issuer": smart.issuer} | ({"jwks_uri": smart.jwks_url} if smart.jwks_url else {})
    return told | {
        "token_endpoint": smart.token_url,
        "grant_types_supported": ["client_credentials"],
        "token_endpoint_auth_methods_supported": ["private_key_jwt"],
        "token_endpoint_auth_signing_alg_values_supported": ["RS384", "ES384"],
        "scopes_supported": list(smart.scopes),
        "capabilities": ["client-confidential-asymmetric", "permission-v1", "permission-v2"],
    }


def _number(claims: Mapping[str, Any], name: str) -> float | None:
    value = claims.get(name)
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _client(claims: Mapping[str, Any]) -> str:
    found = next((claims[name] for name in ("client_id", "azp", "sub") if isinstance(claims.get(name), str)), "")
    if not _CLIENT(found):
        raise TokenError("it does not say whose it is")
    return f"client {found}"


def _scopes(claims: Mapping[str, Any]) -> frozenset[tuple[str, str]]:
    """Type (or *) and right. A scope that is narrowed by a query is not taken: it would be given more than it says."""
    stated = claims.get("scope", claims.get("scp", ""))
    words = stated.split() if isinstance(stated, str) else stated if isinstance(stated, list) else []
    found = [match for word in words if isinstance(word, str) and (match := _SCOPE.fullmatch(word)) and not match[3]]
    return frozenset((match[1], right) for match in found for right in _RIGHTS.get(match[2], match[2]))
