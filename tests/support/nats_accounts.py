"""An operator, an account and a user of NATS, with the JWTs by which a server trusts them.

Source: NATS documentation, "Decentralized JWT Authentication"; version 2 of the claims.
"""

from __future__ import annotations

import base64
import hashlib
import json
import time
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

_SEED, _PREFIXES = 18 << 3, {"operator": 14 << 3, "account": 0, "user": 20 << 3}
_UNLIMITED = dict.fromkeys(
    ("subs", "data", "payload", "imports", "exports", "conn", "leaf", "mem_storage", "disk_storage", "streams",
     "consumer"), -1,
)  # fmt: skip


class Key:
    """One nkey. `public` and `seed` are written as NATS writes them."""

    def __init__(self, kind: str) -> None:
        self._private, self.kind, prefix = Ed25519PrivateKey.generate(), kind, _PREFIXES[kind]
        self.public = _written(
            bytes([prefix]) + self._private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        )
        raw = self._private.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())
        self.seed = _written(bytes([_SEED | prefix >> 5, (prefix & 31) << 3]) + raw)

    def vouch(self, for_whom: Key, claims: dict[str, Any]) -> str:
        """A JWT that this key signs."""
        body = {"iss": self.public, "sub": for_whom.public, "name": for_whom.kind, "iat": int(time.time())}
        body["nats"] = {"type": for_whom.kind, "version": 2, **claims}
        body["jti"] = hashlib.sha256(json.dumps(body).encode()).hexdigest()
        signed = ".".join(_part(json.dumps(one).encode()) for one in ({"typ": "JWT", "alg": "ed25519-nkey"}, body))
        return f"{signed}.{_part(self._private.sign(signed.encode()))}"


class Accounts:
    """`configuration` is the server's part, `credentials` the text of the user's .creds file."""

    def __init__(self) -> None:
        operator, system, account, user = Key("operator"), Key("account"), Key("account"), Key("user")
        jwts = {one.public: operator.vouch(one, {"limits": _limits(one is account)}) for one in (system, account)}
        preload = "\n".join(f"{name}: {jwt}" for name, jwt in jwts.items())
        self.configuration = (
            f"operator: {operator.vouch(operator, {})}\nsystem_account: {system.public}\n"
            f"resolver: MEMORY\nresolver_preload: {{ {preload} }}\n"
        )
        permissions: dict[str, Any] = {"pub": {}, "sub": {}, "subs": -1, "data": -1, "payload": -1}
        jwt = account.vouch(user, permissions)
        self.credentials = (
            f"-----BEGIN NATS USER JWT-----\n{jwt}\n------END NATS USER JWT------\n\n"
            f"-----BEGIN USER NKEY SEED-----\n{user.seed}\n------END USER NKEY SEED------\n"
        )


def _limits(stores: bool) -> dict[str, Any]:
    kept = {name: limit for name, limit in _UNLIMITED.items() if stores or name not in ("mem_storage", "disk_storage")}
    return {**kept, "wildcards": True}


def _part(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _written(raw: bytes) -> str:
    crc = 0
    for byte in raw:
        crc ^= byte << 8
        for _ in range(8):
            crc = (crc << 1) ^ 0x1021 if crc & 0x8000 else crc << 1
        crc &= 0xFFFF
    return base64.b32encode(raw + crc.to_bytes(2, "little")).decode().rstrip("=")
