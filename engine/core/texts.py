"""Texts that every database can keep."""

from __future__ import annotations

import re

_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


def storable(text: str) -> str:
    """The text itself, or with a symbol for what no database keeps: NUL and halves of characters (lone surrogates).

    Both come in through JSON escapes.
    """
    if text.isascii() and "\x00" not in text:
        return text
    return _LONE_SURROGATE.sub("\ufffd", text.replace("\x00", "\u2400"))
