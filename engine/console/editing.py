"""A body in a text area and back: what was not edited comes back byte for byte, or editing is not offered."""

from __future__ import annotations

from engine.console.segments import decode

EDIT_LIMIT = 1024**2
_ENDINGS = ("\r\n", "\r", "\n")


def to_text(body: bytes) -> tuple[str, str] | None:
    """Text with `\\n` line ends, and its `style` (`utf-8:\\r`) for `to_bytes`; None when it cannot be edited safely."""
    text, charset = decode(body)
    if text is None or len(body) > EDIT_LIMIT:
        return None
    for ending in _ENDINGS:
        shown = text.replace(ending, "\n")
        if "\r" not in shown and shown.replace("\n", ending) == text:
            return shown, f"{charset}:{_ENDINGS.index(ending)}"
    return None


def to_bytes(text: str, style: str) -> bytes:
    """The edited body. Browsers send `\\r\\n` for every line end of a text area.

    Raises:
        ValueError: the style is not one of ours, or a character is not in the body's charset.
    """
    charset, _, ending = style.partition(":")
    if charset not in {"utf-8", "latin-1"} or ending not in {"0", "1", "2"}:
        raise ValueError("unknown style")
    return text.replace("\r\n", "\n").replace("\n", _ENDINGS[int(ending)]).encode(charset)
