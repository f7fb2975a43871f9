"""Words of a script for people, with the message's own values taken out of them.

A reason stands in logs and lists, which show no values (style guide, "Types, values, errors"; acceptance 55). Analysts
write `Filtered(f"not ours: {name}")` all the same. What the script's text says is kept, and so are places and figures
that it worked out; what stands in the message becomes `…`, and the place is enough to look it up.
"""

from __future__ import annotations

import re

from engine.ports.connector import Reason

HIDDEN = "…"
_WORD = re.compile(r"\w+")
# RQD[2]-5, PID-3.1, BEG03, PO1[2]04, transforms/x.py:12
_PLACE = re.compile(
    r"\b[A-Z][A-Z0-9]{1,2}(?:\[\d+\])?-\d+(?:\[\d+\])?(?:\.\d+)*\b|\b[A-Z][A-Z0-9]{1,2}\d\d\b|\btransforms/\w+\.py:\d+"
)
_SHORTEST = 3  # characters; fewer name nobody, and stand in every message


def discreet(reason: Reason, script: str, body: bytes) -> Reason:
    """The reason without words that come from the message."""
    parts = (reason.text, reason.where, reason.remedy)
    if all(part is None or part in script for part in parts):
        return reason  # all of it is written in the script
    message = f"{body.decode('utf-8', 'replace')}\n{body.decode('latin-1')}".casefold()
    text, where, remedy = (_without(part, script, message) for part in parts)
    return Reason(reason.code, text or "", where, remedy)


def _without(text: str | None, script: str, message: str) -> str | None:
    if text is None:
        return None
    places = [found.span() for found in _PLACE.finditer(text)]

    def word(found: re.Match[str]) -> str:
        one = found[0]
        if len(one) < _SHORTEST or any(a <= found.start() and found.end() <= b for a, b in places):
            return one
        return one if one in script or one.casefold() not in message else HIDDEN

    return _WORD.sub(word, text)
