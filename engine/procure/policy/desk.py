"""Revisions of the policies: deployed from the site, gone back to, told apart; kept beside the documents they decide.

A revision is never changed; going back adds one. What is open is decided anew by each new revision; what people did
before is judged by the one that held then.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Awaitable, Callable, Iterator
from itertools import pairwise

import msgspec
from pydantic import ValidationError

from engine.channel.policies import PARTS, Past, Policies
from engine.core.clock import Clock, from_micros, to_micros
from engine.core.errors import NotFoundError, OperationError, StoreError
from engine.ports.journal import RevisionRow
from engine.ports.operations import ChannelDiff
from engine.ports.procure import Change, Record, Records
from engine.procure.policies import ACTIVE, ACTIVE_DOSSIER

NAME = "policies"  # where channels have theirs
_TRIES = 5


class _Kept(msgspec.Struct, frozen=True):
    """As it is stored. `policies` is the canonical JSON of all parts."""

    digest: str
    note: str | None
    policies: str


class PolicyDesk:
    """`current` is what deciders get. Until `start` these are the usual values."""

    def __init__(self, records: Records, clock: Clock) -> None:
        self._records, self._clock = records, clock
        self.current = Policies()
        self.reconsider: Callable[[], Awaitable[int]] | None = None

    async def start(self, on_disk: Policies) -> str | None:
        """Go on with what was deployed; the first time with what is on disk. Returns a notice when they differ."""
        active = await self._active()
        if active is None:
            await self.deploy(on_disk, "engine", None)
            return None
        try:
            self.current = Policies.model_validate_json(active.policies).after(await self._past())
        except ValidationError:
            await self.deploy(on_disk, "engine", "the deployed policies are of another release")
            return "the deployed policies did not fit this release: those on disk were deployed"
        if self.current.digest != on_disk.digest:
            return "policies differ on disk from what is deployed: see `isthmus diff`"
        return None

    async def deploy(self, policies: Policies, who: str, note: str | None) -> RevisionRow | None:
        """None: they are active already.

        Raises:
            StoreError: it could not be kept; nothing changed.
        """
        active = await self._active()
        if active is not None and active.digest == policies.digest:
            return None
        await self._keep(_Kept(policies.digest, note, policies.content), who)
        self.current = policies.after(await self._past())
        if self.reconsider is not None:
            await self.reconsider()
        return (await self.history())[-1]

    async def rollback(self, revision: int | None, who: str, note: str | None) -> RevisionRow:
        """Back to a revision; to the one before when none is named.

        Raises:
            NotFoundError: nothing was deployed. OperationError: there is no such revision.
        """
        rows = await self.history()
        if not rows:
            raise NotFoundError("no policies are deployed")
        wanted = rows[-1].revision - 1 if revision is None else revision
        target = next((row for row in rows if row.revision == wanted), None)
        if target is None:
            raise OperationError(f"the policies have no revision {wanted}", remedy="see `isthmus history policies`")
        policies = Policies.model_validate_json(target.content)
        done = await self.deploy(policies, who, f"back to revision {wanted}" + (f": {note}" if note else ""))
        return done or rows[-1]

    async def history(self) -> list[RevisionRow]:
        """Oldest first; the last one is active."""
        found = await self._records.versions(ACTIVE)
        return [_row(record, active=record is found[-1]) for record in found]

    async def diff(self, on_disk: Policies) -> ChannelDiff | None:
        """What deploying would change; None: neither are any deployed nor on disk."""
        rows, usual = await self.history(), Policies().digest
        if on_disk.digest == usual and all(row.digest == usual for row in rows[-1:]):
            return None
        if not rows:
            return ChannelDiff(NAME, "new", None, [], [f"{NAME} decide from now on"])
        if rows[-1].digest == on_disk.digest:
            return ChannelDiff(NAME, "same", rows[-1].revision, [], [])
        before, after = json.loads(rows[-1].content), json.loads(on_disk.content)
        parts = [part for part in PARTS if before.get(part) != after.get(part)]
        effects = [f"{part} change; what is open is decided by them" for part in parts]
        lines = [line for part in parts for line in _lines(part, before.get(part), after.get(part))]
        return ChannelDiff(NAME, "changed", rows[-1].revision, lines, effects)

    # -------------------------------------------------------------- the store
    async def _active(self) -> _Kept | None:
        found = await self._records.versions(ACTIVE)
        return msgspec.json.decode(found[-1].body, type=_Kept) if found else None

    async def _past(self) -> list[Past]:
        """What held before what is active: people are judged by what held when they acted."""
        rows = [_row(one, active=False) for one in await self._records.versions(ACTIVE)]
        return [Past(after.deployed_at, row.content.decode()) for row, after in pairwise(rows)]

    async def _keep(self, kept: _Kept, who: str) -> None:
        for _ in range(_TRIES):
            dossier = await self._records.load(ACTIVE_DOSSIER)
            at = to_micros(self._clock.now())
            number = len(dossier.records) + 1
            record = Record(ACTIVE.kind, ACTIVE.key, number, msgspec.json.encode(kept), at, None, who)
            change = Change(ACTIVE_DOSSIER, dossier.revision, at, (record,), b"{}")
            if await self._records.save(change):
                return
        raise StoreError("the policies were deployed by somebody else meanwhile", remedy="try again")


def _row(record: Record, *, active: bool) -> RevisionRow:
    kept = msgspec.json.decode(record.body, type=_Kept)
    return RevisionRow(
        channel=NAME,
        revision=record.version,
        digest=kept.digest,
        content=kept.policies.encode(),
        deployed_at=from_micros(record.at_micros),
        deployed_by=record.who or "",
        note=kept.note,
        active=active,
    )


def _lines(part: str, before: object, after: object) -> Iterator[str]:
    old, new = (json.dumps(one, indent=2, ensure_ascii=False, sort_keys=True).splitlines() for one in (before, after))
    return difflib.unified_diff(old, new, f"deployed/{part}", f"disk/{part}", lineterm="")
