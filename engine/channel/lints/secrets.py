"""Secrets stand nowhere in a site: only references to them. What is found is never shown."""

from __future__ import annotations

import re
from collections.abc import Iterator

from engine.channel.finding import Finding
from engine.channel.lints.ground import Ground, strings_in
from engine.channel.load import CONNECTIONS
from engine.channel.yaml_source import Path

_SECRET_WORDS = frozenset(
    {"password", "passwd", "passphrase", "secret", "token", "authorization", "credential", "credentials", "apikey"}
)
_KEY_KINDS = frozenset({"api", "private", "access", "encryption", "shared", "account", "subscription"})
_REFERENCE = re.compile(r"(?:^|\s)(?:env|file|store):\S+")
_IN_ADDRESS = re.compile(r"[a-z][a-z0-9+]*://[^/\s:@]*:[^/\s@]+@")
_NOT_SETTINGS = frozenset({"index", "lookups", "map", "accept"})


def check(ground: Ground) -> Iterator[Finding]:
    for file, yaml in ground.site.sources.items():
        if "/crosswalks/" in file:
            continue
        for path, value in strings_in(yaml.data):
            if path and path[0] in _NOT_SETTINGS:
                continue
            if _IN_ADDRESS.search(value):
                text = f"a password stands in the address '{path[-1]}'"
                yield yaml.finding("C094", path, text, "leave it out and give it as password: env:NAME")
            elif _is_secret(path, file) and not _REFERENCE.search(value) and not _is_file_name(value):
                text = f"'{path[-1]}' holds a secret in clear; whoever reads this file or its history has it"
                yield yaml.finding("C090", path, text, f"{path[-1]}: env:NAME, and change the secret that stood here")


def _is_secret(path: Path, file: str) -> bool:
    named = [part for part in path if isinstance(part, str)]
    if not named:
        return False
    words = re.split(r"[_\-\s]+", named[-1].lower())
    if words[-1] in _SECRET_WORDS:
        return True
    if words[-1] != "key" or "tls" in named:
        return False
    return file == CONNECTIONS if len(words) == 1 else words[-2] in _KEY_KINDS


def _is_file_name(value: str) -> bool:
    return value.endswith((".pem", ".key", ".crt")) and "\n" not in value
