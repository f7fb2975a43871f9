"""All channels of one engine: which revision each runs, starting, stopping, draining."""

from __future__ import annotations

import asyncio
import logging

from engine.channel.revision import model_of, revision_of
from engine.channel.site import Site
from engine.core.errors import ConfigurationError, TransportError
from engine.flow.channel_run import ChannelRun, Parts
from engine.ports.catalog import Catalog
from engine.ports.connector import Receipt, Received
from engine.ports.journal import RevisionRow

log = logging.getLogger("isthmus.flow")

KNOWN_REVISIONS = 50  # of a channel, kept runnable for messages that older revisions received


class Supervisor:
    """Runs what is deployed; a channel on disk that was never deployed is deployed at the first start."""

    def __init__(self, parts: Parts, catalog: Catalog) -> None:
        self._parts, self._catalog = parts, catalog
        self.runs: dict[str, ChannelRun] = {}
        self.notices: list[str] = []

    async def hand_over(self, channel: str, received: Received) -> Receipt:
        """Give a message to another channel's door.

        Raises:
            ConfigurationError: there is no such channel. TransportError: it is stopped: try again later.
        """
        run = self.runs.get(channel)
        if run is None:
            raise ConfigurationError(f"there is no channel '{channel}'", remedy="deploy it, or correct the name")
        if run.state == "stopped":
            raise TransportError("the channel is stopped", where=channel)
        return await run.door(received)

    # ------------------------------------------------------------------ start
    async def start(self, site: Site, *, deploy_all: bool = False) -> None:
        """Bring up every channel with its active revision.

        Args:
            deploy_all: deploy what differs on disk, as `isthmus run --deploy` does; else only new channels.
        """
        active = {row.channel: row for row in await self._parts.journal.revisions() if row.active}
        for name, model in site.channels.items():
            revision = revision_of(model, site, self._catalog)
            known = active.get(name)
            if known is None or (deploy_all and known.digest != revision.digest):
                by = "first start" if known is None else "run --deploy"
                active[name] = await self.deploy(site, name, by, None)
            elif known.digest != revision.digest:
                self.notices.append(f"{name} differs on disk from its revision {known.revision}: see `isthmus diff`")
        states = await self._parts.journal.channel_states()
        rows = [row for _, row in sorted(active.items()) if model_of(row.content).enabled]
        await asyncio.gather(*(self._bring_up(row, states.get(row.channel, "running")) for row in rows))

    async def deploy(self, site: Site, channel: str, by: str, note: str | None) -> RevisionRow:
        """Store what the channel says on disk as a new, active revision. Does not apply it."""
        revision = revision_of(site.channels[channel], site, self._catalog)
        row = RevisionRow(
            channel=channel,
            revision=0,
            digest=revision.digest,
            content=revision.content,
            deployed_at=self._parts.clock.now(),
            deployed_by=by,
            note=note,
            active=True,
        )
        return await self._parts.journal.deploy(row)

    async def _bring_up(self, row: RevisionRow, state: str) -> None:
        try:
            run = await self._run_for(row)
            await self.set_state(run, state)
        except Exception as error:  # one channel's trouble must not keep the others down
            run = self.runs.setdefault(row.channel, ChannelRun(row.channel, self._parts))
            run.state = "failed"
            run.meter.source_failed(error)

    async def _run_for(self, row: RevisionRow) -> ChannelRun:
        run = ChannelRun(row.channel, self._parts)
        for old in (await self._parts.journal.revisions(row.channel))[:KNOWN_REVISIONS]:
            run.know(old)
        await run.apply(row)
        run.transformer.recover()
        self.runs[row.channel] = run
        return run

    async def apply(self, row: RevisionRow) -> None:
        """A running engine goes over to a revision that was just made active; other channels do not notice."""
        run = self.runs.get(row.channel)
        if run is None or run.model is None:
            await self._bring_up(row, "running")
        else:
            await run.apply(row)

    async def set_state(self, run: ChannelRun, state: str) -> None:
        if state == "running":
            await run.start()
        elif state == "paused":
            if run.state == "stopped":
                await run.start()
            run.pause()
        else:
            await run.stop()

    # ------------------------------------------------------------------ end
    async def drain(self, seconds: float) -> bool:
        """Receive nothing more and finish what is under way; True when all of it was finished in time.

        What is queued for later stays in the journal.
        """
        await asyncio.gather(*(run.stop_source() for run in self.runs.values()))
        try:
            async with asyncio.timeout(seconds):
                while not all(run.quiet for run in self.runs.values()):
                    await asyncio.sleep(0.02)
        except TimeoutError:
            for run in self.runs.values():
                if not run.quiet:
                    log.warning("channel %s is still busy: %s", run.name, run.business())
            return False
        return True

    async def close(self, seconds: float = 10.0) -> None:
        """`seconds`: how long sends under way may take to end."""
        await asyncio.gather(*(run.close(seconds) for run in self.runs.values()))
