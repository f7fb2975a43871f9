"""npm's `soap`, a client and server that nobody here wrote: installed once into a folder of the machine's cache."""

from __future__ import annotations

import asyncio
from contextlib import AbstractAsyncContextManager
from pathlib import Path

from tests.support import npm

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

WITH_FILE = """
const soap = require('soap');
const [wsdl, token, number] = process.argv.slice(2);
(async () => {
  const headers = {Authorization: 'Bearer ' + token};
  const client = await soap.createClientAsync(wsdl);
  const include = '<xop:Include xmlns:xop="http://www.w3.org/2004/08/xop/include" href="cid:scan@npm"/>';
  const body = Buffer.from([0, 255, 13, 10, 45, 45, 37]);
  const attachments = [{mimetype: 'application/pdf', contentId: 'scan@npm', name: 'scan.pdf', body}];
  try {
    const [result] = await client.LeaveNoteAsync({Number: number, Text: 'text', Content: {$xml: include}},
      {forceMTOM: true, attachments}, headers);
    console.log(JSON.stringify({result}));
  } catch (error) {
    const fault = error.root && error.root.Envelope.Body.Fault;
    console.log(JSON.stringify({fault: fault ? fault.faultstring : String(error)}));
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
    return npm.installed(
        "soap", {"soap": VERSION}, {"client.js": CLIENT, "with_file.js": WITH_FILE, "server.js": SERVER}
    )


async def call(*arguments: str) -> bytes:
    """What the client printed."""
    return await npm.printed(installed(), "client.js", *arguments)


async def call_with_file(*arguments: str) -> bytes:
    """What the client printed that brings a file as MTOM."""
    return await npm.printed(installed(), "with_file.js", *arguments)


def serving(wsdl: Path, port: int) -> AbstractAsyncContextManager[asyncio.StreamReader]:
    """The server's output, after it said that it is ready: a line for each call that it took."""
    return npm.serving(installed(), "server.js", str(wsdl), str(port))
