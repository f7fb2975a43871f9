"""A body without a known format."""

from __future__ import annotations


class BytesMessage:
    """What a transform gets where the source's format is `bytes`."""

    __slots__ = ("body",)

    def __init__(self, body: bytes) -> None:
        self.body = body

    def get(self, path: str) -> str | None:
        """Nothing can be asked for by path."""
        return None

    def encode(self) -> bytes:
        return self.body
