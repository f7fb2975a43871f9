"""Patients and secrets stay where they belong: 30 of the one and three of the other, sent through good and bad ways.

What people read without opening a message is searched for them: log, standard output, lists, metrics, answers of the
API, reasons, addresses, and documents for the ERP and suppliers. Source: acceptance 54, 55.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import aiohttp
import pytest

from engine.channel.load import load_site
from engine.channel.site import Site
from engine.cli.dry_run import runner_for
from engine.core.loopback import free_port
from engine.ports.script import WorkResult
from engine.ports.states import MessageState
from tests.support.canaries import Patient, leaks, patients
from tests.support.engine_process import EngineProcess, write_site

ROOT = Path(__file__).resolve().parents[2]
PEOPLE = patients(30)
LEDGER_TOKEN, PORTAL_TOKEN, HEADER_KEY = (f"KANARI-{word}-4c1e" for word in ("LEDGER", "PORTAL", "HEADER"))
NEEDLES = [LEDGER_TOKEN, PORTAL_TOKEN, HEADER_KEY, *(value for person in PEOPLE for value in person.values)]

INTAKE = """
channel: intake
version: 1
title: Admissions for a ledger that fails in every way
source: {{type: hl7v2_mllp, listen: "127.0.0.1:{mllp}"}}
accept: [ADT^A01, ADT^A08]
index: {{visit: PV1-19.1}}
transform: book
lookups: {{wards: wards}}
destinations:
  - name: ledger
    type: http
    url: http://127.0.0.1:{far}/book/{{natural_key}}
    inquire_url: http://127.0.0.1:{far}/find/{{key}}
    bearer: env:CANARY_LEDGER
    headers: {{X-Key: store:header}}
    send: VisitContext
    order_by: visit_number
    retry: {{first: 50ms, longest: 100ms, give_up_after: 2s}}
    circuit: {{failures: 1000}}
  - {{name: files, type: file, folder: data/out, format: json, send: VisitContext, order_by: visit_number}}
"""
PORTAL = """
channel: portal
version: 1
title: Requests of a portal
source: {{type: http, listen: "127.0.0.1:{portal}", path: /in, token: "file:secrets/portal"}}
transform: portal
destinations:
  - {{name: files, type: file, folder: data/portal, format: json, send: VisitContext, order_by: visit_number}}
