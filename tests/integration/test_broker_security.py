"""NATS, RabbitMQ and Redis with TLS both ways and passwords: it works, and each flaw is told with its remedy."""

from __future__ import annotations

import itertools
import shutil
from pathlib import Path
from typing import Any

import pytest

from engine.connectors.catalog import CATALOG
from engine.core.errors import TransportError
from engine.ports.connector import Outbound
from tests.support import rabbitmq_server, redis_server
from tests.support.broker_keys import broker_keys
from tests.support.brokers import until
from tests.support.connector_doubles import Door, Secrets, context
from tests.support.nats_accounts import Accounts, Key
from tests.support.nats_server import NatsServer
from tests.support.secured_brokers import Secured, SecuredNats, SecuredRabbitMq, SecuredRedis, taking

pytestmark = pytest.mark.integration
NUMBERS = itertools.count(1)
WRONG = "KANARI-wrong-4d7b"
BROKERS = [
    pytest.param(SecuredNats, id="nats"),
    pytest.param(SecuredRabbitMq, id="rabbitmq", marks=pytest.mark.skipif(
        not rabbitmq_server.INSTALLED, reason=rabbitmq_server.ABSENT)),
    pytest.param(SecuredRedis, id="redis", marks=pytest.mark.skipif(
        not redis_server.INSTALLED, reason=redis_server.ABSENT)),
]  # fmt: skip
OURS = "certificate and key of tls"
FLAWS: dict[str, tuple[dict[str, Any], str, str]] = {
    "authority": ({"ca": "other_ca.pem"}, "signed by no authority that we trust", "ca of tls"),
    "name": ({"server_name": "broker.harbor.example"}, "is for another name", "server_name"),
    "no certificate": ({"certificate": None, "key": None}, "our certificate", OURS),
    "stranger": (
        {"certificate": "stranger.pem", "key": "stranger.key"},
        "our certificate",
        OURS,
    ),
}


@pytest.fixture(params=BROKERS)
def broker(request: pytest.FixtureRequest) -> Secured:
    made: Secured = request.param(f"s{next(NUMBERS)}")
    return made


def delivery(key: str) -> Outbound:
    return Outbound(1, 1, "c", "c-1", key, key.encode(), order_key="PO")


async def refused(sink: Any) -> TransportError:
    with pytest.raises(TransportError) as caught:
        await sink.send(delivery("one"))
    await sink.close()
    return caught.value


async def test_messages_go_out_and_come_in_over_mutual_tls(broker: Secured, tmp_path: Path) -> None:
    door, secrets, reach = Door(), broker.secrets(), broker.reach(tmp_path)
    sink = broker.made("destinations", tmp_path, reach, secrets)
    await sink.send(delivery("one"))
    health = await sink.check()
    await sink.close()
    source = broker.made("sources", tmp_path, reach, secrets)
    async with taking(door, source):
        await until(lambda: len(door.stored) == 1)
        found = await source.check()

    assert [one.body for one in door.stored] == [b"one"]
    assert health.ok
    assert found.ok


@pytest.mark.parametrize("flaw", FLAWS)
async def test_a_flaw_of_the_handshake_is_told_with_its_remedy(broker: Secured, flaw: str, tmp_path: Path) -> None:
    changed, words, remedy = FLAWS[flaw]
    reach = broker.reach(tmp_path, **changed)
    sink = broker.made("destinations", tmp_path, reach, broker.secrets())
    health = await sink.check()
    error = await refused(sink)

    assert words in error.what or ("our" in words and "ended the connection" in error.what)
    assert remedy in (error.remedy or "")
    assert not error.sent
    assert not health.ok
    assert remedy in health.text


async def test_an_expired_certificate_of_the_server_is_told(broker: Secured, tmp_path: Path) -> None:
    async with broker.expired() as port:
        sink = broker.made("destinations", tmp_path, broker.reach(tmp_path, port), broker.secrets())
        error = await refused(sink)

    assert "has expired" in error.what
    assert "renewed" in (error.remedy or "")
    assert not error.sent


