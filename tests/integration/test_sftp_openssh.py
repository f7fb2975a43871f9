"""`sftp` against a real OpenSSH server: who is let in, what is read when, what a broken connection leaves."""

from __future__ import annotations

import asyncio
import base64
import os
import threading
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from engine.connectors.file.afterwards import SERVICE
from engine.connectors.sftp.connection import LogInError
from engine.connectors.sftp.destination import SftpDestination
from engine.connectors.sftp.hostkeys import HostKeyError, fingerprint
from engine.connectors.sftp.settings import SftpDestinationSettings, SftpSourceSettings
from engine.connectors.sftp.source import SftpSource
from engine.core.errors import ConfigurationError, DestinationError, StoreError, TransportError
from engine.core.loopback import free_port
from engine.ports.connector import Outbound, Reason, Semantics
from engine.ports.journal import MessageRow
from engine.ports.states import MessageState
from tests.support.connector_doubles import Clock, Door, Secrets, context
from tests.support.openssh import ABSENT, INSTALLED, Relay, openssh
from tests.support.x12_samples import interchange

pytestmark = [pytest.mark.integration, pytest.mark.skipif(not INSTALLED, reason=ABSENT)]


class Site:
    """A site and the server's folder beside it. Every source and destination made here is closed by `close`."""

    def __init__(self, root: Path) -> None:
        self.root, self.inbox, self.outbox = root, root / "in", root / "out"
        self.inbox.mkdir()
        self.outbox.mkdir()
        self.door, self.clock, self.port = Door(), Clock(), openssh().port
        self.made: list[Any] = []
        self.relay: Relay | None = None

    async def through_relay(self, delay: float = 0.0) -> Relay:
        self.relay = Relay(free_port(), openssh().port, delay)
        await self.relay.start()
        self.port = self.relay.port
        return self.relay

    def source(self, **settings: Any) -> SftpSource:
        usual = {"folder": str(self.inbox), "stable_for": "0s", "poll": "20ms"}
        made = SftpSource(SftpSourceSettings.model_validate(self._server() | usual | settings), self._context())
        self.made.append(made)
        return made

    def destination(self, **settings: Any) -> SftpDestination:
        usual = {"folder": str(self.outbox), "file_name": "{natural_key}.txt"}
        given = SftpDestinationSettings.model_validate(self._server() | usual | settings)
        made = SftpDestination(given, self._context())
        self.made.append(made)
        return made

    async def close(self) -> None:
        for one in self.made:
            await one._connection.close()
        if self.relay is not None:
            await self.relay.stop()

    def put(self, name: str, content: str | bytes = "content") -> None:
        (self.inbox / name).write_bytes(content.encode() if isinstance(content, str) else content)

    def written(self) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in self.outbox.iterdir() if path.is_file()}

    def _server(self) -> dict[str, Any]:
        (self.root / "known_hosts").write_text(openssh().known_hosts(self.port))
        known = {"known_hosts": "known_hosts", "user": openssh().user, "private_key": "env:client"}
        return {"address": f"127.0.0.1:{self.port}", "timeout": "30s", "login_timeout": "30s"} | known

    def _context(self) -> Any:
        keys = {f"env:{name}": openssh().private(name) for name in ("client", "stranger", "certified", "locked")}
        return context(self.root, clock=self.clock, secrets=Secrets(keys | {"env:phrase": "open sesame"}))


@pytest.fixture
async def site(tmp_path: Path) -> Any:
    made = Site(tmp_path)
    yield made
    await made.close()


def outbound(key: str = "key-1", body: bytes = b"body") -> Outbound:
    return Outbound(1, 1, "under_test", "correlation-1", key, body, natural_key=key)


# ------------------------------------------------------------------ who is who
async def test_server_with_another_host_key_is_refused_before_the_log_in(site: Site) -> None:
    name = openssh().known_hosts(site.port).split()[0]
    (site.root / "others").write_text(f"{name} {(openssh().folder / 'stranger.pub').read_text()}")

    with pytest.raises(HostKeyError, match="SHA256:") as caught:
        await site.destination(known_hosts="others").send(outbound())
    assert caught.value.remedy is not None
    assert not caught.value.sent


