"""A feed in memory: entries are added by the test, numbers are the order in which they are."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from engine.core.clock import to_micros
from engine.core.errors import StoreError
from engine.core.happenings import Happening
from engine.core.ids import id_text
from engine.ports.feed import FedDocument, FeedEntry, FeedPage, FeedPlace


class FeedDouble:
    """`engine.ports.feed.Feed`. `fail_saves`: so many saves from now on are refused."""

    def __init__(self) -> None:
        self.entries: list[FeedEntry] = []
        self.places: dict[str, FeedPlace] = {}
        self.fail_saves = 0

    def made(
        self, body: bytes, at: datetime, kind: str = "Consumption", channel: str = "charges", repeated: bool = False
    ) -> FeedEntry:
        number = len(self.entries) + 1
        document = FedDocument(0, kind, f"KEY-{number}", body, repeated)
        entry = FeedEntry(
            number=number,
            what=Happening.MADE,
            at_micros=to_micros(at),
            channel=channel,
            message_id=1000 + number,
            origin_id=1000 + number,
            correlation_id=id_text(1000 + number),
            documents=(document,),
        )
        self.entries.append(entry)
        return entry

    async def open(self, reader: str, channels: Sequence[str]) -> FeedPlace:
        return self.places.setdefault(reader, FeedPlace(len(self.entries)))

    async def head(self) -> int:
        return len(self.entries)

    async def read(
        self, after: int, until: int, channels: Sequence[str], what: Sequence[Happening], limit: int
    ) -> FeedPage:
        found = [
            one for one in self.entries[after:until] if one.what in what and (not channels or one.channel in channels)
        ]
        page = found[:limit]
        return FeedPage(page, page[-1].number if len(page) == limit else max(until, after))

    async def save(self, reader: str, place: FeedPlace) -> None:
        if self.fail_saves:
            self.fail_saves -= 1
            raise StoreError("the disk is gone")
        self.places[reader] = place

    async def readers(self) -> list[str]:
        return list(self.places)

    async def forget(self, readers: Sequence[str]) -> None:
        for one in readers:
            self.places.pop(one, None)
