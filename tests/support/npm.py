"""Peers from npm that nobody here wrote: each installed once, into a folder of the machine's cache."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

_PATIENCE = 60.0  # seconds for a script to say that it is ready
_INSTALLING = 120.0


def installed(name: str, packages: dict[str, str], scripts: dict[str, str]) -> Path:
    """A folder with these packages (name to version) and scripts (file to text). Skips the test where it cannot be."""
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        pytest.skip("npm is not installed")
    cache = Path(os.environ.get("ISTHMUS_NPM", Path(tempfile.gettempdir()) / f"isthmus-npm-{os.getuid()}"))
    folder = cache / f"{name}-{'-'.join(packages.values())}"
    if not all(_is_there(folder, package, version) for package, version in packages.items()):
        _install(npm, folder, [f"{package}@{version}" for package, version in packages.items()])
    for file, text in scripts.items():
        (folder / file).write_text(text)
    return folder


def _is_there(folder: Path, package: str, version: str) -> bool:
    manifest = folder / "node_modules" / package / "package.json"
    return manifest.exists() and json.loads(manifest.read_text())["version"] == version


def _install(npm: str, folder: Path, wanted: list[str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    command = [npm, "install", "--no-audit", "--no-fund", "--ignore-scripts", *wanted]
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, timeout=_INSTALLING, check=False)
    except subprocess.TimeoutExpired:
        pytest.skip(f"npm could not install {wanted[0]} in time")
    if done.returncode:
        pytest.skip(f"npm could not install {wanted[0]}")


@asynccontextmanager
async def serving(folder: Path, script: str, *arguments: str) -> AsyncIterator[asyncio.StreamReader]:
    """The output of a script, after it said `ready` on a line of its own."""
    process = await asyncio.create_subprocess_exec(
        "node", script, *arguments, cwd=folder, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        while (line := await asyncio.wait_for(process.stdout.readline(), _PATIENCE)) != b"ready\n":
            assert line, f"{script} ended"
        yield process.stdout
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def printed(folder: Path, script: str, *arguments: str) -> bytes:
    """All that a script printed."""
    process = await asyncio.create_subprocess_exec(
        "node", script, *arguments, cwd=folder, stdout=asyncio.subprocess.PIPE
    )
    output, _ = await asyncio.wait_for(process.communicate(), _PATIENCE)
    return output
