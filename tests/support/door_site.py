"""A site with a channel for each door: what comes in at one goes out at another and comes in again, to its shelf."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from engine.core.loopback import free_port
from tests.support.as2 import key_pem, partner, write
from tests.support.engine_process import write_site
from tests.support.ftps import PASSWORD as FTPS_PASSWORD
from tests.support.ftps import USER as FTPS_USER
from tests.support.mail_relay import PASSWORD as MAIL_PASSWORD
from tests.support.soap_site import write_site as write_wsdl

SECRETS = {
    "DOORS_TOKEN": "invented-token-of-the-doors",
    "DOORS_FTPS": FTPS_PASSWORD,
    "DOORS_MAIL": MAIL_PASSWORD,
    "DOORS_HOOK": "whsec_aW52ZW50ZWQta2V5LW9mLXRoZS1kb29ycy10aGF0LWlzLWxvbmc=",
    "ACCESS": "testing",
    "SECRET": "testing",
}
PATIENT = {"retry": {"first": "50ms", "longest": "200ms"}, "circuit": {"failures": 1000}}
LAYOUT = """
layout: sheet
title: What is told by mail
kind: delimited
columns:
  - {name: door, heading: Door}
  - {name: number, heading: Number}
"""
CHARGE = '''"""A charge of one line."""

from engine.sdk import Consumption, ConsumptionLine, JsonMessage, Quantity


def transform(message: JsonMessage) -> Consumption:
    line = ConsumptionLine(number=1, item_number="M1", cost_center="CC", quantity=Quantity(amount="2"))
    return Consumption(consumption_number=message.require("number"), used_at="2026-03-01T12:00:00Z", lines=(line,))
'''
ROWS = '''"""As a row of the sheet."""

from engine.sdk import JsonMessage, Rows


def transform(message: JsonMessage) -> Rows:
    return Rows([{"door": "mail", "number": message.require("number")}])
'''


def shelf(door: str, **more: Any) -> dict[str, Any]:
    """Twice delivered would be two files: the name is of the delivery."""
    return {"name": "shelf", "type": "file", "folder": f"out/{door}", "file_name": "{key}.txt"} | more


class DoorSite:
    """Written below `root`; `channels` may be taken out before."""

    def __init__(self, root: Path) -> None:
        self.root, self.shared = root, root / "far"
        self.web, self.fhir, self.soap, self.as2 = (free_port() for _ in range(4))
        self.channels: dict[str, dict[str, Any]] = {}

    def channel(self, name: str, source: dict[str, Any], *destinations: dict[str, Any], **more: Any) -> None:
        whole = {"channel": name, "version": 1, "title": f"The door {name}", "source": source}
        self.channels[name] = whole | {"destinations": [PATIENT | one for one in destinations]} | more

    def written(self) -> Path:
        texts = {name: yaml.safe_dump(one, sort_keys=False) for name, one in self.channels.items()}
        site = write_site(self.root, texts, {"charge": CHARGE, "rows": ROWS})
        (site / "config" / "layouts").mkdir()
        (site / "config" / "layouts" / "sheet.yaml").write_text(LAYOUT)
        for name in ("ours", "theirs"):
            write(site, name, partner(name))
            (site / f"{name}.key").write_text(key_pem(partner(name)))
            (site / f"{name}.key").chmod(0o600)
        write_wsdl(site)
        return site

    # -------------------------------------------------------------- the doors
    def with_web_and_nats(self, port: int) -> None:
        """http → nats → nats → file; what it makes is told as events, and summed."""
        server = {"servers": [f"127.0.0.1:{port}"], "stream": "DOORS", "declare": True}
        sent = {"subject": "doors.{natural_key}", "subjects": ["doors.>"], "duplicate_window": "25h"}
        taken = {"type": "nats", "format": "json", "durable": "engine", "ack_wait": "1s"}
        web = {"type": "http", "format": "json", "listen": f"127.0.0.1:{self.web}", "path": "/in"}
        self.channel(
            "web", web | {"token": "env:DOORS_TOKEN"},
            {"name": "bus", "type": "nats", "send": "Consumption"} | server | sent, transform="charge",
        )  # fmt: skip
        self.channel("bus", taken | server, shelf("nats"))
        types = ["consumption.recorded"]
        self.channel("told", {"type": "events", "every": "100ms", "types": types}, shelf("events"))
        summed = {"type": "window", "channels": ["web"], "kind": "Consumption", "every": "1m", "wait": "0s"}
        self.channel("summed", summed | {"group_by": ["cost_center"], "sum": ["quantity"]}, shelf("window"))

    def with_fhir_and_as2(self) -> None:
        """fhir → as2 → as2 → file."""
        ours = {"certificate": "ours.pem", "key": "file:ours.key", "partner_certificates": ["theirs.pem"]}
        fhir = {"type": "fhir", "listen": f"127.0.0.1:{self.fhir}", "token": "env:DOORS_TOKEN"}
        to = {"url": f"http://127.0.0.1:{self.as2}/as2", "as2_from": "OURS", "as2_to": "THEIRS"}
        told = {"partner_finds_duplicates": True, "content_type": "application/json", "wrap": ["gzip"]}
        theirs = {"certificate": "theirs.pem", "key": "file:theirs.key", "as2_id": "THEIRS", "unwrap": ["gzip"]}
        listens = {"type": "as2", "format": "json", "listen": f"127.0.0.1:{self.as2}"}
        self.channel("fhir", fhir, {"name": "partner", "type": "as2"} | ours | to | told)
        known = {"partners": [{"as2_id": "OURS", "certificates": ["ours.pem"]}]}
        self.channel("partner", listens | theirs | known, shelf("as2"))

    def with_zips_and_ftps(self, port: int, authority: Path) -> None:
        """file (ZIP) → ftps (gzip) → ftps → file."""
        server = {"address": f"127.0.0.1:{port}", "user": FTPS_USER, "password": "env:DOORS_FTPS"}
        server |= {"type": "ftps", "tls": {"ca": str(authority)}, "folder": str(self.shared / "ftps")}
        source = {"type": "file", "format": "json", "folder": "zips", "unwrap": ["zip"]}
        looks = {"poll": "50ms", "stable_for": "0s"}
        packed = {"name": "far", "wrap": ["gzip"], "file_name": "{key}.json.gz"}
        self.channel("zips", source | looks, server | packed)
        self.channel("far_folder", {"format": "json", "unwrap": ["gzip"]} | server | looks, shelf("ftps"))

    def with_sftp_and_s3(self, port: int, user: str, bucket: dict[str, Any]) -> None:
        """sftp → s3 (ZIP) → s3 → file."""
        server = {"address": f"127.0.0.1:{port}", "user": user, "private_key": "file:client.key"}
        folder = {"known_hosts": "known_hosts", "folder": str(self.shared / "sftp")}
        looks = {"poll": "50ms", "stable_for": "0s"}
        objects = {"type": "s3"} | bucket
        packed = {"wrap": ["zip"], "file_name": "{key}.zip"}
        self.channel("sftp", {"type": "sftp", "format": "json"} | server | folder | looks,
                     {"name": "bucket", **objects, **packed})  # fmt: skip
        self.channel("bucket", {"format": "json", "unwrap": ["zip"], "poll": "50ms"} | objects, shelf("s3"))

    def with_poll_and_soap(self, url: str) -> None:
        """http_poll → soap → soap → file."""
        polled = {"type": "http_poll", "url": url, "every": "1s", "items": "/items", "id": "/number"}
        service = {"wsdl": "wsdl/notes.wsdl", "operation": "LeaveNote", "idempotent": True}
        called = {"url": f"http://127.0.0.1:{self.soap}/notes", "headers": {"Authorization": "env:DOORS_BEARER"}}
        parameters = {"parameters": {"Number": "number", "Text": "door"}}
        self.channel("polled", polled | {"format": "json"},
                     {"name": "notes", "type": "soap"} | service | called | parameters)  # fmt: skip
        listens = {"type": "soap", "listen": f"127.0.0.1:{self.soap}", "path": "/notes", "token": "env:DOORS_TOKEN"}
        self.channel("notes", listens | {"wsdl": "wsdl/notes.wsdl"}, shelf("soap"))

    def with_mail(self, imap: int, imap_ca: Path, smtp: int, smtp_ca: Path) -> None:
        """imap (gzip attached) → smtp, as a row of a layout."""
        box = {"address": f"localhost:{imap}", "user": "doors", "password": "env:DOORS_MAIL", "poll": "100ms"}
        taken = {"type": "imap", "format": "json", "attachments": ["*.json.gz"], "unwrap": ["gzip"]}
        relay = {"address": f"localhost:{smtp}", "user": "doors", "password": "env:DOORS_MAIL"}
        sent = {"sender": "doors@harbor.example", "to": ["ap@harbor.example"], "format": "delimited", "layout": "sheet"}
        named = {"file_name": "{key}.csv", "media_type": "text/csv", "send": "message"}
        self.channel("mails", taken | box | {"tls": {"ca": str(imap_ca)}},
                     {"name": "relay", "type": "smtp", "tls": {"ca": str(smtp_ca)}} | relay | sent | named,
                     transform="rows")  # fmt: skip

    def with_rows_and_hooks(self, url: str) -> None:
        """sql (an outbox) → webhook."""
        rows = {"type": "sql", "url": "sqlite:rows.db", "table": "outbox", "key": ["id"], "poll": "100ms"}
        waiting = {"outbox": {"column": "sent_at"}, "body_column": "body"}
        hook = {"name": "hook", "type": "webhook", "url": url, "secrets": ["env:DOORS_HOOK"], "allow_private": True}
        self.channel("rows", rows | waiting | {"format": "json"}, hook)
