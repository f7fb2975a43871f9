"""One engine with every door, each used by a real client of its kind, killed in the middle: all arrives once.

Doors whose server this machine does not have (sshd, Dovecot) are left out here; CI has them.
"""

from __future__ import annotations

import json
import os
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.support import dovecot, openssh
from tests.support.door_far_sides import (
    Far,
    RelayThread,
    document,
    mail,
    outbox,
    post,
    supply_request,
    upload,
    zipped,
)
from tests.support.door_site import SECRETS, DoorSite
from tests.support.engine_process import EngineProcess
from tests.support.ftps import ftps
from tests.support.nats_server import NatsServer
from tests.support.objects import objects

pytestmark = [
    pytest.mark.process,
    pytest.mark.integration,
    pytest.mark.filterwarnings("ignore:Requiring AUTH"),  # TLS is there from the first byte
]
COUNT, PATIENCE = 12, 120.0
WINDOW = 75.0  # seconds until the shortest window has ended


class House:
    """The engine and all that is around it."""

    def __init__(self, root: Path) -> None:
        self.far, self.relay = Far(), RelayThread(root / "relay")
        self.nats = NatsServer()
        self.site = DoorSite(root / "site")
        self.mailbox: dovecot.Dovecot | None = None
        starts: list[Callable[[], object]] = [self.nats.start, objects, ftps]
        if dovecot.INSTALLED:
            starts.append(self._open_mailbox)
        with ThreadPoolExecutor() as together:
            for started in [together.submit(one) for one in starts]:
                started.result()
        self._doors()
        self.root = self.site.written()
        self._keys()
        self.engine = EngineProcess(self.root)

    def _open_mailbox(self) -> None:
        self.mailbox = dovecot.Dovecot()

    def _doors(self) -> None:
        self.site.with_web_and_nats(self.nats.port)
        self.site.with_fhir_and_as2()
        self.site.with_zips_and_ftps(ftps().port, ftps().authority)
        self.site.with_poll_and_soap(f"{self.far.url}/items")
        self.site.with_rows_and_hooks(f"{self.far.url}/hook")
        if openssh.INSTALLED:
            bucket = objects().bucket().settings()
            self.site.with_sftp_and_s3(openssh.openssh().port, openssh.openssh().user, bucket)
        if self.mailbox is not None:
            self.site.with_mail(self.mailbox.port, self.mailbox.ca, self.relay.port, self.relay.ca)

    def _keys(self) -> None:
        for name in ("ftps", "sftp"):
            (self.site.shared / name).mkdir(parents=True)
        (self.root / "zips").mkdir()
        if openssh.INSTALLED:
            (self.root / "client.key").write_text(openssh.openssh().private())
            (self.root / "client.key").chmod(0o600)
            (self.root / "known_hosts").write_text(openssh.openssh().known_hosts(openssh.openssh().port))

    # -------------------------------------------------------------- bringing
    def bring_files(self) -> None:
        half = COUNT // 2
        for number, some in enumerate((range(half), range(half, COUNT))):
            upload(self.root / "zips", f"{number}.zip", zipped([document("ftps", one) for one in some]))
        for number in range(COUNT):
            upload(self.site.shared / "sftp", f"{number}.json", document("s3", number))
        self.far.items = [json.loads(document("soap", number)) for number in range(COUNT)]

    def bring_mails(self, numbers: range) -> None:
        if self.mailbox is not None:
            self.mailbox.deliver("doors", *map(mail, numbers))

    def bring_requests(self) -> list[int]:
        token = SECRETS["DOORS_TOKEN"]
        with ThreadPoolExecutor(4) as together:
            web = [
                together.submit(post, f"http://127.0.0.1:{self.site.web}/in", document("nats", n), token, f"nats-{n}")
                for n in range(COUNT)
            ]
            address = f"http://127.0.0.1:{self.site.fhir}/fhir/SupplyRequest"
            kind = "application/fhir+json"
            fhir = [together.submit(post, address, supply_request(n), token, f"fhir-{n}", kind) for n in range(COUNT)]
        return [one.result() for one in (*web, *fhir)]

    # -------------------------------------------------------------- what arrived
    def arrived(self) -> dict[str, Counter[str]]:
        """By door, how often each document."""
        found = {door: self._shelf(door) for door in ("nats", "events", "as2", "ftps", "soap")}
        if openssh.INSTALLED:
            found["s3"] = self._shelf("s3")
        if self.mailbox is not None:
            found["mail"] = self.relay.told()
        found["sql"] = Counter(json.loads(body)["number"] for body in [*self.far.hooks.values()])
        return found

    def _shelf(self, door: str) -> Counter[str]:
        folder = self.root / "out" / door
        texts = [path.read_text() for path in folder.glob("*.txt")] if folder.is_dir() else []
        return Counter(_number(door, text) for text in texts)

    def expected(self) -> dict[str, Counter[str]]:
        other = {"events": "nats", "as2": "fhir"}
        return {door: Counter(f"{other.get(door, door)}-{n}" for n in range(COUNT)) for door in self.arrived()}


