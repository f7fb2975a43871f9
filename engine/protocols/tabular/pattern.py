"""Patterns of values that cannot run away: a part of regular expressions, of bounded work.

Allowed are characters, `.`, classes, `\\d \\w \\s` and their opposites, `^ $`, groups with `|` that are not repeated,
and `? * + {m,n}` behind a single character or class. The work for one value is bounded by the product of how often
each can repeat, so that product is limited, as is the value's length.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

LONGEST_VALUE = 200
"""Characters of a value that a pattern is held against; a longer one does not fit."""
_MOST_WAYS = LONGEST_VALUE**3
_SET_SIGNS = re.compile(r"--|&&|\|\||~~")
_PART = re.compile(
    r"(?P<single>\\[dDwWsS.\\/^$|()\[\]{}*+?-]|\[\^?\]?(?:\\.|[^\]\\\[])*\]|[^\\\[\]{}()*+?|])"
    r"|(?P<open>\((?!\?))|(?P<close>\))|(?P<bar>\|)"
    r"|(?P<repeat>[?*+]|\{\d{1,3}(?:,\d{0,3})?\})"
)


def check_pattern(pattern: str) -> None:
    """Raises ValueError: not such a pattern; in words for the one who wrote it."""
    before, ways, at = "", 1, 0
    while at < len(pattern):
        match = _PART.match(pattern, at)
        if match is None:
            raise ValueError(f"a pattern cannot hold what stands at character {at + 1}")
        kind = match.lastgroup or ""
        if match[0].startswith("[") and _SET_SIGNS.search(match[0]):
            raise ValueError("a class holds one of -- && || ~~, which may get another meaning; write one of them")
        if kind == "repeat":
            _check_repeat(before, match[0])
            ways *= _ways(match[0])
            if ways > _MOST_WAYS:
                raise ValueError("the pattern has too many parts that may repeat; write how often, as in {1,8}")
        before, at = kind, match.end()
    try:
        re.compile(pattern)
    except (re.error, OverflowError):
        raise ValueError("not a pattern; check brackets and braces") from None


def _check_repeat(before: str, sign: str) -> None:
    if before == "close" and sign != "?":
        raise ValueError("a group must not repeat; write its parts out")
    if before not in ("single", "close"):
        raise ValueError(f"nothing stands before {sign} that could repeat")


def _ways(sign: str) -> int:
    if sign == "?":
        return 2
    if sign in "*+":
        return LONGEST_VALUE
    least, comma, most = sign[1:-1].partition(",")
    if not comma:
        return 1
    return max(1, (int(most) if most else LONGEST_VALUE) - int(least) + 1)


@lru_cache(maxsize=512)
def matcher(pattern: str) -> Callable[[str], bool]:
    """Tells whether a whole value fits. Raises ValueError as `check_pattern`."""
    check_pattern(pattern)
    fits = re.compile(pattern).fullmatch
    return lambda value: len(value) <= LONGEST_VALUE and fits(value) is not None
