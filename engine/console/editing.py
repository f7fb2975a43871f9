"""A body in a text area and back: what was not edited comes back byte for byte, or editing is not offered."""

from __future__ import annotations

from engine.console.segments import decode

EDIT_LIMIT = 1024**2
_ENDINGS = ("\r\n", "\r", "\n")
_UNBROKEN = len(_ENDINGS)  # X12 without line ends: shown with one after each segment
_ISA_LENGTH = 106


def to_text(body: bytes) -> tuple[str, str] | None:
    """Text with `\\n` line ends, and its `style` for `to_bytes`; None when it cannot be edited safely."""
    text, charset = decode(body)
    if text is None or len(body) > EDIT_LIMIT:
        return None
    if text.startswith("ISA") and len(text) >= _ISA_LENGTH and not set(text) & {"\r", "\n"}:
        terminator = text[_ISA_LENGTH - 1]
        return text.replace(terminator, f"{terminator}\n"), f"{charset}:{_UNBROKEN}"
    for number, ending in enumerate(_ENDINGS):
        shown = text.replace(ending, "\n")
        if "\r" not in shown and shown.replace("\n", ending) == text:
            return shown, f"{charset}:{number}"
    return None


def to_bytes(text: str, style: str) -> bytes:
    """The edited body. Browsers send `\\r\\n` for every line end of a text area.

    Raises:
        ValueError: the style is not one of ours, or a character is not in the body's charset.
    """
    charset, _, number = style.partition(":")
    if charset not in {"utf-8", "latin-1"} or number not in {"0", "1", "2", "3"}:
        raise ValueError("unknown style")
    ending = (*_ENDINGS, "")[int(number)]
    return text.replace("\r\n", "\n").replace("\n", ending).encode(charset)
