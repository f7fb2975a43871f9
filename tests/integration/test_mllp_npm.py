"""MLLP with two libraries from npm at the other end: simple-hl7 as client and server, node-hl7-server as server."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from engine.connectors.hl7v2_mllp.destination import MllpDestination
from engine.connectors.hl7v2_mllp.settings import MllpDestinationSettings, MllpSourceSettings
from engine.connectors.hl7v2_mllp.source import MllpSource
from engine.core.loopback import free_port
from engine.ports.connector import Outbound
from tests.support import npm
from tests.support.connector_doubles import Door, context
from tests.support.connector_harness import connect_when_up
from tests.support.mllp import adt

pytestmark = pytest.mark.integration

PACKAGES = {"simple-hl7": "3.3.0", "node-hl7-server": "2.5.0"}
COUNT = 20

# Both listen on every address unless told otherwise; here they serve loopback alone.
ON_LOOPBACK = """
const net = require('net'), listen = net.Server.prototype.listen;
net.Server.prototype.listen = function (port, ...rest) {
  const done = rest.find((one) => typeof one === 'function');
  return listen.call(this, typeof port === 'object' ? port.port : port, '127.0.0.1', done);
};
"""
SIMPLE_SERVER = (
    ON_LOOPBACK
    + """
const hl7 = require('simple-hl7');
const app = hl7.tcp();
app.use((request, response, next) => { console.log(JSON.stringify(request.msg.toString())); next(); });
app.use((request, response) => response.end());
app.start(Number(process.argv[2]));
setTimeout(() => console.log('ready'), 100);
"""
)
NODE_SERVER = (
    ON_LOOPBACK
    + """
const {Server} = require('node-hl7-server');
const inbound = new Server().createInbound({port: Number(process.argv[2])}, async (request, response) => {
  console.log(JSON.stringify(request.getMessage().toString()));
  await response.sendResponse('AA');
});
inbound.on('listen', () => console.log('ready'));
setTimeout(() => console.log('ready'), 500);
"""
)
SIMPLE_CLIENT = """
const hl7 = require('simple-hl7');
const [port, count] = process.argv.slice(2).map(Number);
const client = hl7.Server.createTcpClient('127.0.0.1', port);
const answers = [];
const next = (number) => {
  if (number === count) { console.log(JSON.stringify(answers)); process.exit(0); }
  const message = new hl7.Message('EHR', 'HARBOR', 'ISTHMUS', 'HARBOR', '20261120081500', '', ['ADT', 'A01'],
    'S' + number, 'P', '2.5');
  message.addSegment('PID', '1', '', [['900001', '', '', 'HARBOR', 'MR']]);
  client.send(message, (error, ack) => {
    const msa = ack && ack.getSegment('MSA');
    answers.push(error ? String(error) : [msa.getField(1), msa.getField(2)]);
    setTimeout(() => next(number + 1), 1);  // it is still waiting while it calls back
  });
};
next(0);
"""


def folder() -> Path:
    scripts = {"simple-server.js": SIMPLE_SERVER, "node-server.js": NODE_SERVER, "client.js": SIMPLE_CLIENT}
    return npm.installed("hl7", PACKAGES, scripts)


@asynccontextmanager
async def source(site: Path, door: Door) -> AsyncIterator[int]:
    port = free_port()
    settings = MllpSourceSettings.model_validate({"listen": f"127.0.0.1:{port}"})
    task = asyncio.ensure_future(MllpSource(settings, context(site)).run(door))
    (await connect_when_up(port))[1].close()
    try:
        yield port
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_simple_hl7s_client_is_answered_for_each_message(tmp_path: Path) -> None:
    door, place = Door(), folder()
    async with source(tmp_path, door) as port:
        answers = json.loads(await npm.printed(place, "client.js", str(port), str(COUNT)))

    assert answers == [["AA", f"S{number}"] for number in range(COUNT)]
    assert len(door.accepted) == COUNT


@pytest.mark.parametrize("script", ["simple-server.js", "node-server.js"])
async def test_their_servers_take_our_messages_as_they_are(tmp_path: Path, script: str) -> None:
    """node-hl7-server 2.5.0 keeps what it read of a connection: it acts on, and answers, all earlier messages again."""
    place, port = folder(), free_port()
    settings = MllpDestinationSettings.model_validate({"address": f"127.0.0.1:{port}", "ack_timeout": "30s"})
    sender = MllpDestination(settings, context(tmp_path))
    async with npm.serving(place, script, str(port)) as output:
        for number in range(COUNT):
            body = adt(f"C{number}")
            delivered = await sender.send(Outbound(1, 1, "under_test", "correlation-1", f"C{number}", body))
            assert delivered.reference == f"C{number}"
            await asyncio.wait_for(_until_printed(output, body), 30)
        await sender.close()


async def _until_printed(output: asyncio.StreamReader, body: bytes) -> None:
    while line := await output.readline():
        if line.startswith(b'"') and json.loads(line).strip("\r\n").split("\r") == body.decode().strip("\r").split(
            "\r"
        ):
            return
    raise AssertionError("the server ended")
