"""What lint tells: one finding, with its place and what to do."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import msgspec

from engine.channel.codes import CODES


class Finding(msgspec.Struct, frozen=True, order=True):
    """One mistake. `line` and `column` count from 1; `file` is relative to the site, with forward slashes.

    `text` and `suggestion` are for people who do not program; a secret's value never stands in them.
    """

    file: str
    line: int
    column: int
    code: str
    text: str
    suggestion: str | None = None

    @property
    def severity(self) -> Literal["error", "warning"]:
        return CODES[self.code].severity

    def __str__(self) -> str:
        advice = f"; {self.suggestion}" if self.suggestion else ""
        return f"{self.file}:{self.line}:{self.column}: {self.code} {self.text}{advice}"


def errors_among(findings: Iterable[Finding]) -> list[Finding]:
    """Those that keep a channel from running; warnings left out."""
    return [finding for finding in findings if finding.severity == "error"]
