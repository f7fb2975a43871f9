"""SOAP figures of this machine: calls written, calls taken in, beside the bare speed of zeep and lxml.

Written: zeep alone (envelope to bytes), our zeep way (with schema check, addressing and UsernameToken), our template.
Taken in: lxml's parser alone, ours (envelope, digest, schema, natural id, the message's bytes), and over HTTP.
With a file of 1 MiB: written and taken in as MTOM, beside base64 in the envelope.
Run: python tests/bench/bench_soap.py
"""

from __future__ import annotations

import asyncio
import base64
import os
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import aiohttp
import zeep
from lxml import etree
from zeep.wsse.username import UsernameToken

from engine.connectors.soap.attachments import Parcel
from engine.connectors.soap.source import SoapSource
from engine.connectors.soap.zeep_client import Calls
from engine.protocols.soap.envelope import addressing, write_envelope
from engine.protocols.soap.package import write_package
from engine.protocols.soap.security import write_token
from engine.protocols.soap.template import compile_template
from tests.support.soap_room import Room
from tests.support.soap_site import NS, note, write_site

LINES = [{"sku": f"sku-{number}", "Quantity": "1.50"} for number in range(20)]
NOTE = {"Number": "N1", "Text": "twenty lines", "Line": LINES}
TEMPLATE = (
    f'<n:LeaveNote xmlns:n="{NS}" xmlns:t="urn:isthmus:template"><n:Number>{{Number}}</n:Number>'
    '<n:Text>{Text}</n:Text><n:Line t:each="Line" sku="{sku}"><n:Quantity>{Quantity}</n:Quantity></n:Line>'
    "</n:LeaveNote>"
).encode()
USERS = {"username_token": {"users": {"clinic": "env:PASSWORD"}}}
PASSWORD = "the password & more"


def measured(name: str, work: Callable[[], object], bare: float = 0.0, seconds: float = 1.0) -> float:
    """Prints and returns microseconds a call."""
    work()
    count, started = 0, time.perf_counter()
    while (took := time.perf_counter() - started) < seconds:
        work()
        count += 1
    each = took / count * 1e6
    ratio = f"   {bare / each:6.2f} x the bare speed" if bare else ""
    print(f"  {name:<52}{each:9.1f} us{ratio}")
    return each


def secured(payload: bytes) -> bytes:
    token = write_token("1.1", "clinic", PASSWORD, time.perf_counter_ns().to_bytes(16, "big"), datetime.now(UTC))
    return write_envelope("1.1", payload, (token, addressing(MessageID=str(time.perf_counter_ns()))))


def written(root: Path) -> None:
    print("a call with 20 lines, written")
    client = zeep.Client(str(root / write_site(root)), wsse=UsernameToken("clinic", PASSWORD, use_digest=True))
    bare = measured("zeep alone", lambda: etree.tostring(client.create_message(client.service, "LeaveNote", **NOTE)))
    calls = Calls(root, "wsdl/notes.wsdl", "LeaveNote")
    measured("ours through zeep, checked, with token", lambda: secured(calls.write(NOTE).payload), bare)
    template = compile_template(TEMPLATE, "bench")
    measured("ours by template, with token", lambda: secured(template.fill(NOTE)), bare)


async def taken_in(root: Path) -> None:
    print("a call with 20 lines, taken in")
    room = Room(root)
    source = SoapSource(room.settings(**USERS), room.context)
    inside = "".join(f'<Line sku="{one["sku"]}"><Quantity>1.50</Quantity></Line>' for one in LINES)
    payload = note("N1", "twenty lines", inside)
    bodies = iter([secured(payload) for _ in range(20_000)])
    bare = measured("lxml's parser alone", lambda: etree.fromstring(secured(payload)), seconds=0.5)
    measured("ours: envelope, digest, schema, bytes", lambda: source._read(next(bodies), None), bare, 0.5)
    async with room.serving(**USERS), aiohttp.ClientSession() as session:
        started, count = time.perf_counter(), 300

        async def send(some: int) -> None:
            for _ in range(some):
                headers: dict[str, Any] = {"Content-Type": "text/xml"}
                async with session.post(room.url, data=next(bodies), headers=headers) as response:
                    assert response.status == 200, await response.text()

        await asyncio.gather(*(send(count // 10) for _ in range(10)))
        took = time.perf_counter() - started
    print(f"  {'ours over HTTP, client in the same process':<52}{count / took:9.0f} calls/s")


def with_a_file(root: Path) -> None:
    print("a call with a file of 1 MiB")
    write_site(root)
    room, file = Room(root), base64.b64encode(os.urandom(2**20)).decode()
    source = SoapSource(room.settings(token="env:TOKEN", most_attachments=1), room.context)
    calls, bare, bare_in = Calls(root, "wsdl/notes.wsdl", "LeaveNote"), 0.0, 0.0
    for way in ("inline", "mtom"):

        def write(way: Any = way) -> tuple[str, bytes]:
            parcel = Parcel(way, {})
            written = calls.write({"Number": "N1", "Text": "t", "Content": parcel.take(file)})
            envelope = write_envelope("1.1", parcel.with_includes(written.payload))
            return write_package("mtom", "1.1", "", envelope, parcel.parts) if parcel.parts else ("text/xml", envelope)

        content_type, body = write()
        took = measured(f"written, {way} ({len(body) / 2**20:.2f} MiB)", write, bare, 0.5)
        read = measured(
            f"taken in, {way}",
            lambda body=body, kind=content_type: source._read(body, None, kind),  # type: ignore[misc]
            bare_in, 0.5,
        )  # fmt: skip
        bare, bare_in = bare or took, bare_in or read


def main() -> None:
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as two:
        written(Path(one))
        asyncio.run(taken_in(Path(two)))
        with_a_file(Path(one))


if __name__ == "__main__":
    main()
