"""Kafka with TLS, client certificates and passwords: asked for in earnest, each flaw told with its remedy."""

from __future__ import annotations

import itertools
import shutil
from pathlib import Path
from typing import Any

import pytest

from engine.connectors.catalog import CATALOG
from engine.core.errors import TransportError
from engine.ports.connector import Outbound
from tests.support.broker_keys import broker_keys
from tests.support.brokers import until
from tests.support.connector_doubles import Door, Secrets, context
from tests.support.kafka_cluster import kafka_cluster
from tests.support.kafka_door import PASSWORD, USER, KafkaDoor
from tests.support.secured_brokers import taking

NUMBERS = itertools.count(1)
WRONG = "KANARI-wrong-5c0d"
MUTUAL = {"certificate": "client.pem", "key": "client.key"}


@pytest.fixture
def topic(tmp_path: Path) -> str:
    for file in broker_keys().iterdir():
        shutil.copy(file, tmp_path)
    name = f"secured{next(NUMBERS)}"
    kafka_cluster().topic(name)
    return name


def made(kind: str, root: Path, door: KafkaDoor, topic: str, secrets: Secrets | None = None, **settings: Any) -> Any:
    entry = getattr(CATALOG, kind)["kafka"]
    own: dict[str, Any] = {"topic": topic} if kind == "destinations" else {"topics": [topic], "group": topic}
    reach = {
        "servers": [f"127.0.0.1:{door.port}"],
        "connect_timeout": "500ms",
        "timeout": "5s",
        "tls": {"ca": "ca.pem"},
    }
    login = {"user": USER, "password": "env:P"} if "sasl" in settings else {}
    return entry.build(
        entry.load().model_validate({**reach, **login, **own, **settings}),
        context(root, secrets=secrets or Secrets({"env:P": PASSWORD})),
    )


def delivery(key: str) -> Outbound:
    return Outbound(1, 1, "c", "c-1", key, key.encode(), order_key="PO")


async def failed(sink: Any) -> TransportError:
    with pytest.raises(TransportError) as caught:
        await sink.send(delivery("one"))
    await sink.close()
    assert not caught.value.sent
    return caught.value


@pytest.mark.parametrize("sasl", ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"])
async def test_records_go_out_and_come_in_with_tls_and_each_way_to_log_in(
    sasl: str, topic: str, tmp_path: Path
) -> None:
    taken = Door()
    async with KafkaDoor(sasl=sasl) as door:
        sink = made("destinations", tmp_path, door, topic, sasl=sasl)
        await sink.send(delivery("one"))
        await sink.close()
        source = made("sources", tmp_path, door, topic, sasl=sasl, partitions=[0, 1, 2, 3])
        async with taking(taken, source):
            await until(lambda: len(taken.stored) == 1)

    assert [one.body for one in taken.stored] == [b"one"]
    assert door.let_in > 0


async def test_a_client_certificate_lets_us_in(topic: str, tmp_path: Path) -> None:
    async with KafkaDoor(client=True) as door:
        sink = made("destinations", tmp_path, door, topic, tls={"ca": "ca.pem", **MUTUAL})
        delivered = await sink.send(delivery("one"))
        await sink.close()

    assert delivered.reference.startswith(topic)
    assert kafka_cluster().bodies(topic) == [b"one"]


async def test_without_the_certificate_it_asks_for_nothing_gets_in(topic: str, tmp_path: Path) -> None:
    async with KafkaDoor(client=True) as door:
        error = await failed(made("destinations", tmp_path, door, topic))

    assert "certificate and key of tls" in (error.remedy or "")
    assert door.let_in == 0


@pytest.mark.parametrize(("certificate", "ca"), [("server", "other_ca.pem"), ("expired", "ca.pem")])
async def test_a_certificate_of_the_cluster_that_is_not_valid_is_told(
    certificate: str, ca: str, topic: str, tmp_path: Path
) -> None:
    async with KafkaDoor(certificate) as door:
        sink = made("destinations", tmp_path, door, topic, tls={"ca": ca})
        health = await sink.check()
        error = await failed(sink)
        source = await made("sources", tmp_path, door, topic, tls={"ca": ca}).check()

    assert "the cluster's certificate" in error.what
    assert "compare ca of tls" in (error.remedy or "")
    assert "the cluster's certificate" in health.text
    assert "the cluster's certificate" in source.text
    assert door.let_in == 0


async def test_what_waits_goes_and_comes_when_the_password_is_right_again(topic: str, tmp_path: Path) -> None:
    secrets, taken = Secrets({"env:P": WRONG}), Door()
    async with KafkaDoor(sasl="SCRAM-SHA-512") as door:
        error = await failed(made("destinations", tmp_path, door, topic, secrets, sasl="SCRAM-SHA-512"))
        source = made("sources", tmp_path, door, topic, secrets, sasl="SCRAM-SHA-512", partitions=[0, 1, 2, 3])
        async with taking(taken, source):
            await until(lambda: source.problem is not None)
            problem = source.problem
            secrets.values["env:P"] = PASSWORD
            sink = made("destinations", tmp_path, door, topic, secrets, sasl="SCRAM-SHA-512")
            await sink.send(delivery("one"))
            await sink.close()
            await until(lambda: len(taken.stored) == 1)

    assert "does not let us in" in error.what
    assert "does not let us in" in problem
    assert WRONG not in repr([str(error), repr(error.__cause__), repr(error.__context__), problem])


@pytest.mark.parametrize("kind", ["sources", "destinations"])
async def test_missing_files_of_tls_are_told_and_the_source_goes_on(kind: str, topic: str, tmp_path: Path) -> None:
    async with KafkaDoor() as door:
        end = made(kind, tmp_path, door, topic, tls={"ca": "nowhere.pem"})
        health = await end.check()

    assert not health.ok
    assert "files of tls" in health.text
    assert "nowhere" not in health.text


def test_the_library_gets_every_setting_of_tls_and_login(tmp_path: Path) -> None:
    from engine.connectors.brokers.kafka.link import configuration
    from engine.connectors.brokers.kafka.settings import KafkaServer

    tls = {"ca": "a.pem", "certificate": "c.pem", "key": "c.key", "key_password": "env:K", "verify": False}
    login = {"user": "us", "password": "env:P", "sasl": "SCRAM-SHA-256"}
    server = KafkaServer.model_validate({"servers": ["k.harbor.example:9093"], "tls": tls, **login})
    found = configuration(server, context(tmp_path, secrets=Secrets({"env:P": "p", "env:K": "k"})))

    assert found["security.protocol"] == "SASL_SSL"
    assert found["sasl.mechanism"] == "SCRAM-SHA-256"
    assert (found["sasl.username"], found["sasl.password"], found["ssl.key.password"]) == ("us", "p", "k")
    assert found["ssl.ca.location"] == str(tmp_path / "a.pem")
    assert found["ssl.certificate.location"] == str(tmp_path / "c.pem")
    assert found["ssl.key.location"] == str(tmp_path / "c.key")
    assert found["enable.ssl.certificate.verification"] is False
