"""How far the memory of this process grew at its highest, also for a moment and inside of C libraries."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType

_STATUS, _RESET = Path("/proc/self/status"), Path("/proc/self/clear_refs")
MIB = 1024 * 1024


class PeakMemory:
    """`with PeakMemory() as peak: …`; then `peak.grown`: bytes of RSS above what was there before."""

    grown = 0

    def __enter__(self) -> PeakMemory:
        _RESET.write_text("5")  # the mark of the highest begins anew
        self._before = _field("VmRSS")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.grown = max(0, _field("VmHWM") - self._before)


def _field(name: str) -> int:
    line = next(line for line in _STATUS.read_text().splitlines() if line.startswith(f"{name}:"))
    return int(line.split()[1]) * 1024
