"""Reads and searches of what a channel took in, answered from the journal.

A resource's version is the message that brought it. One that named no id is known by its message's. One that did
is found by the channel's `index:` when that has `id: id`, else by an update's natural id. Each answer is audited.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from engine.connectors.fhir.query import CURSOR, Wanted
from engine.core.errors import MessageError
from engine.core.ids import id_text, parse_id
from engine.ports.audit import Audit
from engine.ports.journal import Journal, MessageRow, Query
from engine.ports.states import MessageState
from engine.protocols.fhir.resource import Tree, read_tree
from engine.protocols.fhir.version import Version
from engine.protocols.fhir.xml_reader import read_xml

SERVICE = "received"  # name of the journal and the audit in ConnectorContext.services
_TAKEN = tuple(state for state in MessageState if state is not MessageState.REFUSED)
_PAGE = 100  # rows of the journal at once
_MOST_ROWS = 1000  # looked at for one page; then a `next` link goes on
_KEY_LENGTH = 120  # as business keys are cut


class Reader:
    """Of one channel. `base` is the path below which resources stand, `index` the channel's business keys."""

    def __init__(
        self, journal: Journal, audit: Audit, channel: str, index: Mapping[str, str], base: str, version: Version
    ) -> None:
        self._journal, self._audit, self._channel = journal, audit, channel
        self.index, self._base, self._version = index, base.rstrip("/"), version

    async def read(self, who: str, kind: str, id_: str) -> Tree | None:
        """The newest version of a resource."""
        _, found = await self._newest(kind, id_)
        await self._audit.record(who, "fhir.read", f"{kind} of channel {self._channel}", _told(found))
        return found

    async def version(self, who: str, kind: str, id_: str, version: str) -> Tree | None:
        row = await self._row(version)
        found = await self._resource(row, kind, id_) if row is not None else None
        await self._audit.record(who, "fhir.vread", f"{kind} of channel {self._channel}", _told(found))
        return found

    async def newest_version(self, kind: str, id_: str, named: str = "") -> str | None:
        """What `If-Match` must name; None for a resource that is not known. No content is told: it is not audited.

        `named` is a version that is looked at, too: one that was taken in just now is not indexed yet.
        """
        row, _ = await self._newest(kind, id_, named)
        return id_text(row.message_id) if row is not None else None

    async def was_updated(self, kind: str, id_: str, version: str) -> bool:
        """Whether an update that names this version as the one before it was taken in."""
        return bool(await self._journal.search(self._by(kind, (None, f"{kind}/{id_}/{version}", False))))

    async def search(self, who: str, kind: str, asked: Wanted, origin: str = "") -> Tree:
        """One page as a searchset, the newest first. `origin`: how whoever asks calls this server."""
        if asked.ids:
            every = [await self._newest(kind, id_) for id_ in dict.fromkeys(asked.ids)]
            page = [one for row, one in every if row is not None and one is not None and self._fits(row, one, asked)]
            last = None
        else:
            page, last = await self._page(kind, asked)
        names = ", ".join(sorted({name for name, _ in asked.asked})) or "everything"
        told = f"{len(page)} found by {names}"
        await self._audit.record(who, "fhir.search", f"{kind} of channel {self._channel}", told)
        return self._searchset(f"{origin}{self._base}/{kind}", asked, page, last)

    # -------------------------------------------------------------- pages
    async def _page(self, kind: str, asked: Wanted) -> tuple[list[Tree], int | None]:
        """Resources, and the message that the next page goes on after."""
        page: list[Tree] = []
        before, seen = asked.before, 0
        while True:
            rows = await self._journal.search(self._query(kind, asked, before))
            for row in rows:
                before, seen = row.message_id, seen + 1
                resource = await self._wanted(row, kind, asked)
                if resource is not None:
                    page.append(resource)
                if len(page) == asked.count:
                    return page, before
            if len(rows) < _PAGE:
                return page, None
            if seen >= _MOST_ROWS:
                return page, before

    def _query(self, kind: str, asked: Wanted, before: int | None) -> Query:
        key = (asked.keys[0][0], asked.keys[0][1][:_KEY_LENGTH], False) if asked.keys else None
        return Query(
            channel=self._channel, states=_TAKEN, key=key, message_type=kind, since=asked.since, until=asked.until,
            before_id=before, limit=_PAGE,
        )  # fmt: skip

    async def _wanted(self, row: MessageRow, kind: str, asked: Wanted) -> Tree | None:
        resource = await self._resource(row, kind, None)
        if resource is None or not self._fits(row, resource, asked):
            return None
        newest, _ = await self._newest(kind, str(resource["id"]))
        return resource if newest is None or newest.message_id == row.message_id else None

    def _fits(self, row: MessageRow, resource: Tree, asked: Wanted) -> bool:
        keys = set(row.keys)
        if not all((name, value[:_KEY_LENGTH]) in keys for name, value in asked.keys):
            return False
        if (asked.since and row.received_at < asked.since) or (asked.until and row.received_at >= asked.until):
            return False
        if asked.identifier is None:
            return True
        found: Any = resource.get("identifier")
        system, value = asked.identifier
        several = found if isinstance(found, list) else [found]
        return any(
            isinstance(one, dict) and one.get("value") == value and system in (None, one.get("system") or "")
            for one in several
        )

    def _searchset(self, here: str, asked: Wanted, page: list[Tree], last: int | None) -> Tree:
        links = [{"relation": "self", "url": f"{here}?{urlencode(asked.asked)}"}]
        bundle: Tree = {"resourceType": "Bundle", "type": "searchset"}
        if last is not None:
            on = urlencode([*asked.asked, (CURSOR, id_text(last))])
            links.append({"relation": "next", "url": f"{here}?{on}"})
        elif asked.before is None:
            bundle["total"] = len(page)
        entries = [
            {"fullUrl": f"{here}/{one['id']}", "resource": one, "search": {"mode": "match"}} for one in page
        ]  # fmt: skip
        return bundle | {"link": links} | ({"entry": entries} if entries else {})

    # -------------------------------------------------------------- one resource
    async def _newest(self, kind: str, id_: str, named: str = "") -> tuple[MessageRow | None, Tree | None]:
        """By the message's own id, by the index, by the natural id of an update: whichever came last."""
        message, _, position = id_.partition("-")
        own = [await self._row(message)] if not position or position.isdigit() else []
        own += [await self._row(named)] if named else []
        keys: list[tuple[str | None, str, bool]] = [(None, f"{kind}/{id_}/", True)]
        if "id" in self.index:
            keys.append(("id", id_, False))
        rows = [row for row in own if row is not None]
        rows += [row for key in keys for row in await self._journal.search(self._by(kind, key))]
        for row in sorted(rows, key=lambda one: one.message_id, reverse=True):
            resource = await self._resource(row, kind, id_)
            if resource is not None:
                return row, resource
        return None, None

    def _by(self, kind: str, key: tuple[str | None, str, bool]) -> Query:
        return Query(channel=self._channel, states=_TAKEN, key=key, message_type=kind, limit=3)

    async def _row(self, version: str) -> MessageRow | None:
        try:
            message_id = parse_id(version)
        except ValueError:
            return None
        if message_id >= 2**63 - 1:
            return None
        rows = await self._journal.search(Query(channel=self._channel, before_id=message_id + 1, limit=1))
        return next((row for row in rows if row.message_id == message_id and row.state in _TAKEN), None)

    async def _resource(self, row: MessageRow, kind: str, id_: str | None) -> Tree | None:
        """What the message holds of that type and id, with its version and time. `id_` None: whatever it has."""
        view = await self._journal.view(row.message_id)
        if view is None:
            return None
        try:
            is_xml = view.body.lstrip()[:1] == b"<"
            tree = read_xml(view.body, self._version) if is_xml else read_tree(view.body)
        except MessageError:
            return None
        version = id_text(row.message_id)
        found, own = _inside(tree, kind, id_, version)
        if found is None or id_ not in (None, own, version):
            return None
        own = id_ or own
        meta: Any = found.get("meta")
        kept = meta if isinstance(meta, dict) else {}
        told = {"versionId": version, "lastUpdated": row.received_at.isoformat(timespec="milliseconds")}
        return {"resourceType": kind, "id": own} | found | {"id": own, "meta": kept | told}


def _inside(tree: Tree, kind: str, id_: str | None, version: str) -> tuple[Tree | None, str]:
    """The resource itself, or the entry of a bundle that was taken in whole; and its id here."""
    if tree.get("resourceType") == kind and id_ in (None, version, tree.get("id")):
        return tree, str(tree.get("id") or version)
    for position, entry in enumerate(tree.get("entry") or () if tree.get("resourceType") == "Bundle" else ()):
        resource = entry.get("resource") if isinstance(entry, dict) else None
        if isinstance(resource, dict) and resource.get("resourceType") == kind:
            own = str(resource.get("id") or f"{version}-{position}")
            made = f"{version}-{position}"
            if id_ in (own, made):
                return resource, str(id_)
    return None, ""


def _told(found: Tree | None) -> str:
    return f"version {found['meta']['versionId']}" if found is not None else "nothing found"