async def test_server_is_known_by_the_fingerprint_of_its_key_alone(site: Site) -> None:
    shown = fingerprint(base64.b64decode(openssh().known_hosts(site.port).split()[2]))

    assert (await site.destination(known_hosts=None, host_keys=[shown]).check()).ok


async def test_server_is_asked_for_the_kind_of_key_that_is_pinned(site: Site) -> None:
    (site.root / "rsa").write_text(openssh().known_hosts(site.port, "rsa"))

    assert (await site.destination(known_hosts="rsa").check()).ok


async def test_key_that_the_server_does_not_know_is_refused_with_a_remedy(site: Site) -> None:
    with pytest.raises(LogInError) as caught:
        await site.destination(private_key="env:stranger").send(outbound())

    assert not caught.value.sent


async def test_certificate_of_our_key_lets_us_in(site: Site) -> None:
    certificate = str(openssh().folder / "certified-cert.pub")
    bare, certified = site.destination(private_key="env:certified"), {"private_key": "env:certified"}

    assert not (await bare.check()).ok
    assert (await site.destination(certificate=certificate, **certified).check()).ok


async def test_key_with_a_passphrase_needs_it(site: Site) -> None:
    assert (await site.destination(private_key="env:locked", passphrase="env:phrase").check()).ok
    with pytest.raises(ConfigurationError) as caught:
        site.destination(private_key="env:locked")
    assert caught.value.where == "under_test.private_key"


# ------------------------------------------------------------------ servers that do not answer
@pytest.mark.parametrize("babble", [b"", b"a line before the greeting\r\n"])
async def test_server_that_takes_the_connection_and_never_greets_is_given_up(site: Site, babble: bytes) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while not writer.is_closing():
                writer.write(babble)
                await asyncio.sleep(0.02)
                if reader.at_eof():
                    break
        finally:
            writer.close()

    listener = await asyncio.start_server(serve, "127.0.0.1", 0)
    site.port = listener.sockets[0].getsockname()[1]
    async with asyncio.timeout(30):
        with pytest.raises(TransportError) as caught:
            await site.destination(login_timeout="300ms").send(outbound())
    listener.close()

    assert not caught.value.sent


async def test_server_that_hangs_is_given_up_and_met_again(site: Site) -> None:
    relay = await site.through_relay()
    source = site.source(timeout="300ms")
    assert await source.look(site.door)

    relay.flowing.clear()
    site.put("a.txt")
    hung = await source.look(site.door)
    relay.flowing.set()
    again = await source.look(site.door)

    assert (hung, again) == (False, True)
    assert len(site.door.accepted) == 1


async def test_connection_that_the_server_ends_between_two_looks_is_no_failure(site: Site) -> None:
    relay = await site.through_relay()
    source, destination = site.source(), site.destination()
    await source.look(site.door)
    await destination.send(outbound())
    clients = [await source._connection.client(), await destination._connection.client()]
    for task in [*relay._tasks]:
        task.cancel()
    async with asyncio.timeout(30):
        while not all(client.lost for client in clients):
            await asyncio.sleep(0.01)
    site.put("a.txt")

    assert await source.look(site.door)
    await destination.send(outbound("key-2"))
    assert len(site.door.accepted) == 1
    assert len(site.written()) == 2


async def test_key_that_is_pinned_later_counts_without_a_restart(site: Site) -> None:
    destination = site.destination()
    right = (site.root / "known_hosts").read_text()
    (site.root / "known_hosts").write_text(f"{right.split()[0]} {(openssh().folder / 'stranger.pub').read_text()}")
    with pytest.raises(HostKeyError):
        await destination.send(outbound())
    (site.root / "known_hosts").write_text(right)
    await destination.send(outbound())

    assert site.written() == {"key-1.txt": b"body"}


