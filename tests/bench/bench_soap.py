"""SOAP figures of this machine: calls written, calls taken in, beside the bare speed of zeep and lxml.

Written: zeep alone (envelope to bytes), our zeep way (with schema check, addressing and UsernameToken), our template.
Taken in: lxml's parser alone, ours (envelope, digest, schema, natural id, the message's bytes), and over HTTP.
Run: python tests/bench/bench_soap.py
"""

from __future__ import annotations

import asyncio
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

from engine.connectors.soap.source import SoapSource
from engine.connectors.soap.zeep_client import Calls
from engine.protocols.soap.envelope import addressing, write_envelope
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


def main() -> None:
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as two:
        written(Path(one))
        asyncio.run(taken_in(Path(two)))


if __name__ == "__main__":
    main()
