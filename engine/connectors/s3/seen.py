"""Which objects were read and stay where they are: key to ETag, in a file below the site between runs.

It spares reading them again. What keeps one from acting twice is its natural id in the journal; so an old or missing
file costs time, and loses nothing.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

import msgspec

from engine.connectors.s3.bucket import Object


class Seen:
    """Remembers no more than what is in the bucket."""

    def __init__(self, path: Path, bucket: str) -> None:
        self._path, self._bucket = path, bucket
        self._etags: dict[str, str] | None = None
        self._changed = False

    def knows(self, one: Object) -> bool:
        return self._known().get(one.key) == one.etag

    def add(self, one: Object) -> None:
        self._known()[one.key] = one.etag
        self._changed = True

    def only(self, there: Iterable[Object]) -> None:
        """What is gone is forgotten."""
        known = self._known()
        kept = {one.key: known[one.key] for one in there if one.key in known}
        self._changed = self._changed or len(kept) != len(known)
        self._etags = kept

    def save(self) -> None:
        """Raises OSError."""
        if not self._changed:
            return
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        part = self._path.with_suffix(".part")
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(msgspec.json.encode({"bucket": self._bucket, "etags": self._known()}))
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, self._path)
        self._changed = False

    def _known(self) -> dict[str, str]:
        """A file of another bucket, or one that cannot be read, is as none."""
        if self._etags is None:
            self._etags = {}
            try:
                found = msgspec.json.decode(self._path.read_bytes())
                if found["bucket"] == self._bucket:
                    self._etags = {str(key): str(etag) for key, etag in found["etags"].items()}
            except (OSError, ValueError, KeyError, TypeError, AttributeError):
                return self._etags
        return self._etags
