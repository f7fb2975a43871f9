"""Wildcards that cannot be made slow: `*` any text, `?` one character, `#` one digit."""

from __future__ import annotations


def wildcard_match(pattern: str, text: str) -> bool:
    """Tell whether the whole text fits. At most `len(pattern) * len(text)` steps: only the last `*` is tried again."""
    at = star = 0
    here, retry = 0, -1
    while here < len(text):
        if at < len(pattern) and pattern[at] == "*":
            star, retry = at, here
            at += 1
        elif at < len(pattern) and _fits(pattern[at], text[here]):
            at, here = at + 1, here + 1
        elif retry >= 0:
            retry += 1
            at, here = star + 1, retry
        else:
            return False
    return all(sign == "*" for sign in pattern[at:])


def _fits(sign: str, character: str) -> bool:
    return sign in ("?", character) or (sign == "#" and character in "0123456789")