# ------------------------------------------------------------------ reading
async def test_growing_file_is_left_until_it_stays_the_same(site: Site) -> None:
    source = site.source(stable_for="10s")
    seen = []
    for content, seconds in (("one", 0), ("one two", 9), ("one two", 9), ("one two", 2)):
        site.clock.advance(timedelta(seconds=seconds))
        if not (site.inbox / "a.txt").exists() or (site.inbox / "a.txt").read_text() != content:
            site.put("a.txt", content)
        await source.look(site.door)
        seen.append(len(site.door.accepted))

    assert seen == [0, 0, 0, 1]
    assert site.door.accepted[0].body == b"one two"


async def test_partial_hidden_and_other_names_are_never_read(site: Site) -> None:
    for name in ("a.edi.part", "b.edi.filepart", ".c.edi", "d.txt", "e.edi.tmp"):
        site.put(name)
    (site.inbox / "f.edi").mkdir()
    await site.source(pattern="*.edi*").look(site.door)

    assert site.door.stored == []


async def test_odd_names_are_read_and_moved_under_themselves(site: Site) -> None:
    names = ["two words.edi", "it's.edi", "Größe.edi", "$(touch x).edi", "-rf.edi", "a\nb.edi"]
    for name in names:
        site.put(name, name)
    raw = os.fsencode(site.inbox) + b"/r\xfccken.edi"
    Path(os.fsdecode(raw)).write_bytes(b"raw")
    await site.source().look(site.door)

    done = sorted(os.listdir(os.fsencode(site.inbox / "done")))
    assert [name.partition(b"_")[2] for name in done] == sorted([*map(str.encode, names), b"r\xfccken.edi"])
    assert all(one.attributes["file"].isprintable() for one in site.door.stored)


async def test_crash_between_commit_and_move_has_no_second_effect(site: Site) -> None:
    site.put("a.txt")
    source = site.source()
    _lose_before(await source._connection.client(), "/done/")
    first = await source.look(site.door)
    second = await site.source().look(site.door)

    assert (first, second) == (False, True)
    assert len(site.door.accepted) == 1
    assert len([*(site.inbox / "done").iterdir()]) == 1


def _lose_before(client: Any, word: str) -> None:
    """The connection goes just before the rename to this place."""
    real = client.rename

    async def losing(path: str, target: str) -> None:
        if word in target:
            client.close()
        await real(path, target)

    client.rename = losing


async def test_same_path_and_content_again_is_one_message_other_content_another(site: Site) -> None:
    source = site.source()
    for content in ("one", "one", "two"):
        site.put("a.txt", content)
        await source.look(site.door)
    site.put("b.txt", "one")
    await source.look(site.door)

    assert [one.body for one in site.door.accepted] == [b"one", b"two", b"one"]


async def test_two_engines_take_each_file_once(site: Site) -> None:
    for number in range(60):
        site.put(f"{number:03}.txt", str(number))
    one, two = site.source(deduplicate="none"), site.source(deduplicate="none")
    await asyncio.gather(one.look(site.door), two.look(site.door))
    await asyncio.gather(one.look(site.door), two.look(site.door))

    assert sorted(int(found.body) for found in site.door.accepted) == [*range(60)]


async def test_store_that_refuses_leaves_the_file_claimed_and_goes_on_later(site: Site) -> None:
    site.put("a.txt")
    source = site.source()
    site.door.failure = StoreError("the disk is gone")
    refused = await source.look(site.door)
    left = [path.name for path in (site.inbox / ".claimed").iterdir()]
    site.door.failure = None

    assert (refused, len(left)) == (False, 1)
    assert await source.look(site.door)
    assert len(site.door.accepted) == 1


async def test_interrupted_download_goes_on_where_it_stopped(site: Site) -> None:
    content = os.urandom(6 * 1024**2)
    site.put("large.bin", content)
    relay = await site.through_relay()
    source = site.source()
    assert (await source.check()).ok
    relay.most = 4 * 1024**2
    first = await source.look(site.door)
    kept = sum(len(part) for _, part in source._partial.values())
    relay.most = len(content) - kept + 256 * 1024  # enough for the rest only
    second = await source.look(site.door)

    assert (first, second) == (False, True)
    assert kept > 1024**2
    assert site.door.accepted[0].body == content


