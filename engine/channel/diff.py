"""The site on disk against what is deployed, as lines and in words about what deploying would do."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator, Mapping
from pathlib import PurePath
from typing import Any

from engine.channel.revision import revision_of
from engine.channel.site import Site
from engine.ports.catalog import Catalog
from engine.ports.journal import RevisionRow
from engine.ports.operations import ChannelDiff

Content = Mapping[str, Any]


def channel_diff(name: str, site: Site, active: RevisionRow | None, catalog: Catalog) -> ChannelDiff:
    """What deploying this channel would change. `active` None: it was never deployed."""
    number = active.revision if active else None
    before: Content | None = json.loads(active.content) if active else None
    if name not in site.channels:
        return _not_on_disk(name, site, number)
    revision = revision_of(site.channels[name], site, catalog)
    after: Content = json.loads(revision.content)
    if active is not None and active.digest == revision.digest:
        return ChannelDiff(name, "same", number, [], [])
    if before is None:
        return ChannelDiff(name, "new", None, list(_lines({}, after)), [f"channel {name} starts"])
    return ChannelDiff(name, "changed", number, list(_lines(before, after)), list(effects(before, after)))


def _not_on_disk(name: str, site: Site, number: int | None) -> ChannelDiff:
    """Removed; or its file is there and has a mistake, which must not look like a removal."""
    file = next((one.path for one in site.files if one.model is None and PurePath(one.path).stem == name), None)
    if file is None:
        gone = "the channel is gone from disk; it keeps running until it is stopped"
        return ChannelDiff(name, "removed", number, [], [gone])
    mistake = next((str(one) for one in site.errors if one.file == file), file)
    kept = f"the file has a mistake, so the channel stays as it is deployed: {mistake}"
    return ChannelDiff(name, "unreadable", number, [], [kept])


def revision_lines(before: RevisionRow, after: RevisionRow) -> list[str]:
    """Unified diff of two stored revisions."""
    return list(_lines(json.loads(before.content), json.loads(after.content)))


def _lines(before: Content, after: Content) -> Iterator[str]:
    for part in ("channel", "script", "lookups", "dated_lookups"):
        old, new = _text(before.get(part)), _text(after.get(part))
        yield from difflib.unified_diff(old, new, f"deployed/{part}", f"disk/{part}", lineterm="")


def _text(part: Any) -> list[str]:
    if part is None:
        return []
    text = part if isinstance(part, str) else json.dumps(part, indent=2, ensure_ascii=False, sort_keys=True)
    return text.splitlines()


def effects(before: Content, after: Content) -> Iterator[str]:
    """In words: what restarts, what is added, what a message will meet."""
    old, new = before["channel"], after["channel"]
    if old["source"] != new["source"]:
        yield f"the source restarts: {_changed(old['source'], new['source'])}"
    yield from _destinations(old["destinations"], new["destinations"])
    if before["script"] != after["script"]:
        yield f"the transform script changed: {_count(before['script'], after['script'])} lines"
    if before["lookups"] != after["lookups"]:
        yield f"lookups changed: {', '.join(_rows(before['lookups'], after['lookups']))}"
    dated, dated_now = before.get("dated_lookups", {}), after.get("dated_lookups", {})
    if dated != dated_now:
        yield f"lookups by date changed: {', '.join(_rows(dated, dated_now))}"
    for key in sorted(set(old) - {"source", "destinations"}):
        if old[key] != new.get(key):
            yield f"{key} changes from {old[key]!r} to {new.get(key)!r}"
    yield "messages under way finish on the revision that received them"


def _destinations(old: list[Content], new: list[Content]) -> Iterator[str]:
    before, after = {d["name"]: d for d in old}, {d["name"]: d for d in new}
    for name in [*after, *(before.keys() - after.keys())]:
        if name not in before:
            yield f"destination {name} is added"
        elif name not in after:
            yield f"destination {name} is removed; what is queued for it stays queued until it is back"
        elif before[name] != after[name]:
            yield f"destination {name} changes: {_changed(before[name], after[name])}"


def _changed(old: Content, new: Content) -> str:
    flat_old, flat_new = dict(_flat(old)), dict(_flat(new))
    keys = sorted(k for k in flat_old.keys() | flat_new.keys() if flat_old.get(k) != flat_new.get(k))
    return "; ".join(f"{key} from {flat_old.get(key)!r} to {flat_new.get(key)!r}" for key in keys[:5])


def _flat(value: Content, prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, item in value.items():
        name = f"{prefix}{key}"
        if isinstance(item, dict):
            yield from _flat(item, "" if key == "settings" else f"{name}.")
        else:
            yield name, item


def _count(old: str | None, new: str | None) -> int:
    lines = difflib.ndiff((old or "").splitlines(), (new or "").splitlines())
    return sum(line.startswith(("+ ", "- ")) for line in lines)


def _rows(old: Mapping[str, Content], new: Mapping[str, Content]) -> list[str]:
    found = []
    for name in sorted(old.keys() | new.keys()):
        before, after = old.get(name, {}), new.get(name, {})
        count = sum(before.get(k) != after.get(k) for k in before.keys() | after.keys())
        if count:
            found.append(f"{name} ({count} row{'s' if count > 1 else ''})")
    return found