"""
BOOK = '''"""Admissions, and every way in which a script of an analyst goes wrong with a patient in its hands."""

from engine.sdk import DocumentError, Filtered, Hl7Message, Lookup, VisitContext


def transform(message: Hl7Message, wards: Lookup) -> VisitContext | Filtered:
    name, record = message.require("PID-5.1"), message.require("PID-3.1")
    ways = {
        "VALUE": lambda: int(name),
        "KEY": lambda: {}[record],
        "WORDS": lambda: refuse(f"no visit for {name}, {record}"),
        "PLACE": lambda: refuse("no visit", where=f"PID-5 {name}", remedy=f"call {message.get('PID-13')}"),
        "NUMBER": lambda: message.number("PID-5.1"),
        "DATE": lambda: message.date("PID-3.1"),
        "LOOKUP": lambda: wards["W-" + message.require("PV1-3.1")],
        "FIELD": lambda: VisitContext(visit_number="V", event=name, patient_class=record),
        "PRINT": lambda: print(name, record),
        "ASSERT": lambda: check(name == record, name),
    }
    way = message.get("PV1-2")
    if way == "FILTER":
        return Filtered(f"not ours: {name}")
    if way in ways:
        ways[way]()
    return VisitContext(visit_number=message.require("PV1-19.1"), event="A01")


def refuse(text: str, **more: str) -> None:
    raise DocumentError(text, **more)


def check(good: bool, text: str) -> None:
    assert good, text
'''
FROM_PORTAL = '''"""A request of the portal."""

from engine.sdk import JsonMessage, VisitContext


def transform(message: JsonMessage) -> VisitContext:
    return VisitContext(visit_number=message.require("visit"), event=message.get("event") or "A01")
'''
PAGES = ("/channels", "/channels/intake", "/messages", "/held", "/audit", "/connections", "/people", "/revisions",
         "/cases", "/orders", "/payments", "/approvals", "/measures")  # fmt: skip
COMMANDS = (
    ("status",), ("messages", "--limit", "500"), ("messages", "--json"), ("check", "--json"), ("history", "--json"),
    ("lint", "--json"), ("cases", "--json"), ("payments", "--json"),
)  # fmt: skip
OPENED = {"bodies", "documents", "responses", "attachments"}  # what a message holds is kept, for those who open it
WAYS = ("GOOD", "VALUE", "KEY", "WORDS", "PLACE", "NUMBER", "DATE", "LOOKUP", "FIELD", "PRINT", "ASSERT", "FILTER")


class Far:
    """The far side: refuses, fails, and says back what it was sent, in the body and in the status line."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        far = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                far.asked.append(self.path)
                number = len(far.asked)
                person = PEOPLE[number % len(PEOPLE)]
                status = (200, 400, 503, 500, 302)[number % 5]
                self.send_response(status, f"no {person.family} {self.headers['Authorization']}"[:60])
                echo = body + f"{person.values} {dict(self.headers)}".encode()
                self.send_header("Location", f"/elsewhere/{person.mrn}")
                self.send_header("Content-Length", str(len(echo)))
                self.end_headers()
                self.wfile.write(echo)

            def do_GET(self) -> None:
                far.asked.append(self.path)
                self.send_response(404, PEOPLE[0].family)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                return

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.handle_error = lambda *_: None  # type: ignore[method-assign]  # the asker went away
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def far() -> Iterator[Far]:
    made = Far()
    yield made
    made.server.shutdown()
    made.server.server_close()