async def test_kept_files_are_read_once_also_after_a_restart(site: Site) -> None:
    site.put("a.txt")
    source = site.source(after="keep")
    for _ in range(3):
        await source.look(site.door)
    asked = site.door.asked
    await site.source(after="keep").look(site.door)

    assert asked == 1
    assert len(site.door.accepted) == 1
    assert sorted(os.listdir(site.inbox)) == ["a.txt"]


async def test_read_file_is_deleted_when_wished(site: Site) -> None:
    site.put("a.txt")
    await site.source(after="delete").look(site.door)

    assert len(site.door.accepted) == 1
    assert [path for path in site.inbox.rglob("*") if path.is_file()] == []


async def test_missing_folder_is_told_and_nothing_is_made(site: Site) -> None:
    health = await site.source(folder=str(site.inbox / "none")).check()

    assert (health.ok, health.text) == (False, "folder cannot be used: no such file or folder")
    assert not (site.inbox / "none").exists()


async def test_cancelled_run_leaves_no_connection(site: Site) -> None:
    relay = await site.through_relay(0.01)
    for number in range(20):
        site.put(f"{number}.txt", str(number))
    running = asyncio.ensure_future(site.source().run(site.door))
    while not site.door.asked:
        await asyncio.sleep(0.005)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    async with asyncio.timeout(30):
        while relay._tasks:
            await asyncio.sleep(0.01)
    assert not relay._tasks
    assert running.cancelled()


async def test_run_that_is_cancelled_during_a_log_in_that_hangs_leaves_nothing(site: Site) -> None:
    relay = await site.through_relay()
    relay.flowing.clear()
    before = len(os.listdir("/proc/self/fd"))
    running = asyncio.ensure_future(site.source(login_timeout="60s").run(site.door))
    while not relay.connections:
        await asyncio.sleep(0.005)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    relay.flowing.set()
    async with asyncio.timeout(30):
        while len(os.listdir("/proc/self/fd")) > before or _threads():
            await asyncio.sleep(0.01)
    assert _threads() == []
    assert running.cancelled()


def _threads() -> list[str]:
    return [one.name for one in threading.enumerate() if one.name.startswith(("sftp", "paramiko", "Thread-"))]


@pytest.mark.parametrize("gone", [".claimed", "done"])
async def test_folder_of_ours_that_somebody_removes_is_made_again(site: Site, gone: str) -> None:
    source = site.source()
    await source.look(site.door)
    (site.inbox / gone).rmdir()
    site.put("a.txt")
    first = await source.look(site.door)
    second = await source.look(site.door)

    assert (first, second) == (False, True)
    assert len(site.door.accepted) == 1
    assert len([*(site.inbox / "done").iterdir()]) == 1


async def test_interchange_that_is_refused_when_it_is_read_goes_over_to_the_error_folder(site: Site) -> None:
    why = Reason("X905", "wrong count", "SE01", "send it again")
    refused: list[int] = []

    async def row(message_id: int) -> MessageRow | None:
        refused.append(message_id)
        now = site.clock.now()
        return MessageRow(message_id, "in", 1, MessageState.REFUSED, now, now, 1, "c", None, "810", why, None)

    given = structs.replace(site._context(), format="x12", services={SERVICE: row})
    site.put("a.edi", interchange())
    source = SftpSource(site.source()._settings, given)
    site.made.append(source)
    assert await source.look(site.door)

    assert refused
    assert list((site.inbox / "done").iterdir()) == []
    [reason] = (site.inbox / "error").glob("*_a.edi.reason.txt")
    assert "X905 at SE01: wrong count" in reason.read_text()


async def test_hundred_files_cost_few_round_trips(site: Site) -> None:
    """One at a time, 100 files at five round trips of 200 ms would take 100 s."""
    for number in range(100):
        site.put(f"{number:03}.txt", str(number))
    await site.through_relay(0.1)
    source = site.source(parallel=100)
    await source.check()
    started = time.monotonic()
    await source.look(site.door)

    assert len(site.door.accepted) == 100
    assert time.monotonic() - started < 50


