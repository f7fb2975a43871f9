"""The copy of the shipped site that scenarios are played on: its settings, its doors and its secrets."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from engine.cli.demo.workplace import Workplace
from engine.core.errors import ConfigurationError

_FROM_ENVIRONMENT = re.compile(r"\benv:([A-Z][A-Z0-9_]*)")


class Setting(NamedTuple):
    """A key of a file of the copied site, set before the engine starts."""

    path: str
    key: str
    value: str


class Door(NamedTuple):
    """How a channel is reached over HTTP: `token` is the secret itself."""

    url: str
    token: str | None


def apply(place: Workplace, settings: Iterable[Setting]) -> None:
    for one in settings:
        set_key(place.root / one.path, one.key, one.value)


def set_key(path: Path, key: str, value: str) -> None:
    """Set a key where it stands, at any depth; where it does not, at the end and at the top level."""
    text = path.read_text(encoding="utf-8")
    changed, found = re.subn(rf"(?m)^( *){re.escape(key)}:.*$", rf"\g<1>{key}: {value}", text, count=1)
    path.write_text(changed if found else f"{text.rstrip()}\n{key}: {value}\n", encoding="utf-8")


def hasten(place: Workplace) -> None:
    """Let folders and the ERP be looked at more often than a site would: files of scenarios are renamed into place."""
    for path in (place.root / "channels").rglob("*.yaml"):
        text = path.read_text(encoding="utf-8")
        if "\n  stable_for:" not in text and "\n  poll:" not in text:
            text = text.replace("source:\n  type: file\n", "source:\n  type: file\n  poll: 200ms\n  stable_for: 0s\n")
        path.write_text(text.replace("  every: 2s\n", "  every: 1s\n"), encoding="utf-8")


def channel_file(place: Workplace, channel: str) -> Path:
    """
    Raises:
        ConfigurationError: the site has no such channel.
    """
    found = next((place.root / "channels").rglob(f"{channel}.yaml"), None)
    if found is None:
        raise ConfigurationError("the site has no such channel", where=channel)
    return found


def http_door(place: Workplace, channel: str) -> Door:
    source = _source(place, channel)
    named = _FROM_ENVIRONMENT.search(str(source.get("token", "")))
    token = place.environment[named.group(1)] if named else None
    return Door(f"http://{source['listen']}{source.get('path', '/')}", token)


def folder_of(place: Workplace, channel: str) -> Path:
    """Where a channel of files looks."""
    folder = place.root / str(_source(place, channel)["folder"])
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _source(place: Workplace, channel: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(channel_file(place, channel).read_text(encoding="utf-8"))["source"]
    return found
