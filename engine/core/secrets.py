"""Secrets by reference: `env:NAME`, `file:PATH`, `store:NAME`. A value never appears in an error."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from engine.core.errors import SecretMissingError


class SiteSecrets:
    """Resolves references of one site.

    Args:
        root: relative files are below it.
        names: `store:NAME` to another reference (`config/engine.yaml`, `secrets:`).
    """

    def __init__(self, root: Path, names: Mapping[str, str] | None = None) -> None:
        self._root, self._names = root, names or {}

    def resolve(self, reference: str) -> str:
        scheme, _, name = reference.partition(":")
        if scheme == "env":
            return self._environment(name, reference)
        if scheme == "file":
            return self._file(name, reference)
        if scheme == "store" and name in self._names:
            return self.resolve(self._names[name])
        raise SecretMissingError(
            "a secret is named by env:NAME, file:PATH or store:NAME",
            remedy="write the secret to a file that only the engine can read, and name that file",
        )

    def _environment(self, name: str, reference: str) -> str:
        value = os.environ.get(name)
        if not value:
            raise SecretMissingError(
                "the secret is not in the environment", where=reference, remedy=f"set {name} before starting the engine"
            )
        return value

    def _file(self, name: str, reference: str) -> str:
        try:
            return (self._root / name).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise SecretMissingError(
                f"the secret's file cannot be read: {_why(error)}",
                where=reference,
                remedy="put the secret into that file, readable by the engine's user only (0600)",
            ) from None


def _why(error: OSError | UnicodeDecodeError) -> str:
    """In words; nothing of the file's content."""
    words = {
        FileNotFoundError: "it is not there",
        PermissionError: "the engine's user may not",
        IsADirectoryError: "it is a folder",
        UnicodeDecodeError: "it is not UTF-8 text",
    }
    return words.get(type(error), type(error).__name__)
