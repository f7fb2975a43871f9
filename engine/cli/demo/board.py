"""What people see while the day is played: a bar per door, queues, the ERP's state."""

from __future__ import annotations

import time
from collections.abc import Sequence

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from engine.cli.demo.tally import Tally
from engine.ports.operations import ChannelStatus

_BAR = 24


class Board:
    """Live in a terminal; elsewhere one line a step, so that logs stay readable; silent when told so."""

    def __init__(self, console: Console, tally: Tally, *, quiet: bool = False) -> None:
        self._console, self._tally, self._quiet = console, tally, quiet
        self._statuses: Sequence[ChannelStatus] = ()
        self._live: Live | None = None
        self._began = time.monotonic()

    def step(self, text: str) -> None:
        self._tally.step = text
        if self._quiet:
            return
        seconds = time.monotonic() - self._began
        self._console.print(f"[dim]{seconds:4.0f} s[/]  {text}")
        self._show()

    def start(self) -> None:
        if self._console.is_terminal and not self._quiet:
            self._live = Live(self._render(), console=self._console, refresh_per_second=4, transient=True)
            self._live.start()

    def stop(self) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None

    def look(self, statuses: Sequence[ChannelStatus]) -> None:
        self._statuses = statuses
        self._show()

    def _show(self) -> None:
        if self._live is not None:
            self._live.update(self._render())

    def _render(self) -> RenderableType:
        return Group(Text(), self._doors(), self._erp())

    def _doors(self) -> Table:
        table = Table(box=None, pad_edge=False, header_style="dim")
        for title, justify in (("door", "left"), ("", "left"), ("sent", "right"), ("in queue", "right")):
            table.add_column(title, justify=justify)  # type: ignore[arg-type]
        for title in ("delivered", "filtered", "held", "refused"):
            table.add_column(title, justify="right")
        known = {status.name: status for status in self._statuses}
        for channel, planned in self._tally.planned.items():
            self._row(table, channel, planned, known.get(channel))
        return table

    def _row(self, table: Table, channel: str, planned: int, status: ChannelStatus | None) -> None:
        sent = self._tally.sent[channel]
        counts = status.counts if status else {}
        queued = sum(d.queued for d in status.destinations) if status else 0
        numbers = [counts.get(state, 0) for state in ("DELIVERED", "FILTERED", "HELD", "REFUSED")]
        table.add_row(
            channel,
            ProgressBar(total=planned, completed=sent, width=_BAR),
            f"{sent}/{planned}",
            Text(str(queued), style="yellow" if queued else "dim"),
            *(Text(str(n), style=style if n else "dim") for n, style in zip(numbers, _STYLES, strict=True)),
        )

    def _erp(self) -> Text:
        down = "kill" in self._tally.erp or "starting" in self._tally.erp
        text = Text("ERP ").append(self._tally.erp, style="bold red" if down else "bold green")
        text.append(f"   orders out {self._tally.orders_out}, acknowledged {self._tally.acknowledged}", style="dim")
        return text


_STYLES = ("green", "blue", "yellow", "red")
