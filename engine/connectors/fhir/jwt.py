"""A signed JWT checked against a set of public keys: few algorithms, no surprises.

Only signatures by RSA and elliptic curves; never `none`, never a secret: the key's own kind decides, so that a
public key is never taken for one. Source: RFC 7515, 7517, 7519, 8725.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from engine.core.errors import ConfigurationError

LONGEST = 16 * 1024  # characters of a token
_PART = re.compile(r"[A-Za-z0-9_-]+").fullmatch
_HASHES = {"RS256": "SHA256", "RS384": "SHA384", "ES256": "SHA256", "ES384": "SHA384"}
ALGORITHMS = tuple(_HASHES)
_CURVES = {"ES256": ("P-256", 32), "ES384": ("P-384", 48)}
_LEAST_RSA = 2048  # bits


class TokenError(Exception):
    """The token proves nothing. Its words name the reason, never a piece of the token."""


class UnknownKeyError(TokenError):
    """No key of the set has the token's `kid`."""


class Key(msgspec.Struct, frozen=True):
    """One public key: `algorithms` that it may verify."""

    id: str | None
    algorithms: tuple[str, ...]
    public: Any


def read_keys(document: bytes) -> tuple[Key, ...]:
    """The usable keys of a JWK set; others (for encryption, of other kinds, too short) are left out.

    Raises:
        ConfigurationError: no JWK set, or none of its keys can be used.
    """
    try:
        jwks = msgspec.json.decode(document)
        keys = [key for one in jwks["keys"][:100] if (key := _key(one)) is not None]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, TypeError, KeyError):
        raise ConfigurationError("not a JWK set", remedy='give JSON with "keys"') from None
    if not keys:
        raise ConfigurationError("no key of the set can be used", remedy="RSA from 2048 bits, or P-256 or P-384")
    return tuple(keys)


def verified(token: str, keys: Sequence[Key], allowed: Sequence[str]) -> Mapping[str, Any]:
    """The claims of a token that one of these keys signed.

    Raises:
        TokenError: it is none, or is not signed by them.
        UnknownKeyError: its key is not in the set.
    """
    parts = token.split(".")
    if len(token) > LONGEST or len(parts) != 3 or not all(_PART(part) for part in parts):
        raise TokenError("not a signed token")
    header, claims = _object(parts[0]), _object(parts[1])
    algorithm = header.get("alg")
    if not isinstance(algorithm, str) or algorithm not in allowed or algorithm not in _HASHES:
        raise TokenError("signed in a way that is not allowed")
    if "crit" in header or "b64" in header:
        raise TokenError("it asks for what is not understood")
    kid = header.get("kid")
    named = [key for key in keys if algorithm in key.algorithms and (kid is None or key.id == kid)]
    if not named:
        raise UnknownKeyError("its key is not known")
    if kid is None and len(named) > 1:
        raise TokenError("it does not say which key signed it")
    if not _is_signed(f"{parts[0]}.{parts[1]}".encode(), _bytes(parts[2]), named[0].public, algorithm):
        raise TokenError("the signature is not valid")
    return claims


def _is_signed(text: bytes, signature: bytes, public: Any, algorithm: str) -> bool:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec, padding, utils

    digest = getattr(hashes, _HASHES[algorithm])()
    try:
        if algorithm in _CURVES:
            size = _CURVES[algorithm][1]
            if len(signature) != 2 * size:
                return False
            r, s = (int.from_bytes(half, "big") for half in (signature[:size], signature[size:]))
            public.verify(utils.encode_dss_signature(r, s), text, ec.ECDSA(digest))
        else:
            public.verify(signature, text, padding.PKCS1v15(), digest)
    except (InvalidSignature, ValueError):
        return False
    return True


def _key(one: Any) -> Key | None:
    """A key for signatures, when it is one."""
    if not isinstance(one, dict) or one.get("use", "sig") != "sig":
        return None
    if "verify" not in one.get("key_ops", ["verify"]):
        return None
    try:
        algorithms, public = _public(one)
    except (ValueError, TypeError, KeyError, TokenError):
        return None
    stated = one.get("alg")
    if stated is not None:
        algorithms = tuple(name for name in algorithms if name == stated)
    kid = one.get("kid")
    return Key(kid if isinstance(kid, str) else None, algorithms, public) if algorithms else None


def _public(one: Mapping[str, Any]) -> tuple[tuple[str, ...], Any]:
    from cryptography.hazmat.primitives.asymmetric import ec, rsa

    if one["kty"] == "RSA":
        modulus, exponent = _number(one["n"]), _number(one["e"])
        if modulus.bit_length() < _LEAST_RSA:
            raise ValueError("too short")
        return ("RS256", "RS384"), rsa.RSAPublicNumbers(exponent, modulus).public_key()
    if one["kty"] == "EC":
        name, curve = {"P-256": ("ES256", ec.SECP256R1()), "P-384": ("ES384", ec.SECP384R1())}[one["crv"]]
        return (name,), ec.EllipticCurvePublicNumbers(_number(one["x"]), _number(one["y"]), curve).public_key()
    raise ValueError("another kind")


def _number(text: Any) -> int:
    return int.from_bytes(_bytes(text), "big")


def _bytes(text: Any) -> bytes:
    if not isinstance(text, str) or not _PART(text):
        raise TokenError("not base64url")
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError:
        raise TokenError("not base64url") from None


def _object(text: str) -> dict[str, Any]:
    try:
        found = msgspec.json.decode(_bytes(text))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise TokenError("not a signed token") from None
    if not isinstance(found, dict):
        raise TokenError("not a signed token")
    return found
