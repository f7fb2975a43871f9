"""A running ERP on a copy of the template: for `isthmus erp`, the demo and the tests.

server = ErpServer(await ensure_template(), Path(".isthmus/erp"))
await server.start()
adapter = server.adapter()
"""

from __future__ import annotations

import json
import os
import shutil
import signal
from pathlib import Path
from types import TracebackType

from engine.adapters.tryton.adapter import TrytonAdapter
from engine.adapters.tryton.client import Transport
from engine.adapters.tryton.databases import SQLITE, make_database
from engine.adapters.tryton.process import TrytonProcess, answers
from engine.adapters.tryton.settings import TrytonSettings
from engine.adapters.tryton.setup import Template, write_private

KEY_FILE = "key"


class ErpServer:
    """One ERP with its own database under `directory`; the database stays over kill and restart.

    Args:
        port: 0: a free loopback port, kept over restarts.
    """

    def __init__(self, template: Template, directory: Path, port: int = 0, database: str = "erp") -> None:
        self.template, self.directory, self.database = template, directory.resolve(), database
        self._prepare()
        self._process = TrytonProcess(template.environment, self.directory, template.uri, database, port)

    @property
    def url(self) -> str:
        return self._process.url

    @property
    def port(self) -> int:
        return self._process.port

    @property
    def pid(self) -> int | None:
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process.running

    @property
    def key_file(self) -> Path:
        """Holds the REST key (mode 0600): `key: file:<this>` in connections.yaml."""
        return self.directory / KEY_FILE

    @property
    def key(self) -> str:
        """The REST key itself: a secret."""
        return self.key_file.read_text()

    def settings(self) -> TrytonSettings:
        return TrytonSettings(
            url=self.url, database=self.database, key=f"file:{self.key_file}", company=self.template.company
        )

    def connection(self) -> dict[str, object]:
        """The entry for `config/connections.yaml`, without any secret in it."""
        settings = self.settings()
        return {name: getattr(settings, name) for name in ("type", "url", "database", "key", "company")}

    def adapter(self, transport: Transport | None = None) -> TrytonAdapter:
        return TrytonAdapter(self.settings(), self.key, transport)

    async def start(self, seconds: float = 180.0) -> None:
        """Start and wait until it answers."""
        self._process.start()
        write_state(self.directory, self._process)
        await self._process.ready(seconds)

    def kill(self) -> None:
        """As a crash would (SIGKILL); `start` goes on with the same database on the same port."""
        self._process.kill()

    async def restart(self) -> None:
        self.stop()
        await self.start()

    def stop(self) -> None:
        self._process.stop()
        (self.directory / "state.json").unlink(missing_ok=True)

    async def __aenter__(self) -> ErpServer:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _prepare(self) -> None:
        self.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        if self.key_file.exists():
            return
        template = self.template
        if template.uri == SQLITE:
            shutil.copyfile(template.file, self.directory / f"{self.database}.sqlite")
        else:
            make_database(template.uri, self.database, self.directory, copy_of=template.database)
        write_private(self.directory / "admin_password", template.admin_password)
        write_private(self.key_file, template.key)  # last: its presence says that the rest is there


# ------------------------------------------------------------------ an ERP that outlives the command that started it
def write_state(directory: Path, process: TrytonProcess) -> None:
    state = {"pid": process.pid, "port": process.port, "database": process.database}
    write_private(directory / "state.json", json.dumps(state))


def read_state(directory: Path) -> dict[str, object] | None:
    try:
        found: dict[str, object] = json.loads((directory / "state.json").read_text())
    except (OSError, ValueError):
        return None
    return found if _is_ours(int(str(found["pid"])), directory) else None


async def is_answering(state: dict[str, object]) -> bool:
    return await answers(f"http://127.0.0.1:{state['port']}", str(state["database"]))


def stop_by_state(directory: Path) -> bool:
    """Stop the ERP that an earlier command started here. False: none runs."""
    state = read_state(directory)
    if state is None:
        return False
    os.kill(int(str(state["pid"])), signal.SIGTERM)
    (directory / "state.json").unlink(missing_ok=True)
    return True


def _is_ours(pid: int, directory: Path) -> bool:
    """A number may have gone to another process since: its command line must name our directory."""
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False
    return str(directory.resolve()).encode() in command