# ------------------------------------------------------------------ writing
async def test_file_that_its_reader_took_is_not_written_again(site: Site) -> None:
    await site.destination().send(outbound())
    (site.outbox / "key-1.txt").unlink()
    await site.destination().send(outbound())

    assert site.written() == {}


async def test_reader_never_sees_part_of_a_file(site: Site) -> None:
    body, seen = os.urandom(5 * 1024**2), set()
    sending = asyncio.ensure_future(site.destination().send(outbound(body=body)))
    while not sending.done():
        seen |= {len(content) for content in site.written().values()}
        await asyncio.sleep(0.001)
    await sending

    assert seen <= {len(body)}
    assert site.written() == {"key-1.txt": body}


async def test_interrupted_upload_goes_on_behind_what_was_confirmed(site: Site) -> None:
    body = os.urandom(12 * 1024**2)
    relay = await site.through_relay()
    destination = site.destination()
    assert (await destination.check()).ok
    sending = asyncio.ensure_future(destination.send(outbound(body=body)))
    while not destination._confirmed:
        await asyncio.sleep(0.001)
    relay.most = 0  # the next answer breaks the connection
    with pytest.raises(TransportError) as caught:
        await sending
    confirmed = next(iter(destination._confirmed.values()))[1]
    assert site.written() == {}
    await destination.send(outbound(body=body))

    assert not caught.value.sent
    assert 0 < confirmed < len(body)
    assert site.written() == {"key-1.txt": body}


@pytest.mark.parametrize("step", ["part", "mark", "rename"])
async def test_lost_connection_at_any_step_is_made_good_by_sending_again(site: Site, step: str) -> None:
    destination = site.destination()
    client = await destination._ready()
    told = {"part": (".part", "open"), "mark": ("/.sent/", "open"), "rename": (".txt", "rename")}[step]
    _lose_at(client, *told, mark=step == "mark")
    with pytest.raises(TransportError):
        await destination.send(outbound())
    for _ in range(2):
        await destination.send(outbound())

    assert site.written() == {"key-1.txt": b"body"}
    assert [path.name for path in (site.outbox / ".sent").glob("*.part")] == []


def _lose_at(client: Any, word: str, operation: str, mark: bool) -> None:
    """The server does it, but the connection goes before the answer."""
    real = getattr(client, operation)

    async def losing(*arguments: Any) -> Any:
        told = await real(*arguments)
        path = arguments[-1] if operation == "rename" else arguments[0]
        writes = operation == "rename" or arguments[1] != 1
        if word in path and writes and not (mark and path.endswith(".part")):
            client.close()
        return told if client.lost is None else await client.look_at(path)

    setattr(client, operation, losing)


async def test_without_marks_a_lost_answer_is_an_unknown_outcome_and_nothing_of_ours_stays(site: Site) -> None:
    destination = site.destination(marks=False)
    await destination.send(outbound())
    client = await destination._ready()
    _lose_at(client, ".txt", "rename", mark=False)
    with pytest.raises(TransportError) as caught:
        await destination.send(outbound("key-2"))

    assert destination.semantics is Semantics.NEITHER
    assert caught.value.sent
    assert sorted(os.listdir(site.outbox)) == ["key-1.txt", "key-2.txt"]


async def test_file_of_somebody_else_is_never_overwritten(site: Site) -> None:
    (site.outbox / "key-1.txt").write_text("of somebody else")
    for marks in (True, False):
        with pytest.raises(DestinationError):
            await site.destination(marks=marks).send(outbound())

    assert site.written() == {"key-1.txt": b"of somebody else"}


async def test_server_that_may_not_be_written_to_is_a_transport_error(site: Site) -> None:
    with pytest.raises(TransportError, match="no such file") as caught:
        await site.destination(folder=str(site.outbox / "none")).send(outbound())

    assert not caught.value.sent


async def test_old_marks_go(site: Site) -> None:
    (site.outbox / ".sent").mkdir()
    old = site.outbox / ".sent" / "OLD"
    old.write_text("x")
    os.utime(old, (0, 0))
    await site.destination().send(outbound())

    assert not old.exists()
