"""A copy of the shipped site in a folder of its own, on free ports, with fresh state and invented secrets."""

from __future__ import annotations

import re
import secrets
import shutil
from pathlib import Path
from typing import NamedTuple

from engine.core.errors import ConfigurationError
from engine.core.loopback import free_port

_PARTS = ("channels", "transforms", "config")
_LISTEN = re.compile(r"(?P<key>listen:\s*)127\.0\.0\.1:(?P<port>\d+)")
_TOKEN = re.compile(r"\btoken:\s*env:(\w+)")
_LAG = re.compile(r"(?P<key>\blag:\s*)\w+")
_ERP_URL = re.compile(r"(?P<key>url:\s*)http://127\.0\.0\.1:\d+")


class Workplace(NamedTuple):
    """Args:
    ports: port by channel name; the console's under `console`.
    environment: secrets that the engine's process gets.
    """

    root: Path
    ports: dict[str, int]
    environment: dict[str, str]

    def folder(self, *parts: str) -> Path:
        return self.root.joinpath(*parts)

    def token(self, name: str) -> str:
        """What `token: env:NAME` of a channel stands for in this run."""
        return self.environment[name]


def shipped_site() -> Path:
    """The site that lies beside the engine, or in the current folder.

    Raises:
        ConfigurationError: neither is there.
    """
    import engine

    for root in (Path(engine.__file__).resolve().parent.parent, Path.cwd()):
        if all((root / part).is_dir() for part in _PARTS) and (root / "channels" / "supply_usage").is_dir():
            return root
    raise ConfigurationError("the shipped site is not here", remedy="run it from a clone of the repository")


def furnish(directory: Path, site: Path, port_base: int | None = None) -> Workplace:
    """Copy the site and give every listener a port.

    Args:
        directory: where the copy goes, below it `site`; an earlier copy there is removed.
        port_base: first port to use; None: free ones.
    """
    root = directory / "site"
    if root.exists():
        shutil.rmtree(root)
    for part in _PARTS:
        shutil.copytree(site / part, root / part, ignore=shutil.ignore_patterns("__pycache__"))
    take = _Ports(port_base)
    ports: dict[str, int] = {}
    for path in sorted((root / "channels").glob("*/*.yaml")):  # not what lies deeper: the cases
        _readdress(path, path.stem, take, ports)
    _readdress(root / "config" / "engine.yaml", "console", take, ports)
    _hurry(root / "channels" / "purchasing" / "warehouse_receipts_in.yaml")
    return Workplace(root, ports, {name: secrets.token_urlsafe(24) for name in sorted(_tokens(root))})


def _hurry(path: Path) -> None:
    """The dock's scanners of this day are quick: nobody watches a demonstration for half an hour."""
    path.write_text(_LAG.sub(r"\g<key>10s", path.read_text(encoding="utf-8")), encoding="utf-8")


def _tokens(root: Path) -> set[str]:
    """Names of the tokens that callers of the site's doors must show."""
    texts = (path.read_text(encoding="utf-8") for path in (root / "channels").rglob("*.yaml"))
    return {name for text in texts for name in _TOKEN.findall(text)}


def connect_erp(place: Workplace, url: str, database: str, key: str) -> Workplace:
    """Point the connection `finance` at the ERP of this run. The key goes by environment only."""
    path = place.root / "config" / "connections.yaml"
    text = _ERP_URL.sub(rf"\g<key>{url}", path.read_text(encoding="utf-8"))
    text = re.sub(r"(database:\s*)\S+", rf"\g<1>{database}", text)
    text = re.sub(r"(key:\s*)\S+", r"\g<1>env:HARBOR_ERP_KEY", text)
    path.write_text(text, encoding="utf-8")
    return place._replace(environment=place.environment | {"HARBOR_ERP_KEY": key})


def _readdress(path: Path, name: str, take: _Ports, ports: dict[str, int]) -> None:
    def replace(match: re.Match[str]) -> str:
        ports[name] = take.next()
        return f"{match['key']}127.0.0.1:{ports[name]}"

    text = path.read_text(encoding="utf-8")
    path.write_text(_LISTEN.sub(replace, text), encoding="utf-8")


class _Ports:
    """Ports one after the other: from a base, or whatever is free."""

    def __init__(self, base: int | None) -> None:
        self._next = base
        self._given: set[int] = set()

    def next(self) -> int:
        while True:
            port = self._candidate()
            if port not in self._given:
                self._given.add(port)
                return port

    def _candidate(self) -> int:
        if self._next is not None:
            self._next += 1
            return self._next - 1
        return free_port()
