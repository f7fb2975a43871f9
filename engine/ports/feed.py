"""The feed: what happened to documents and deliveries, numbered in the order of the commits.

Only channels that somebody reads are written to it; whoever opens it for the first time reads from then on. Each entry
is in the transaction of what it tells, so that none is lost and none is of something that was rolled back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import msgspec

from engine.core.happenings import Happening

SERVICE = "feed"
"""Its name in `ConnectorContext.services`."""


class FedDocument(msgspec.Struct, frozen=True):
    """A document as its transform made it. `repeated`: its message, or the one that this replays, made a document of
    this kind and key before."""

    position: int
    kind: str
    natural_key: str
    body: bytes
    repeated: bool = False


class FedDelivery(msgspec.Struct, frozen=True):
    """`reference`: the far side's own number, once it was delivered. `repeated`: under this key it was before."""

    destination: str
    idempotency_key: str
    reference: str | None = None
    repeated: bool = False


class FeedEntry(msgspec.Struct, frozen=True):
    """Something that happened; the same whenever it is read.

    Args:
        at_micros: time of the commit.
        origin_id: the message that this one replays or was edited from; its own id when it does neither.
        code: of the reason, of what is held.
        documents: those that were made, or the one that is delivered; only canonical ones.
        attributes: of the message.
    """

    number: int
    what: Happening
    at_micros: int
    channel: str
    message_id: int
    origin_id: int
    correlation_id: str
    code: str | None = None
    documents: Sequence[FedDocument] = ()
    delivery: FedDelivery | None = None
    attributes: Mapping[str, str] = {}


class FeedPage(msgspec.Struct, frozen=True):
    """`last`: everything up to this number was looked at. Entries whose message retention dropped are left out."""

    entries: Sequence[FeedEntry]
    last: int


class FeedPlace(msgspec.Struct, frozen=True):
    """How far a reader came, and what it noted for itself."""

    number: int
    state: str | None = None


class Feed(Protocol):
    """Read by name: each reader has its own place."""

    async def open(self, reader: str, channels: Sequence[str]) -> FeedPlace:
        """From now on these channels are written; none named: all. The first time the place is the newest entry."""
        ...

    async def head(self) -> int:
        """Number of the newest entry; what is committed later has a higher one."""
        ...

    async def read(
        self, after: int, until: int, channels: Sequence[str], what: Sequence[Happening], limit: int
    ) -> FeedPage:
        """Entries above `after` and up to `until`, in order; no channels named: of all."""
        ...

    async def save(self, reader: str, place: FeedPlace) -> None:
        """Entries that every reader is past may go. Raises StoreError."""
        ...

    async def readers(self) -> list[str]: ...

    async def forget(self, readers: Sequence[str]) -> None:
        """Nobody reads under these names any more."""
        ...
