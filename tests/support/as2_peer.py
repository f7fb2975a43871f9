"""django-pyas2 as a partner: in an environment of its own, made once, and as a process of its own.

It is GPL: nothing of it is ever imported here.
"""

from __future__ import annotations

import json
import os
import subprocess
import time
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

from engine.core.loopback import free_port
from tests.support.as2 import certificate_pem, key_pem, partner
from tests.support.peer_environment import AbsentError as AbsentError
from tests.support.peer_environment import environment

US, THEM = "HARBORHEALTH", "SUPPLIER"
_HERE = Path(__file__).parent
_LOCK = _HERE / "as2_peer.lock"


def interpreter() -> Path:
    """Python of its environment. Raises AbsentError."""
    return environment("pyas2", "django-pyas2", _LOCK)


class Peer:
    """A running partner."""

    def __init__(self, folder: Path, our_url: str) -> None:
        self.folder, self.port = folder, free_port()
        self.url = f"http://127.0.0.1:{self.port}/pyas2/as2receive"
        folder.mkdir(parents=True)
        (folder / "us.pem").write_bytes(certificate_pem(partner("us")))
        pair = key_pem(partner("them"), "sesame").encode() + certificate_pem(partner("them"))
        (folder / "them.pair").write_bytes(pair)
        (folder / "agreement.json").write_text(json.dumps({"us": US, "them": THEM, "url": our_url}))

    def start(self) -> None:
        command = [interpreter(), "-P", _HERE / "as2_peer_site.py", self.folder, str(self.port)]
        with open(self.folder / "output", "wb") as output:
            # Not our own environment: it has other releases of the same packages.
            self.process = subprocess.Popen(command, stdout=output, stderr=output, env={"PATH": os.environ["PATH"]})
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                self._ask("ready")
                return
            except OSError:
                time.sleep(0.05)
        raise RuntimeError((self.folder / "output").read_text()[-2000:])

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()

    def agree(self, **settings: Any) -> None:
        """Fields of its Partner: what it sends and what it wants."""
        self._ask("agree", json.dumps(settings).encode())

    def send(self, payload: bytes, times: int = 1, **settings: Any) -> dict[str, Any]:
        """Send to us. Returns status (S, E, P), detail and message_id."""
        self.agree(**settings)
        found: dict[str, Any] = self._ask("send", payload, {"X-Times": str(times)})
        return found

    def post_receipts(self) -> int:
        return int(self._ask("receipts", b"")["posted"])

    def received(self) -> list[dict[str, Any]]:
        found = [one for one in self._ask("messages") if one["direction"] == "IN"]
        return [one | {"payload": b64decode(one["payload"])} for one in found]

    def sent(self) -> list[dict[str, Any]]:
        return [one for one in self._ask("messages") if one["direction"] == "OUT"]

    def _ask(self, what: str, data: bytes | None = None, headers: dict[str, str] | None = None) -> Any:
        request = Request(f"http://127.0.0.1:{self.port}/control/{what}", data, headers or {})
        with urlopen(request, timeout=30) as response:
            text = response.read()
        return json.loads(text) if text != b"ready" else None


@contextmanager
def running(folder: Path, our_url: str) -> Iterator[Peer]:
    peer = Peer(folder, our_url)
    peer.start()
    try:
        yield peer
    finally:
        peer.stop()