async def test_a_wrong_password_is_told_and_not_shown(broker: Secured, tmp_path: Path) -> None:
    sink = broker.made("destinations", tmp_path, broker.reach(tmp_path), Secrets({"env:P": WRONG}))
    health = await sink.check()
    error = await refused(sink)

    assert "does not let us in" in error.what
    assert "compare user" in (error.remedy or "")
    assert not error.sent
    assert WRONG not in repr([str(error), repr(error.__cause__), repr(error.__context__), health])


async def test_what_waits_is_taken_when_the_password_is_right_again(broker: Secured, tmp_path: Path) -> None:
    door, reach, wrong = Door(), broker.reach(tmp_path), Secrets({"env:P": WRONG})
    sink = broker.made("destinations", tmp_path, reach, broker.secrets())
    await sink.send(delivery("waiting"))
    await sink.close()
    source = broker.made("sources", tmp_path, reach, wrong)
    async with taking(door, source):
        await until(lambda: source.problem is not None)
        problem, taken = source.problem, len(door.stored)
        wrong.values |= broker.secrets().values
        await until(lambda: len(door.stored) == 1)
        await until(lambda: source.problem is None)

    assert "does not let us in" in problem
    assert taken == 0
    assert [one.body for one in door.stored] == [b"waiting"]


async def test_an_authority_that_is_replaced_is_used_without_a_restart(broker: Secured, tmp_path: Path) -> None:
    reach = broker.reach(tmp_path)
    shutil.copy(tmp_path / "other_ca.pem", tmp_path / "ca.pem")
    sink = broker.made("destinations", tmp_path, reach, broker.secrets())
    with pytest.raises(TransportError) as caught:
        await sink.send(delivery("one"))
    shutil.copy(broker_keys() / "ca.pem", tmp_path)
    sink._link._tls.look()  # a second early
    delivered = await sink.send(delivery("one"))
    await sink.close()

    assert "signed by no authority" in caught.value.what
    assert delivered is not None


# ------------------------------------------------------------------ NATS: keys and credentials
@pytest.fixture
def by_nkey() -> Any:
    key = Key("user")
    server = NatsServer(f"authorization {{ users: [ {{ nkey: {key.public} }} ] }}\n")
    server.start()
    yield server, key
    server.remove()


@pytest.fixture
def by_accounts() -> Any:
    accounts = Accounts()
    server = NatsServer(accounts.configuration)
    server.start()
    yield server, accounts
    server.remove()


def _nats_sink(root: Path, server: NatsServer, login: dict[str, str], secret: str) -> Any:
    entry = CATALOG.destinations["nats"]
    stream = {"subject": "orders.in", "stream": "ORDERS", "subjects": ["orders.>"], "declare": True}
    settings = entry.load().model_validate({"servers": [f"127.0.0.1:{server.port}"], **login, **stream})
    return entry.build(settings, context(root, secrets=Secrets({"env:S": secret})))


async def test_nats_lets_us_in_by_nkey_and_no_other_key(by_nkey: Any, tmp_path: Path) -> None:
    server, key = by_nkey
    sink = _nats_sink(tmp_path, server, {"nkey": "env:S"}, key.seed)
    delivered = await sink.send(delivery("one"))
    await sink.close()
    error = await refused(_nats_sink(tmp_path, server, {"nkey": "env:S"}, Key("user").seed))

    assert delivered.reference
    assert "does not let us in" in error.what


async def test_nats_lets_us_in_by_credentials_and_no_other_operators(by_accounts: Any, tmp_path: Path) -> None:
    server, accounts = by_accounts
    sink = _nats_sink(tmp_path, server, {"credentials": "env:S"}, accounts.credentials)
    delivered = await sink.send(delivery("one"))
    await sink.close()
    error = await refused(_nats_sink(tmp_path, server, {"credentials": "env:S"}, Accounts().credentials))

    assert delivered.reference
    assert "does not let us in" in error.what
