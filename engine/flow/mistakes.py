"""Mistakes of a site's files: what has any is neither started nor deployed."""

from __future__ import annotations

from collections.abc import Sequence

from engine.channel.finding import Finding, errors_among
from engine.core.errors import ConfigurationError


def refuse_mistakes(findings: Sequence[Finding], outcome: str) -> None:
    """Of many the first one is told with its place and remedy, the others are counted; warnings pass.

    Args:
        outcome: in words, what was not done.

    Raises:
        ConfigurationError: there is an error among them.
    """
    errors = errors_among(findings)
    if not errors:
        return
    first = errors[0]
    everything = f"`isthmus lint` tells all {len(errors)}" if len(errors) > 1 else "see `isthmus lint`"
    raise ConfigurationError(
        f"{first.code} {first.text}",
        where=f"{first.file}:{first.line}:{first.column}",
        remedy=f"{first.suggestion or 'correct it'}; {everything}; {outcome}",
    )