def _number(door: str, text: str) -> str:
    if door == "soap":
        return text.partition("Number>")[2].partition("<")[0]
    told = json.loads(text)
    match door:
        case "nats":
            return str(told["consumption_number"])
        case "events":
            return str(told["subject"])
        case "as2":
            return str(told["identifier"][0]["value"])
    return str(told["number"])


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    for name, secret in SECRETS.items():
        monkeypatch.setenv(name, secret)
    monkeypatch.setenv("DOORS_BEARER", f"Bearer {SECRETS['DOORS_TOKEN']}")
    made = House(tmp_path)
    yield made
    if made.engine.running:
        made.engine.kill()
    made.relay.stop()
    made.nats.remove()
    made.far.server.shutdown()
    if made.mailbox is not None:
        made.mailbox.stop()


def waits(what: Callable[[], bool], seconds: float = PATIENCE) -> bool:
    end = time.monotonic() + seconds
    while not (good := what()) and time.monotonic() < end:
        time.sleep(0.05)
    return good


def through_all_doors(house: House) -> None:
    outbox(house.root / "rows.db", range(COUNT))
    house.engine.start()
    half = COUNT // 2
    house.bring_mails(range(half))
    # A relay cannot be asked what it took, so a mail that is cut off waits for a person: none is under way at the kill.
    assert house.mailbox is None or waits(lambda: house.relay.told().total() == half), house.root / "engine.log"
    house.bring_files()
    assert set(house.bring_requests()) <= {201, 202}
    some = waits(lambda: sum(one.total() for one in house.arrived().values()) > half)
    house.engine.kill()
    before = house.arrived()
    house.engine.start()
    house.bring_mails(range(half, COUNT))
    house.bring_requests()  # their senders did not hear whether they were taken
    waits(lambda: house.arrived() == house.expected())

    assert some
    assert before != house.expected()
    assert house.arrived() == house.expected()


def test_a_kill_in_the_middle_loses_and_doubles_nothing_at_any_door(house: House) -> None:
    through_all_doors(house)

    assert house.engine.stop() == 0
    assert os.listdir(house.root / "out")


@pytest.mark.slow
def test_what_came_through_a_door_is_summed_when_its_window_has_ended(house: House) -> None:
    through_all_doors(house)
    folder = house.root / "out" / "window"

    def summed() -> list[dict[str, object]]:
        return [json.loads(path.read_text()) for path in folder.glob("*.txt")] if folder.is_dir() else []

    waits(lambda: sum(int(str(one["count"])) for one in summed()) == COUNT, WINDOW)
    assert house.engine.stop() == 0
    keys = Counter(one["key"] for told in summed() for one in told["documents"])  # type: ignore[attr-defined]
    assert keys == Counter(f"nats-{number}" for number in range(COUNT))