class Stage:
    """The engine on a small site, its doors, and everything that it and its commands said."""

    def __init__(self, folder: Path, far: Far) -> None:
        self.mllp, self.portal = free_port(), free_port()
        channels = {
            "intake": INTAKE.format(mllp=self.mllp, far=far.server.server_port),
            "portal": PORTAL.format(portal=self.portal),
        }
        settings = "log: {level: debug}\nsecrets: {header: 'file:secrets/header'}\n"
        self.site = write_site(folder, channels, {"book": BOOK, "portal": FROM_PORTAL}, settings)
        (folder / "secrets").mkdir(mode=0o700)
        (folder / "secrets" / "portal").write_text(PORTAL_TOKEN)
        (folder / "secrets" / "header").write_text(HEADER_KEY)
        crosswalks = folder / "config" / "crosswalks"
        crosswalks.mkdir()
        (crosswalks / "wards.csv").write_text("from,to\nA,B\n")
        self.engine = EngineProcess(self.site)
        self.said: dict[str, str] = {}

    def command(self, *words: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "engine", *words, "--site", str(self.site)], capture_output=True, text=True,
            check=False, cwd=self.site, timeout=180, env=os.environ | {"PYTHONPATH": str(ROOT)},
        )  # fmt: skip
        self.said[" ".join(words)] = done.stdout + done.stderr
        return done.stdout

    def hl7(self, body: bytes) -> str:
        with socket.create_connection(("127.0.0.1", self.mllp), timeout=10) as connection:
            connection.sendall(b"\x0b" + body + b"\x1c\r")
            connection.settimeout(10)
            try:
                return connection.recv(65536).decode("latin-1")
            except TimeoutError:
                return ""

    def traced(self) -> str:
        """A trace is for whoever has the message; secrets of the site are none of it."""
        (self.site / "one.hl7").write_bytes(admission(PEOPLE[2], "KEY", "TRACED"))
        ways = (("trace", "intake", "one.hl7"), ("trace", "intake", "one.hl7", "--json"))
        return "".join(self.command(*words) + self.said.pop(" ".join(words)) for words in ways)

    def rows(self) -> dict[str, str]:
        """What the store holds beside the messages themselves, table by table."""
        with closing(sqlite3.connect(next(self.site.rglob("*.db")))) as store:
            names = [name for (name,) in store.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
            kept = {name: store.execute(f"SELECT * FROM {name}").fetchall() for name in names if name not in OPENED}
        return {f"table {name}": repr(rows) for name, rows in kept.items()}

    def stop(self) -> None:
        process = self.engine._process
        assert process is not None
        assert process.stdout is not None
        assert self.engine.stop() == 0
        self.said["stdout"] = process.stdout.read()
        self.said["log"] = (self.site / "engine.log").read_text()


@pytest.fixture
def stage(tmp_path: Path, far: Far, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    monkeypatch.setenv("CANARY_LEDGER", LEDGER_TOKEN)
    made = Stage(tmp_path, far)
    made.engine.start()
    yield made
    if made.engine._process is not None and made.engine._process.poll() is None:
        made.engine.kill()


# ------------------------------------------------------------------ what is sent
def admission(person: Patient, way: str, control: str, **header: str) -> bytes:
    kind, charset = header.get("kind", "ADT^A01"), header.get("charset", "UNICODE UTF-8")
    text = (
        f"MSH|^~\\&|EHR|HARBOR-MAIN|ISTHMUS|HARBOR|20261120081500||{kind}|{control}|P|2.5.1||||||{charset}\r"
        f"EVN|A01|20261120081300\r{person.pid}\r{person.around}PV1|1|{way}|M-ICU|{'|' * 15}V{person.number:05d}\r"
    )
    return text.encode()


def send_admissions(stage: Stage) -> dict[str, str]:
    """Good ones, every bad way, repetitions, conflicts, wrong types, wrong characters, and things that are no HL7."""
    answers = {f"{way} {p.number}": stage.hl7(admission(p, way, f"C{p.number}{way}")) for p, way in _ways()}
    one, two, three = PEOPLE[:3]
    odd = {
        "again": admission(one, "GOOD", "C0GOOD"),
        "conflict": admission(two, "GOOD", "C0GOOD"),
        "type": admission(three, "GOOD", "T1", kind="ADT^A99"),
        "shifted": admission(three, "GOOD", "T2", kind=f"{three.family}^{three.given}"),
        "unknown charset": admission(one, "GOOD", "T3", charset=one.family),
        "wrong bytes": admission(one, "GOOD", "T4").replace(one.given.encode(), one.given.encode() + b"\xff\xfe"),
        "no header": f"{two.pid}\r".encode(),
        "cut": admission(two, "GOOD", "T5")[:60] + two.family.encode(),
        "garbage": f"{three.family}\r{three.ssn}".encode(),
        "control id": admission(three, "GOOD", "C" + "9" * 300),
    }
    return answers | {name: stage.hl7(body) for name, body in odd.items()}


def _ways() -> list[tuple[Patient, str]]:
    return [(person, WAYS[person.number % len(WAYS)]) for person in PEOPLE]


async def knock(stage: Stage) -> dict[str, str]:
    """At the portal, good and bad, and at the console without leave."""
    person, answers = PEOPLE[5], {}
    good = {"Authorization": f"Bearer {PORTAL_TOKEN}", "Content-Type": "application/json"}
    console = stage.engine.facts["console"]
    base = f"http://127.0.0.1:{stage.portal}"
    asks: list[tuple[str, str, dict[str, str], str]] = [
        ("POST", f"{base}/in", good, json.dumps({"visit": "V9", "patient": person.family})),
        ("POST", f"{base}/in", good, json.dumps({"patient": person.family})),
        ("POST", f"{base}/in", good, json.dumps({"visit": "V10", "event": person.family})),
        ("POST", f"{base}/in", good, f"{{'{person.family}': {person.ssn}"),
        ("POST", f"{base}/in", good | {"Content-Type": person.family}, json.dumps({"visit": "V12"})),
        ("POST", f"{base}/in", {"Authorization": f"Bearer wrong{LEDGER_TOKEN}"}, "{}"),
        ("POST", f"{base}/in?mrn={person.mrn}", good, json.dumps({"visit": "V13"})),
        ("GET", f"{base}/patients/{person.mrn}", {}, ""),
        ("GET", f"{console}/messages?key={person.mrn}", {}, ""),
        ("GET", f"{console}/api/messages/{person.mrn}", {"Authorization": f"Bearer {PORTAL_TOKEN}"}, ""),
        ("POST", f"{console}/api/messages/search", {}, json.dumps({"key": person.mrn})),
    ]
    async with aiohttp.ClientSession() as client:
        for number, (method, url, headers, body) in enumerate(asks):
            async with client.request(method, url, headers=headers, data=body, allow_redirects=False) as response:
                answers[f"http {number}"] = f"{response.status} {await response.text()}"
    return answers


async def look(stage: Stage) -> dict[str, str]:
    """The API as its own operator, through the control socket: lists, figures, the audit trail, and wrong questions."""
    person = PEOPLE[7]
    asks: list[tuple[str, str, object]] = [
        ("GET", "/api/status", None),
        ("GET", "/metrics", None),
        ("GET", "/api/revisions", None),
        ("GET", "/api/diff", None),
        ("GET", "/api/check", None),
        ("POST", "/api/messages/search", {"limit": 500}),
        ("POST", "/api/messages/search", {"key_value": person.mrn}),
        ("POST", "/api/messages/search", {"states": [person.family]}),
        ("GET", f"/api/messages/{person.mrn}", None),
        ("POST", "/api/channels/intake/state", {"state": person.family}),
        ("POST", "/api/prune", {"before": person.family}),
        ("POST", "/api/replays/plan", {"query": {"channel": person.family}}),
        ("GET", "/api/audit", None),
        ("GET", "/api/p2p/cases", None),
        ("GET", "/api/p2p/summary", None),
        ("GET", f"/api/p2p/lineage/{person.mrn}", None),
        ("GET", f"/api/p2p/cases/{person.mrn}", None),
        ("GET", "/partner/v1/openapi.json", None),
        *(("GET", page, None) for page in PAGES),
    ]
    answers = {}
    connector = aiohttp.UnixConnector(stage.engine.facts["control"])
    async with aiohttp.ClientSession("http://engine", connector=connector) as client:
        for number, (method, path, body) in enumerate(asks):
            async with client.request(method, path, json=body) as response:
                answers[f"{number} {path.split('/')[-1][:12]}"] = f"{response.status} {await response.text()}"
    return answers


def settle(stage: Stage) -> dict[str, int]:
    """Until nothing is under way: every message DELIVERED, HELD, FILTERED or REFUSED."""
    deadline = time.monotonic() + 180
    while True:
        status = json.loads(stage.command("status", "--json"))
        counts: dict[str, int] = {}
        for channel in status["channels"]:
            for name, number in channel["counts"].items():
                counts[name] = counts.get(name, 0) + number
        if not counts.get("QUEUED") and not counts.get("RECEIVED"):
            return counts
        assert time.monotonic() < deadline, counts
        time.sleep(0.3)


# ------------------------------------------------------------------ the rules
@pytest.mark.process
def test_no_patient_and_no_secret_is_in_anything_that_is_read_without_opening_a_message(stage: Stage, far: Far) -> None:
    answers = send_admissions(stage) | asyncio.run(knock(stage))
    counts = settle(stage)
    for words in COMMANDS:
        stage.command(*words)
    shown = asyncio.run(look(stage))
    stage.stop()
    traced = stage.traced()

    assert {"DELIVERED", "HELD", "FILTERED", "REFUSED"} <= counts.keys()
    assert counts["HELD"] >= 15
    assert [name for name, text in answers.items() if name.startswith("GOOD") and "MSA|AA" not in text] == []
    assert "isthmus_" in shown["1 metrics"]
    assert "KeyError" in traced, "the trace shows what went wrong"
    assert leaks(traced, [LEDGER_TOKEN, PORTAL_TOKEN, HEADER_KEY]) == []
    assert len([name for name, text in shown.items() if text.startswith("200 ")]) >= 20
    # The header of an acknowledgement repeats its own sender's trigger event, as HL7 asks.
    told = {name: text.partition("\r")[2] if "MSH|" in text else text for name, text in answers.items()}
    everything = stage.said | told | shown | {"addresses": "\n".join(far.asked)} | stage.rows()
    found = [f"{name}: {place}" for name, text in everything.items() for _, place in leaks(text, NEEDLES)]
    assert not found, "\n" + "\n".join(found)


@pytest.fixture(scope="module")
def site() -> Site:
    return load_site(ROOT)


def charge(person: Patient) -> str:
    return (
        f"MSH|^~\\&|HARBOREHR|HARBOR-MAIN|ISTHMUS|HARBOR|20261120081500||DFT^P03^DFT_P03|CH{person.number}|P|2.5.1\r"
        f"EVN|P03|20261120081300\r{person.pid}\r{person.around}"
        f"PV1|1|I|M-OR||||||||||||||||V9{person.number:05d}\r"
        f"FT1|1|T{person.number}||20261120081300|20261120|CG|02720031^Trocar 12 mm^HARBOR-CDM|||2|128.00&USD|64.00&USD|"
        "M-OR|||||||||21.4000&USD\r"
    )


def requisition(person: Patient) -> str:
    return (
        f"MSH|^~\\&|HARBOREHR|HARBOR-MAIN|ISTHMUS|HARBOR|20261120081500||OMS^O05^OMS_O05|RQ{person.number}|P|2.5.1\r"
        f"{person.pid}\r{person.around}PV1|1|I|M-OR||||||||||||||||V9{person.number:05d}\r"
        f"ORC|NW|RQ{person.number}||REQ-{person.number:05d}|||||20261120081500|N4471\r"
        "RQD|1|||OR-TRO-12^Trocar 12 mm|6|EA|M-OR||M-OR-STOCK|20261121\rRQ1|21.40|||S1001|||Y\r"
        f"NTE|1||for {person.given} {person.family}, {person.mrn}\r"
    )


@pytest.mark.parametrize(
    ("channel", "message", "kinds"),
    [
        ("supply_charges", charge, {"Consumption", "JournalEntry", "ChargeEvent"}),
        ("stock_requisition", requisition, {"Requisition"}),
    ],
)
def test_no_patient_is_in_what_the_shipped_channels_make_for_the_erp(
    site: Site, channel: str, message: object, kinds: set[str]
) -> None:
    assert callable(message)
    many = patients(200, seed=55)
    needles = [value for person in many for value in person.values]
    results = [runner_for(site)(site.channels[channel], message(person).encode()) for person in many]

    assert {result.state for result in results} == {MessageState.QUEUED}
    assert {document.kind for result in results for document in result.documents} == kinds
    assert leaks("\n".join(_written(result) for result in results), needles) == []


@pytest.mark.parametrize(("channel", "message"), [("supply_charges", charge), ("stock_requisition", requisition)])
@pytest.mark.parametrize("field", ["M-OR", "02720031", "OR-TRO-12", "128.00", "|6|", "20261120081300"])
def test_no_patient_is_in_the_reason_when_fields_are_shifted(
    site: Site, channel: str, message: object, field: str
) -> None:
    """A patient's value where the transform expects a code, a number or a time: the reason names the place only."""
    assert callable(message)
    person = PEOPLE[3]
    text = message(person)
    shifted = text.replace(field, f"|{person.mrn}X|" if field == "|6|" else person.family)
    result = runner_for(site)(site.channels[channel], shifted.encode())

    if shifted != text and result.state is MessageState.HELD:
        assert leaks(str(result.reason), NEEDLES) == []
    else:
        assert result.state in (MessageState.QUEUED, MessageState.FILTERED)


def _written(result: WorkResult) -> str:
    documents = (f"{d.kind} {d.natural_key} {d.body.decode()}" for d in result.documents)
    routes = (f"{route.order_key} {route.idempotency_key}" for route in result.routes)
    return "\n".join([*documents, *routes, str(result.keys), str(result.reason)])
