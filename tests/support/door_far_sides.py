"""The far sides of the doors: threads that take mails and webhooks and answer polls, and clients that bring things."""

from __future__ import annotations

import asyncio
import gzip
import io
import json
import sqlite3
import threading
import zipfile
from collections import Counter
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.request import Request, urlopen

from tests.support.mail_relay import Relay


def document(door: str, number: int) -> bytes:
    return json.dumps({"door": door, "number": f"{door}-{number}"}).encode()


class Far:
    """`hooks`: bodies by webhook-id. `items`: what a poll is told."""

    def __init__(self) -> None:
        self.hooks: dict[str, bytes] = {}
        self.items: list[dict[str, str]] = []
        far = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                far.hooks[self.headers["webhook-id"]] = body
                self._answer(b"")

            def do_GET(self) -> None:
                self._answer(json.dumps({"items": far.items}).encode())

            def _answer(self, body: bytes) -> None:
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                return

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


class RelayThread:
    """A relay for mail beside the test."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.relay, self._loop = Relay(folder), asyncio.new_event_loop()
        self.ca, ready = folder / "ca.pem", threading.Event()

        def serve() -> None:
            self._loop.run_until_complete(self.relay.start())
            ready.set()
            self._loop.run_forever()

        threading.Thread(target=serve, daemon=True).start()
        ready.wait(60)
        self.port = self.relay.port

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)

    def told(self) -> Counter[str]:
        """The number in each mail's sheet."""
        found: list[str] = []
        for raw in [*self.relay.mails]:
            made = message_from_bytes(raw, EmailMessage, policy=policy.default)
            sheets = [bytes(part.get_payload(decode=True)).decode() for part in made.iter_attachments()]
            found += [line.rpartition(",")[2].strip() for text in sheets for line in text.splitlines()[1:]]
        return Counter(found)


def post(url: str, body: bytes, token: str, key: str, media_type: str = "application/json") -> int:
    headers = {"Content-Type": media_type, "Authorization": f"Bearer {token}", "Idempotency-Key": key}
    with urlopen(Request(url, body, headers), timeout=10) as answer:
        return int(answer.status)


def supply_request(number: int) -> bytes:
    whole = {
        "resourceType": "SupplyRequest",
        "status": "active",
        "identifier": [{"system": "urn:doors", "value": f"fhir-{number}"}],
        "itemCodeableConcept": {"text": "Gloves"},
        "quantity": {"value": number + 1},
    }
    return json.dumps(whole).encode()


def zipped(documents: list[bytes]) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for number, one in enumerate(documents):
            archive.writestr(f"{number}.json", one)
    return made.getvalue()


def mail(number: int) -> EmailMessage:
    made = EmailMessage()
    made["From"], made["To"], made["Subject"] = "maker@alderbrook.example", "doors@harbor.example", "A document"
    made["Message-ID"] = f"<mail-{number}@alderbrook.example>"
    made.set_content("Attached.\n")
    packed = gzip.compress(document("mail", number), mtime=0)
    made.add_attachment(packed, maintype="application", subtype="gzip", filename=f"{number}.json.gz")
    return made


def outbox(path: Path, numbers: range) -> None:
    with sqlite3.connect(path) as rows:
        rows.execute("CREATE TABLE outbox (id INTEGER PRIMARY KEY, body TEXT NOT NULL, sent_at TEXT)")
        documents = [(number, document("sql", number).decode()) for number in numbers]
        rows.executemany("INSERT INTO outbox (id, body) VALUES (?, ?)", documents)
    rows.close()


def upload(folder: Path, name: str, content: bytes) -> None:
    """As a writer who renames what is complete."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.part").write_bytes(content)
    (folder / f"{name}.part").rename(folder / name)
