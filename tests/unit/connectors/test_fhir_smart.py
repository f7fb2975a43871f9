"""Access tokens: who signed them, for whom, until when, for what; and nothing else lets anybody in."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from pydantic import ValidationError

from engine.connectors.fhir.jwt import TokenError, read_keys
from engine.connectors.fhir.oauth import signed
from engine.connectors.fhir.settings import FhirSourceSettings, Smart
from engine.connectors.fhir.smart import SmartGate
from engine.core.errors import ConfigurationError
from engine.core.loopback import free_port
from tests.support.connector_doubles import Clock, context
from tests.unit.connectors.test_fhir_source import SUPPLY, bundle, entry, served

RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
EC = ec.generate_private_key(ec.SECP384R1())
CLOCK = Clock()
ISSUER, AUDIENCE = "https://login.harbor.example", "https://engine.harbor.example/fhir"


def text(number: int, size: int) -> str:
    return base64.urlsafe_b64encode(number.to_bytes(size, "big")).rstrip(b"=").decode()


def jwk(key: Any, kid: str, **more: Any) -> dict[str, Any]:
    public = key.public_key().public_numbers()
    if isinstance(key, rsa.RSAPrivateKey):
        found = {"kty": "RSA", "n": text(public.n, key.key_size // 8), "e": "AQAB"}
    else:
        size = (key.key_size + 7) // 8
        found = {"kty": "EC", "crv": f"P-{key.key_size}", "x": text(public.x, size), "y": text(public.y, size)}
    return found | {"kid": kid, "use": "sig"} | more


def keys(*several: dict[str, Any]) -> bytes:
    return json.dumps({"keys": list(several)}).encode()


def claims(**more: Any) -> dict[str, Any]:
    now = int(CLOCK.now().timestamp())
    usual = {"iss": ISSUER, "aud": AUDIENCE, "sub": "ehr", "exp": now + 300, "iat": now, "jti": "t-1"}
    return {
        name: value for name, value in (usual | {"scope": "system/SupplyRequest.write"} | more).items() if value != ""
    }


def smart(**more: Any) -> dict[str, Any]:
    usual = {"issuer": ISSUER, "audience": AUDIENCE, "token_url": f"{ISSUER}/token"}
    return usual | ({} if "jwks_url" in more else {"jwks_file": "keys.json"}) | more


def gate(root: Path, document: bytes | None = None, **more: Any) -> SmartGate:
    (root / "keys.json").write_bytes(document or keys(jwk(RSA, "r"), jwk(EC, "e")))
    return SmartGate(Smart.model_validate(smart(**more)), context(root, clock=CLOCK))


@pytest.mark.parametrize(("key", "kid"), [(RSA, "r"), (EC, "e")])
async def test_a_token_in_order_says_who_asks_and_what_he_may(tmp_path: Path, key: Any, kid: str) -> None:
    caller = await gate(tmp_path).caller(f"Bearer {signed(claims(client_id='ehr-1'), key, kid)}")

    assert caller.who == "client ehr-1"
    assert caller.may("c", "SupplyRequest")
    assert not caller.may("r", "SupplyRequest")
    assert not caller.may("c", "Device")


@pytest.mark.parametrize(
    ("scope", "rights"),
    [
        ("system/*.read", "rs"), ("system/Device.cu", "cu"), ("system/Device.rs", "rs"), ("system/*.*", "cruds"),
        ("user/Device.write patient/Device.write system/device.write", ""), ("system/Device.c?status=active", ""),
        ("system/Deviced.write system/DeviceUsage.write", ""), (["system/Device.u"], "u"), (7, ""), ("", ""),
    ],
)  # fmt: skip
async def test_scopes_give_what_they_say_and_no_more(tmp_path: Path, scope: Any, rights: str) -> None:
    caller = await gate(tmp_path).caller(f"Bearer {signed(claims(scope=scope), RSA, 'r')}")

    assert "".join(right for right in "cruds" if caller.may(right, "Device")) == rights


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"iss": "https://evil.example"}, "another issuer"), ({"iss": ISSUER + "/"}, "another issuer"),
        ({"aud": "https://other.example"}, "somebody else"), ({"aud": [AUDIENCE + "/x"]}, "somebody else"),
        ({"aud": ""}, "somebody else"), ({"exp": ""}, "expired"), ({"exp": "9999999999"}, "expired"),
        ({"exp": int(CLOCK.now().timestamp()) - 31}, "expired"), ({"exp": True}, "expired"),
        ({"exp": int(CLOCK.now().timestamp()) + 7200}, "longer"), ({"exp": 1e300}, "longer"),
        ({"nbf": int(CLOCK.now().timestamp()) + 60}, "not good yet"), ({"nbf": "x"}, "not good yet"),
        ({"iat": int(CLOCK.now().timestamp()) + 60}, "future"), ({"sub": ""}, "whose"), ({"sub": "a b\n"}, "whose"),
    ],
)  # fmt: skip
async def test_claims_out_of_order_are_refused(tmp_path: Path, wrong: dict[str, Any], words: str) -> None:
    with pytest.raises(TokenError, match=words):
        await gate(tmp_path).caller(f"Bearer {signed(claims(**wrong), RSA, 'r')}")


def part(tree: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(tree).encode()).rstrip(b"=").decode()


def forged(header: dict[str, Any], secret: bytes | None) -> str:
    body = f"{part(header)}.{part(claims())}"
    signature = hmac.new(secret, body.encode(), hashlib.sha256).digest() if secret is not None else b""
    return f"{body}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


def with_claims(token: str, changed: dict[str, Any]) -> str:
    header, _, signature = token.split(".")
    return f"{header}.{part(changed)}.{signature}"


PEM = RSA.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
FORGERIES: dict[str, Callable[[], str]] = {
    "none": lambda: forged({"alg": "none", "kid": "r"}, None) + "AA",
    "none without signature": lambda: forged({"alg": "none"}, None),
    "a public key as a secret": lambda: forged({"alg": "HS256", "kid": "r"}, PEM),
    "another key": lambda: signed(claims(), rsa.generate_private_key(public_exponent=65537, key_size=2048), "r"),
    "a key of another kind": lambda: signed(claims(), RSA, "e"),
    "an unknown key": lambda: signed(claims(), RSA, "x"),
    "no kid among several": lambda: signed(claims(), RSA, None),
    "changed claims": lambda: with_claims(signed(claims(), RSA, "r"), claims(sub="root")),
    "what must be understood": lambda: forged({"alg": "RS384", "kid": "r", "crit": ["exp"]}, b"x"),
    "a key in the token": lambda: forged({"alg": "RS384", "kid": "x", "jwk": jwk(RSA, "x")}, b"x"),
    "five parts": lambda: "a.b.c.d.e",
    "a long one": lambda: f"{'A' * 20_000}.A.A",
    "no base64": lambda: "ä.ö.ü",
    "a list": lambda: f"{part([1])}.{part([2])}.AAAA",
    "deep": lambda: f"{base64.urlsafe_b64encode(b'[' * 9000).decode().rstrip('=')}.AAAA.AAAA",
}


@pytest.mark.parametrize("name", FORGERIES)
async def test_forged_tokens_are_refused(tmp_path: Path, name: str) -> None:
    document = keys(
        jwk(RSA, "r"), jwk(EC, "e"), jwk(rsa.generate_private_key(public_exponent=65537, key_size=2048), "r2")
    )
    with pytest.raises(TokenError) as caught:
        await gate(tmp_path, document).caller(f"Bearer {FORGERIES[name]()}")

    assert "root" not in str(caught.value)


@pytest.mark.parametrize("given", ["", "Bearer", "Bearer ", "Basic abc", "token"])
async def test_no_token_is_no_token(tmp_path: Path, given: str) -> None:
    with pytest.raises(TokenError):
        await gate(tmp_path).caller(given)


async def test_a_token_that_is_good_once_is_good_once_until_it_expires(tmp_path: Path) -> None:
    once = gate(tmp_path, once=True)
    token = signed(claims(jti="only"), RSA, "r")
    await once.caller(f"Bearer {token}")

    with pytest.raises(TokenError, match="used before"):
        await once.caller(f"Bearer {token}")
    with pytest.raises(TokenError, match="jti"):
        await once.caller(f"Bearer {signed(claims(jti=''), RSA, 'r')}")


def test_keys_that_are_too_short_or_not_for_signatures_are_left_out() -> None:
    short = rsa.generate_private_key(public_exponent=65537, key_size=1024)
    others = [jwk(short, "s"), jwk(RSA, "enc", use="enc"), {"kty": "oct", "k": "AAAA", "kid": "o"}, 7, {"kty": "RSA"}]
    point = jwk(EC, "bad") | {"x": text(1, 48)}

    assert [key.id for key in read_keys(keys(*others, point, jwk(EC, "e")))] == ["e"]  # type: ignore[arg-type]
    for document in (keys(*others), b"[]", b"{}", b"x", b'{"keys":7}'):  # type: ignore[arg-type]
        with pytest.raises(ConfigurationError):
            read_keys(document)


async def test_keys_of_an_address_are_kept_and_asked_for_again_when_one_is_unknown(tmp_path: Path) -> None:
    asked, shown = [], [jwk(RSA, "old")]

    async def answer(request: web.BaseRequest) -> web.Response:
        asked.append(request.path)
        return web.json_response({"keys": shown})

    clock, port, server = Clock(), free_port(), web.Server(answer, access_log=None)
    listener = await asyncio.get_running_loop().create_server(server, "127.0.0.1", port)
    settings = Smart.model_validate(smart(jwks_url=f"http://127.0.0.1:{port}/jwks"))
    checks = SmartGate(settings, context(tmp_path, clock=clock))
    try:
        for _ in range(3):
            await checks.caller(f"Bearer {signed(claims(), RSA, 'old')}")
        shown.append(jwk(EC, "new"))
        with pytest.raises(TokenError):
            await checks.caller(f"Bearer {signed(claims(), EC, 'new')}")  # asked a moment ago
        clock.seconds += 61
        await checks.caller(f"Bearer {signed(claims(), EC, 'new')}")
        clock.seconds += 3601
        shown.clear()
        await checks.caller(f"Bearer {signed(claims(), EC, 'new')}")  # the address has none now: the old ones stay
    finally:
        await checks.close()
        listener.close()
        await server.shutdown(0.05)

    assert len(asked) == 3


# ---------------------------------------------------------------- at the door
def bearer(scope: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {signed(claims(scope=scope), RSA, 'r')}"}


async def test_the_door_asks_for_scopes_of_every_entry(tmp_path: Path) -> None:
    (tmp_path / "keys.json").write_bytes(keys(jwk(RSA, "r")))
    device = {"resourceType": "Device", "id": "d1"}
    both = bundle("transaction", entry(SUPPLY), entry(device))
    async with served(tmp_path, token=None, smart=smart()) as server:
        told = [
            await server.ask("POST", "/SupplyRequest", SUPPLY, **bearer("system/SupplyRequest.write")),
            await server.ask("POST", "/SupplyRequest", SUPPLY, **bearer("system/SupplyRequest.read")),
            await server.ask("PUT", "/Device/d1", device, **bearer("system/Device.c")),
            await server.ask("POST", "/", both, **bearer("system/SupplyRequest.write")),
            await server.ask("POST", "/", both, **bearer("system/SupplyRequest.c system/Device.c")),
            await server.ask("POST", "/SupplyRequest", SUPPLY, Authorization="Bearer x.y.z"),
        ]
        configuration = await server.ask("GET", "/.well-known/smart-configuration")

    assert [one.status for one in told] == [201, 403, 403, 403, 200, 401]
    assert told[1].issue["code"] == "forbidden"
    assert "invalid_token" in told[5].headers["WWW-Authenticate"]
    assert len(server.door.accepted) == 2
    assert configuration.tree["token_endpoint"] == f"{ISSUER}/token"


async def test_a_door_without_keys_lets_nobody_in_and_says_try_again(tmp_path: Path) -> None:
    async with served(tmp_path, token=None, smart=smart()) as server:
        answer = await server.ask("POST", "/SupplyRequest", SUPPLY, **bearer("system/*.write"))

    assert (answer.status, server.door.stored) == (503, [])


@pytest.mark.parametrize(
    "change",
    [
        {"smart": smart(), "token": "env:T"}, {"smart": smart(jwks_file="/etc/keys")},
        {"smart": smart(jwks_file="../keys")},
        {"smart": smart(algorithms=["HS256"])}, {"smart": smart(algorithms=[])}, {"smart": smart(leeway="1h")},
        {"smart": {**smart(), "jwks_url": "https://a.example"}}, {},
    ],
)  # fmt: skip
def test_settings_that_would_let_anybody_in_are_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        FhirSourceSettings.model_validate({"listen": "127.0.0.1:0"} | change)


def test_clocks_may_be_half_a_minute_apart() -> None:
    assert Smart.model_validate(smart()).leeway == timedelta(seconds=30)
