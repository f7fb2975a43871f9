"""The connector contract of `s3` against moto's server, a stand-in, and what buckets ask for besides."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from msgspec import structs
from pydantic import ValidationError

from engine.connectors.s3 import bucket as requests
from engine.connectors.s3.destination import S3Destination
from engine.connectors.s3.guard import GuardedTransport
from engine.connectors.s3.settings import S3DestinationSettings, S3Server, S3SourceSettings
from engine.connectors.s3.source import S3Source
from engine.core.errors import DestinationError, StoreError, TransportError
from engine.ports.connector import ConnectorContext, Outbound, Semantics
from tests.support.connector_contract import (
    LIMIT,
    Answer,
    DestinationHarness,
    Door,
    SourceHarness,
    destination_contract,
    source_contract,
)
from tests.support.connector_doubles import Secrets, context
from tests.support.objects import KEYS, Store, objects
from tests.support.openssh import Relay


def surroundings(folder: Path) -> ConnectorContext:
    return context(folder, secrets=Secrets(KEYS))


class Writer:
    """Puts an object and watches where it ends."""

    def __init__(self, harness: S3SourceHarness) -> None:
        self.harness, self.store = harness, harness.store

    async def send(self, body: bytes) -> Answer:
        name = body.split(b"|")[0].decode()
        ended, asked = self._ended(name), self.harness.door.asked
        self.store.put(f"in/{name}", body)
        while self._ended(name) == ended or f"in/{name}" in self.store.keys("in/"):
            await asyncio.sleep(0.02)
            if self.harness.door.failure is not None and self.harness.door.asked > asked:
                return Answer.SILENT
        return Answer.ACCEPTED if self._ended(name)[0] > ended[0] else Answer.REFUSED

    def _ended(self, name: str) -> tuple[int, int]:
        keys = self.store.keys("in/")
        done, error = ([k for k in keys if k.startswith(f"in/{w}/") and k.endswith(name)] for w in ("done", "error"))
        return len(done), len(error)

    async def close(self) -> None:
        """A writer holds nothing."""


class S3SourceHarness(SourceHarness):
    type = "s3"
    exempt = {"tls": "a client; moto's server speaks no TLS"}  # noqa: RUF012 - a ClassVar in the base

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.store = objects().bucket()

    def settings(self) -> dict[str, Any]:
        return self.store.settings() | {
            "prefix": "in/",
            "poll": "20ms",
            "max_size": f"{LIMIT}B",
            "deduplicate": "name",
        }

    def context(self) -> ConnectorContext:
        return surroundings(self.folder)

    async def connect(self) -> Writer:
        return Writer(self)

    def message(self, key: str, text: str = "text", size: int = 0) -> bytes:
        return f"{key}|{text}".encode().ljust(size, b".")

    async def break_protocol(self) -> None:
        """Keys that look like paths to elsewhere, and an empty object."""
        for key in ("in/../../etc/passwd", "in/a//", "in/nothing"):
            self.store.put(key, b"" if key.endswith(("/", "nothing")) else b"content")
        while not [key for key in self.store.keys("in/error/") if key.endswith("nothing.reason.txt")]:
            await asyncio.sleep(0.02)
        self.door.stored.clear()


class S3DestinationHarness(DestinationHarness):
    type = "s3"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.store, self.relay = objects().bucket(), Relay(self.port, objects().port)
        self.started = False

    def settings(self) -> dict[str, Any]:
        return self.store.settings(self.port) | {"prefix": "out/", "file_name": "{natural_key}.txt"}

    def context(self) -> ConnectorContext:
        return surroundings(self.folder)

    async def start(self) -> None:
        self.started = True
        await self.relay.start()

    async def stop(self) -> None:
        if self.started:
            await self.relay.stop()

    def refuse(self) -> None:
        self.store.put("out/key-1.txt", b"of somebody else")

    def hang(self) -> None:
        self.relay.flowing.clear()

    def effects(self) -> list[bytes]:
        return [self.store.get(key) for key in self.store.keys("out/")]


TestS3SourceContract = source_contract(S3SourceHarness)
TestS3DestinationContract = destination_contract(S3DestinationHarness)


# ------------------------------------------------------------------ reading
@pytest.fixture
def store() -> Store:
    return objects().bucket()


async def look(store: Store, folder: Path, door: Door, **settings: Any) -> S3Source:
    made = source(store, folder, **settings)
    assert await made.look(door), made.problem
    await made._bucket.close()
    return made


def source(store: Store, folder: Path, **settings: Any) -> S3Source:
    given = S3SourceSettings.model_validate(store.settings() | {"prefix": "in/"} | settings)
    return S3Source(given, surroundings(folder))


async def test_object_that_stays_is_read_once_also_after_a_restart(store: Store, tmp_path: Path) -> None:
    door = Door()
    store.put("in/a", b"one")
    for _ in range(3):
        await look(store, tmp_path, door, after="keep")
    store.put("in/a", b"two")
    await look(store, tmp_path, door, after="keep")

    assert (door.asked, [one.body for one in door.accepted]) == (2, [b"one", b"two"])
    assert store.keys() == ["in/a"]


async def test_object_that_is_kept_and_whose_ledger_is_lost_acts_once(store: Store, tmp_path: Path) -> None:
    door = Door()
    store.put("in/a", b"one")
    await look(store, tmp_path / "one", door, after="keep")
    await look(store, tmp_path / "two", door, after="keep")

    assert (door.asked, len(door.accepted)) == (2, 1)


async def test_tag_tells_another_run_that_an_object_was_read(store: Store, tmp_path: Path) -> None:
    door = Door()
    store.put("in/a", b"one")
    store.put("in/b", b"")
    store.ask("put_object_tagging", Key="in/a", Tagging={"TagSet": [{"Key": "theirs", "Value": "1"}]})
    await look(store, tmp_path / "one", door, after="tag")
    await look(store, tmp_path / "two", door, after="tag")

    tags = {key: store.ask("get_object_tagging", Key=key)["TagSet"] for key in ("in/a", "in/b")}
    assert {one["Key"]: one["Value"] for one in tags["in/a"]} == {"theirs": "1", "isthmus": "taken"}
    assert {one["Key"]: one["Value"] for one in tags["in/b"]} == {"isthmus": "refused"}
    assert door.asked == 2


async def test_read_object_is_removed_when_wished(store: Store, tmp_path: Path) -> None:
    store.put("in/a", b"one")
    await look(store, tmp_path, Door(), after="delete")

    assert store.keys() == []


async def test_versions_of_an_object_are_messages_of_their_own(tmp_path: Path) -> None:
    store, door = objects().bucket(versioned=True), Door()
    for _ in range(2):
        store.put("in/a", b"the same")
        await look(store, tmp_path, door, after="delete")

    assert len(door.accepted) == 2
    assert all(one.natural_id and one.natural_id.startswith(f"{store.name}/in/a@") for one in door.accepted)


async def test_object_of_many_parts_is_read_whole(store: Store, tmp_path: Path) -> None:
    parts, door = [b"x" * 5 * 1024**2, b"rest"], Door()
    upload = store.ask("create_multipart_upload", Key="in/a")["UploadId"]
    etags = [
        store.ask("upload_part", Key="in/a", UploadId=upload, PartNumber=number, Body=part)["ETag"]
        for number, part in enumerate(parts, 1)
    ]
    listed = {"Parts": [{"ETag": etag, "PartNumber": number} for number, etag in enumerate(etags, 1)]}
    store.ask("complete_multipart_upload", Key="in/a", UploadId=upload, MultipartUpload=listed)
    await look(store, tmp_path, door)

    assert [one.body for one in door.accepted] == [b"".join(parts)]


async def test_listing_of_several_pages_is_read_to_its_end(store: Store, tmp_path: Path, monkeypatch: Any) -> None:
    for number in range(7):
        store.put(f"in/{number}", b"%d" % number)
    given, door = source(store, tmp_path), Door()
    await given._bucket.reachable("")
    real, pages = given._bucket._client.list_objects_v2, []

    def small(**asked: Any) -> Any:
        pages.append(asked.get("ContinuationToken"))
        return real(**asked, MaxKeys=3)

    monkeypatch.setattr(given._bucket._client, "list_objects_v2", small)
    assert await given.look(door)
    await given._bucket.close()

    assert [one.body for one in door.accepted] == [b"%d" % number for number in range(7)]
    assert len(pages) == 3


async def test_object_that_is_replaced_after_it_was_read_is_not_removed(store: Store, tmp_path: Path) -> None:
    store.put("in/a", b"one")
    door = Door()

    class Replacing(Door):
        async def __call__(self, received: Any) -> Any:
            store.put("in/a", b"two")
            return await door(received)

    given = source(store, tmp_path, after="delete")
    assert await given.look(Replacing())
    assert store.get("in/a") == b"two"
    assert await given.look(door)
    await given._bucket.close()

    assert [one.body for one in door.accepted] == [b"one", b"two"]
    assert store.keys() == []


@pytest.mark.parametrize(("code", "status"), [("PreconditionFailed", 412), ("NotImplemented", 501)])
async def test_server_that_does_not_take_the_condition_of_a_removal_is_asked_without(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str, status: int
) -> None:
    store.put("in/a", b"one")
    given = source(store, tmp_path, after="delete")
    await given._bucket.reachable("")
    real = given._bucket._client.delete_object

    def choosy(**asked: Any) -> Any:
        if "IfMatch" in asked:
            told = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}
            raise ClientError(told, "DeleteObject")
        return real(**asked)

    monkeypatch.setattr(given._bucket._client, "delete_object", choosy)
    assert await given.look(Door())
    await given._bucket.close()

    assert store.keys() == []


async def test_crash_between_accepting_and_moving_has_no_second_effect(store: Store, tmp_path: Path) -> None:
    store.put("in/a", b"one")
    door, first = Door(), source(store, tmp_path)

    async def crash(*_: Any) -> None:
        raise StoreError("gone")

    first._bucket.move = crash  # type: ignore[method-assign]
    assert not await first.look(door)
    await first._bucket.close()
    await look(store, tmp_path, door)

    assert (door.asked, len(door.accepted)) == (2, 1)
    assert len(store.keys("in/done/")) == 1


async def test_oversize_object_is_refused_without_reading_it(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.put("in/a", b"x" * 1001)
    monkeypatch.setattr(requests, "_content", lambda *_: pytest.fail("it was read"))
    door = Door()
    await look(store, tmp_path, door, max_size="1000B")

    assert [one.refusal.code for one in door.stored if one.refusal] == ["M003"]


# ------------------------------------------------------------------ servers that are busy
class Saying:
    """A server that answers everything with one status."""

    def __init__(self, status: str, *headers: str) -> None:
        self.head = "\r\n".join((f"HTTP/1.1 {status}", *headers, "Content-Length: 0", "", "")).encode()
        self.asked = 0

    async def __aenter__(self) -> int:
        self.listener = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        port: int = self.listener.sockets[0].getsockname()[1]
        return port

    async def __aexit__(self, *_: object) -> None:
        self.listener.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while (line := await reader.readline()) not in (b"", b"\r\n"):
            del line
        self.asked += 1
        writer.write(self.head)
        writer.close()


async def test_object_that_is_not_given_out_keeps_none_of_the_others_out(store: Store, tmp_path: Path) -> None:
    """One that was archived: the server lists it, and refuses to give it until somebody restores it."""
    store.ask("put_object", Key="in/a", Body=b"archived", StorageClass="GLACIER")
    for name in "bc":
        store.put(f"in/{name}", name.encode())
    door = Door()
    given = source(store, tmp_path, parallel=1)
    good = await given.look(door)
    await given._bucket.close()

    assert not good
    assert given.problem == "the server refuses: InvalidObjectState"
    assert [one.body for one in door.accepted] == [b"b", b"c"]
    assert store.keys("in/a") == ["in/a"]


async def test_busy_server_is_asked_again_when_it_says(store: Store, tmp_path: Path) -> None:
    busy = Saying("503 Slow Down", "Retry-After: 700")
    async with busy as port:
        given = source(store, tmp_path, endpoint=f"http://127.0.0.1:{port}")
        good = await given.look(Door())
        writing = destination(store, tmp_path, endpoint=f"http://127.0.0.1:{port}")
        with pytest.raises(TransportError) as caught:
            await writing.send(outbound())
        await writing.close()
        await given._bucket.close()

    assert (good, given._pause(), busy.asked) == (False, 700.0, 2)  # the library does not try by itself
    assert (caught.value.retry_after, caught.value.sent) == (700.0, False)


async def test_server_that_fails_leaves_the_outcome_unknown(store: Store, tmp_path: Path) -> None:
    async with Saying("500 Internal Server Error") as port:
        writing = destination(store, tmp_path, endpoint=f"http://127.0.0.1:{port}")
        with pytest.raises(TransportError) as caught:
            await writing.send(outbound())
        await writing.close()

    assert caught.value.sent


async def test_server_that_does_not_answer_is_given_up(store: Store, tmp_path: Path) -> None:
    ended = asyncio.Event()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await ended.wait()
        writer.close()

    listener = await asyncio.start_server(silent, "127.0.0.1", 0)
    endpoint = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
    health = await source(store, tmp_path, endpoint=endpoint, timeout="100ms").check()
    ended.set()
    listener.close()

    assert not health.ok


# ------------------------------------------------------------------ writing
def destination(store: Store, folder: Path, **settings: Any) -> S3Destination:
    given = store.settings() | {"prefix": "out/", "file_name": "{natural_key}.txt"} | settings
    return S3Destination(S3DestinationSettings.model_validate(given), surroundings(folder))


def outbound(key: str = "key-1", body: bytes = b"body") -> Outbound:
    return Outbound(1, 1, "under_test", "correlation-1", key, body, natural_key=key)


async def test_server_never_overwrites_when_it_is_asked_so(store: Store, tmp_path: Path) -> None:
    """Two engines at once, neither of which has seen the other's object."""
    ours = destination(store, tmp_path)
    theirs = structs.replace(outbound(body=b"other"), idempotency_key="other")
    outcomes = await asyncio.gather(ours.send(outbound()), ours.send(theirs), return_exceptions=True)
    await ours.close()

    assert sorted(type(one).__name__ for one in outcomes) == ["Delivered", "DestinationError"]


