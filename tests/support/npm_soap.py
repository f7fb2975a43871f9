"""npm's `soap`, a client and server that nobody here wrote: installed once into a folder of the machine's cache."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

VERSION = "1.13.0"

CLIENT = """
const soap = require('soap');
const [wsdl, user, password, number, sku] = process.argv.slice(2);
(async () => {
  const client = await soap.createClientAsync(wsdl);
  client.setSecurity(new soap.WSSecurity(user, password, {passwordType: 'PasswordDigest'}));
  const line = {attributes: sku ? {sku} : {}, Quantity: '1.50'};
  try {
    const [result] = await client.LeaveNoteAsync({Number: number, Text: '<ä> & more', Line: [line]});
    console.log(JSON.stringify({result}));
  } catch (error) {
    const fault = error.root && error.root.Envelope.Body.Fault;
    console.log(JSON.stringify({fault: fault ? fault.faultstring : String(error), code: fault && fault.faultcode}));
  }
})();
"""

SERVER = """
const http = require('http'), fs = require('fs'), soap = require('soap');
const [wsdl, port] = process.argv.slice(2);
const service = {Notes: {Notes11: {LeaveNote(args) {
  if (args.Text === 'refuse') throw {Fault: {faultcode: 'soap:Client', faultstring: 'refused ' + args.Number}};
  if (args.Text === 'fail') throw {Fault: {faultcode: 'soap:Server', faultstring: 'failed ' + args.Number}};
  console.log(JSON.stringify(args));
  return {Reference: 'R-' + args.Number};
}}}};
const server = http.createServer((request, response) => { response.statusCode = 404; response.end(); });
server.listen(Number(port), '127.0.0.1', () => {
  const xml = fs.readFileSync(wsdl, 'utf8');
  const listening = soap.listen(server, {path: '/notes', services: service, xml, uri: wsdl});
  listening.authenticate = (security) => {
    const token = security && security.UsernameToken;
    if (!token) return false;
    const digest = soap.passwordDigest(token.Nonce.$value || token.Nonce, token.Created, 'the password & more');
    return token.Username === 'harbor' && (token.Password.$value || token.Password) === digest;
  };
  console.log('ready');
});
"""


def installed() -> Path:
    """The folder that has it. Skips the test where it cannot be had."""
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        pytest.skip("npm is not installed")
    folder = Path(os.environ.get("ISTHMUS_NPM", Path(tempfile.gettempdir()) / f"isthmus-npm-{os.getuid()}")) / VERSION
    if not (folder / "node_modules" / "soap" / "package.json").exists():
        folder.mkdir(parents=True, exist_ok=True)
        command = [npm, "install", "--no-audit", "--no-fund", "--ignore-scripts", f"soap@{VERSION}"]
        try:
            done = subprocess.run(command, cwd=folder, capture_output=True, timeout=90, check=False)
        except subprocess.TimeoutExpired:
            pytest.skip("npm could not install its soap in time")
        if done.returncode:
            pytest.skip("npm could not install its soap")
    (folder / "client.js").write_text(CLIENT)
    (folder / "server.js").write_text(SERVER)
    return folder


async def call(*arguments: str) -> bytes:
    """What the client printed."""
    folder = installed()
    process = await asyncio.create_subprocess_exec(
        "node", "client.js", *arguments, cwd=folder, stdout=asyncio.subprocess.PIPE
    )
    printed, _ = await asyncio.wait_for(process.communicate(), 20)
    return printed


@asynccontextmanager
async def serving(wsdl: Path, port: int) -> AsyncIterator[asyncio.StreamReader]:
    """The server's output, after it said that it is ready: a line for each call that it took."""
    folder = installed()
    process = await asyncio.create_subprocess_exec(
        "node", "server.js", str(wsdl), str(port), cwd=folder, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        while (line := await asyncio.wait_for(process.stdout.readline(), 20)) != b"ready\n":
            assert line, "the server ended"
        yield process.stdout
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()
