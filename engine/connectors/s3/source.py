"""Source `s3`: each object below a prefix is read, accepted, and only then moved, tagged or removed.

Objects are whole when they are there, so none is waited for. An object that is replaced between listing and reading
is read as it is then. A crash between accepting and moving offers it again under the same natural id.

An object is removed only as it was read. Where the server does not know conditional removal, one that is replaced
within the last round trip before it would go unread: let writers use a new name for each object, or keep versions.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Coroutine, Sequence
from fnmatch import fnmatchcase
from typing import Any, TypeVar

from engine.connectors.intake import FileMessages, accept_all, bad, batches, explain, wait_for_journal
from engine.connectors.s3.bucket import Bucket, Object, RefusedError
from engine.connectors.s3.seen import Seen
from engine.connectors.s3.settings import S3SourceSettings
from engine.core.errors import IsthmusError, MessageError, SizeLimitError, StoreError, TransportError
from engine.core.ids import IdSource, id_text
from engine.ports.connector import Accept, ConnectorContext, Health, Received

T = TypeVar("T")
_LONGEST_PAUSE = 300.0  # seconds between tries while server or store refuse
_MOST_REFUSED = 100  # objects in one look: then it is us whom the server refuses
_BATCH_BYTES = 64 * 1024 * 1024  # in memory at once, besides one object
_LONGEST_NAME = 120  # characters of an object's own name behind done/


class S3Source:
    """Looks into one bucket until cancelled."""

    def __init__(self, settings: S3SourceSettings, context: ConnectorContext) -> None:
        self._settings, self._context = settings, context
        self._bucket = Bucket(settings, context, settings.parallel)
        self._messages = FileMessages(settings, context)
        self._messages.by_token |= settings.deduplicate == "version"  # the token is made of bucket, key and version
        self._seen = Seen(context.root / "var" / "s3" / f"{context.name}.json", settings.bucket)
        self._away = (settings.away("done"), settings.away("error"))
        self._ids, self._failures = IdSource(), 0
        self._wait: float | None = None  # seconds, as the server asked
        self.problem: str | None = None

    @property
    def _stays(self) -> bool:
        return self._settings.after in ("tag", "keep")

    async def run(self, accept: Accept) -> None:
        """Look at the bucket until cancelled."""
        try:
            while True:
                good = await self.look(accept)
                self._failures = 0 if good else self._failures + 1
                if self._failures == 1:  # told once, not at every look
                    facts: dict[str, object] = {"error": "s3", "text": self.problem}
                    self._context.emit("source_failed", self._context.channel, facts)
                await asyncio.sleep(self._pause())
        finally:
            await self._bucket.close()

    async def look(self, accept: Accept) -> bool:
        """Once: take what is new. False: server or store refused; try later."""
        self.problem, self._wait = None, None
        try:
            await self._take(await self._new(), accept)
        except TransportError as error:
            self.problem, self._wait = f"{error.code}: {error.what}", error.retry_after
        except StoreError as error:
            self.problem = f"the store refuses: {error.code}"
        except RefusedError as error:
            self.problem = f"the server refuses: {error.code}"
        except OSError as error:
            self.problem = f"what was read cannot be remembered: {error.strerror}"
        return self.problem is None

    async def check(self) -> Health:
        """Does the server let us look into the bucket."""
        bucket = Bucket(self._settings, self._context, 1)
        try:
            await bucket.reachable(self._settings.prefix)
        except RefusedError as error:
            return Health(False, f"the server refuses: {error.code}")
        except IsthmusError as error:
            return Health(False, error.what)
        finally:
            await bucket.close()
        return Health(self.problem is None, self.problem or "the bucket is there and can be listed")

    def _pause(self) -> float:
        usual = self._settings.poll.total_seconds()
        grown = usual * 2 ** min(self._failures, 10)
        return float(max(min(grown, max(usual, _LONGEST_PAUSE)), self._wait or 0.0))

    # -------------------------------------------------------------- taking in
    async def _new(self) -> list[Object]:
        listed = await self._bucket.listed(self._settings.prefix)
        if self._stays:
            self._seen.only(listed)
        found = [one for one in listed if self._is_wanted(one) and not (self._stays and self._seen.knows(one))]
        return sorted(found, key=lambda one: (one.modified, one.key)) if self._settings.order == "time" else found

    def _is_wanted(self, one: Object) -> bool:
        if one.key.endswith("/") or one.key.startswith(self._away):
            return False
        return fnmatchcase(one.name, self._settings.pattern)

    async def _take(self, found: Sequence[Object], accept: Accept) -> None:
        """Read together, accept in order, put each away when all of it is durable.

        Raises the first failure: of server or store at once; an object that is refused to us alone keeps none out.
        """
        failures: list[Exception] = []
        for some in batches(found, self._at_once(found)):
            async with asyncio.TaskGroup() as group:
                reads = [(one, group.create_task(_guarded(self._read(one), failures))) for one in some]
                for one, reading in reads:
                    if (read := await reading) is not None:
                        await wait_for_journal(accept)
                        group.create_task(_guarded(self._finish(one, *read, accept), failures))
            if self._stays:
                await asyncio.to_thread(self._seen.save)
            if (away := next((one for one in failures if not isinstance(one, RefusedError)), None)) is not None:
                raise away
            if len(failures) > _MOST_REFUSED:
                break
        if failures:
            raise failures[0]

    def _at_once(self, found: Sequence[Object]) -> int:
        largest = max((min(one.size, self._settings.max_size) for one in found), default=0)
        return max(1, min(self._settings.parallel, _BATCH_BYTES // max(largest, 1)))

    async def _read(self, listed: Object) -> tuple[Object, list[Received]]:
        """As it was read, and its messages, with what was refused at the door; none: another run of ours tagged it."""
        one, body = listed, b""
        token = f"{self._bucket.name}/{one.key}@{one.etag}"
        try:
            one, body, version, tags = await self._bucket.content(listed, self._settings.max_size)
            if tags and self._settings.after == "tag" and await self._bucket.tagged(one.key):
                return one, []
            token = f"{self._bucket.name}/{one.key}@{version or one.etag}"
            return one, await self._messages.read(body, one.key, _limited(token), self._bucket.name)
        except MessageError as error:
            kept = b"" if isinstance(error, SizeLimitError) else body
            return one, [self._messages.refused(kept, one.key, _limited(token), error)]

    # -------------------------------------------------------------- afterwards
    async def _finish(self, listed: Object, one: Object, messages: list[Received], accept: Accept) -> None:
        receipts = await accept_all(messages, accept)
        refused = bool(bad(receipts))
        if self._stays:
            if self._settings.after == "tag" and receipts:
                await self._bucket.tag(one.key, "refused" if refused else "taken")
            self._seen.add(listed)
        elif refused:
            target = f"{self._away[1]}{self._moved_name(one)}"
            await self._bucket.put(f"{target}.reason.txt", explain(receipts), ContentType="text/plain")
            await self._bucket.move(one, target)
        elif self._settings.after == "delete":
            await self._bucket.remove(one)
        else:
            await self._bucket.move(one, f"{self._away[0]}{self._moved_name(one)}")

    def _moved_name(self, one: Object) -> str:
        """Never that of another object: a copy would overwrite it."""
        return f"{self._context.clock.now():%Y%m%dT%H%M%SZ}_{id_text(self._ids.next())}_{one.name[-_LONGEST_NAME:]}"


async def _guarded(work: Coroutine[Any, Any, T], failures: list[Exception]) -> T | None:
    """A failure of one object does not break off those beside it."""
    try:
        return await work
    except RefusedError as error:
        if not error.absent and not error.changed:  # else gone or replaced: met at the next look
            failures.append(error)
    except (TransportError, StoreError) as error:
        failures.append(error)
    return None


def _limited(token: str) -> str:
    """Keys may have 1024 bytes; natural ids are shorter."""
    if len(token) <= 200:
        return token
    return f"{token[:150]}…{hashlib.blake2b(token.encode(), digest_size=16).hexdigest()}"