async def test_without_conditions_the_key_is_looked_at(store: Store, tmp_path: Path) -> None:
    given = destination(store, tmp_path, conditional=False)
    for _ in range(2):
        await given.send(outbound())
    with pytest.raises(DestinationError):
        await given.send(structs.replace(outbound(body=b"other"), idempotency_key="other"))
    await given.close()

    assert store.get("out/key-1.txt") == b"body"


async def test_without_conditions_a_writer_in_between_is_told(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other one writes after our put and before our second look: ours is gone, and a person hears of it."""
    given = destination(store, tmp_path, conditional=False)
    put = requests.Bucket.put

    async def overwritten(self: requests.Bucket, key: str, body: bytes, **further: Any) -> None:
        await put(self, key, body, **further)
        store.put(key, b"other")

    monkeypatch.setattr(requests.Bucket, "put", overwritten)
    with pytest.raises(DestinationError, match="other content"):
        await given.send(outbound())
    await given.close()


async def test_encryption_and_media_type_are_asked_for(store: Store, tmp_path: Path) -> None:
    given = destination(store, tmp_path, encryption="aws:kms", kms_key="ours", content_type="text/csv")
    await given.send(outbound())
    await given.close()
    found = store.ask("head_object", Key="out/key-1.txt")

    assert (found["ServerSideEncryption"], found["ContentType"]) == ("aws:kms", "text/csv")
    assert found["SSEKMSKeyId"].endswith("ours")


async def test_bucket_that_is_not_there_is_refused_with_a_remedy(tmp_path: Path) -> None:
    nobody = Store(objects(), "nobody-has-this")
    given = destination(nobody, tmp_path)
    with pytest.raises(DestinationError, match="NoSuchBucket"):
        await given.send(outbound())
    health = await given.check()
    await given.close()

    assert not health.ok


def test_destination_whose_readers_remove_objects_does_not_promise_to_write_once(store: Store, tmp_path: Path) -> None:
    assert destination(store, tmp_path).semantics is Semantics.IDEMPOTENT
    assert destination(store, tmp_path, readers_remove=True).semantics is Semantics.NEITHER


# ------------------------------------------------------------------ settings
@pytest.mark.parametrize(
    "wrong",
    [
        {"endpoint": "http://objects.harbor.example"},
        {"endpoint": "https://key:secret@objects.harbor.example"},
        {"endpoint": "https://objects.harbor.example/bucket"},
        {"access_key": "AKIAIOSFODNN7EXAMPLE"},
        {"prefix": "/in"},
        {"done": "in/"},
        {"error": ""},
        {"bucket": "a/b"},
    ],
)
def test_settings_that_would_go_wrong_are_refused(store: Store, wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        S3SourceSettings.model_validate(store.settings() | {"prefix": "in/"} | wrong)


def test_objects_that_are_through_go_beside_the_watched_ones(store: Store) -> None:
    prefixes = {"": "done/", "in/": "in/done/", "in/a": "in/done/"}
    found = {p: S3SourceSettings.model_validate(store.settings() | {"prefix": p}).away("done") for p in prefixes}

    assert found == prefixes
    assert S3SourceSettings.model_validate(store.settings()).poll == timedelta(seconds=30)


async def test_server_at_an_address_that_may_not_be_reached_gets_no_byte(store: Store, tmp_path: Path) -> None:
    far = destination(store, tmp_path, allow_private=False)

    with pytest.raises(TransportError, match="may not be reached") as told:
        await far.send(Outbound(1, 1, "c", "c", "k1", b"body", natural_key="n1"))
    await far.close()

    assert not told.value.sent
    assert store.keys("") == []


@pytest.mark.parametrize(
    ("endpoint", "allow_private", "peer", "allowed"),
    [
        ("https://objects.harbor.example", True, "10.1.2.3", True),
        ("https://objects.harbor.example", False, "10.1.2.3", False),
        ("https://objects.harbor.example", True, "127.0.0.1", False),
        ("https://objects.harbor.example", True, "169.254.169.254", False),
        ("http://localhost:9000", True, "127.0.0.1", True),
        (None, False, "52.219.1.1", True),
    ],
)
def test_the_address_decides_and_not_its_name(
    endpoint: str | None, allow_private: bool, peer: str, allowed: bool
) -> None:
    settings = S3Server.model_validate(
        {"endpoint": endpoint, "bucket": "prices", "access_key": "env:ACCESS", "secret_key": "env:SECRET"}
        | {"allow_private": allow_private}
    )

    assert GuardedTransport(settings, None, 1).allows(peer) is allowed
