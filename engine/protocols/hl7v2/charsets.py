"""Which character set a message is written in: MSH-18, or the channel's word against it.

Nothing is ever replaced: a byte that the declared set does not have is a `CharsetError` with its place.
Source: HL7 table 0211 (alternate character sets); an empty MSH-18 means 7-bit ASCII (MSH-18, v2.9).
"""

from __future__ import annotations

import codecs
from dataclasses import dataclass

from engine.core.errors import CharsetError
from engine.protocols.hl7v2.delimiters import STANDARD, Delimiters

_SAFE_8859 = (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 14, 15, 16)
_TABLE_0211: dict[str, str] = {
    "": "ascii",
    "ASCII": "ascii",
    "ISO IR6": "ascii",
    "UNICODE UTF-8": "utf-8",
    "UNICODE UTF-16": "utf-16",
    "UNICODE UTF-32": "utf-32",
    "UNICODE": "utf-16",
    "ISO IR14": "iso2022_jp_2",
    "ISO IR87": "iso2022_jp_2",
    "ISO IR159": "iso2022_jp_2",
    "GB 18030-2000": "gb18030",
    "KS X 1001": "euc_kr",
    "BIG-5": "big5",
    **{f"8859/{part}": f"iso8859-{part}" for part in _SAFE_8859},
}
_NOT_SUPPORTED = frozenset({"CNS 11643-1992"})
_WIDE = ("utf-16", "utf-32")
# Sets in which no byte below 0x80 is ever part of a longer character: separators can be found as bytes.
_TRANSPARENT = frozenset({"ascii", "utf-8", "euc_kr", "euc_jp", "cp1250", "cp1251", "cp1252", "koi8-r"}) | {
    f"iso8859-{part}" for part in _SAFE_8859
}


@dataclass(frozen=True, slots=True)
class Charset:
    """A Python codec and whether separators may be looked for in the bytes as received.

    Args:
        codec: name of the strict codec.
        transparent: bytes below 0x80 always stand for themselves.
        listed: the name comes from HL7 table 0211, not from common usage.
        wide: every character takes two or four bytes, line ends included.
    """

    codec: str
    transparent: bool
    listed: bool = True
    wide: bool = False

    def decode(self, piece: bytes, where: str | None = None) -> str:
        """Raises CharsetError with the place when the bytes are not of this set."""
        try:
            return piece.decode(self.codec)
        except UnicodeError:
            raise CharsetError(f"the bytes are not {self.codec}", where=where, remedy=_REMEDY) from None

    def encode(self, text: str, where: str | None = None) -> bytes:
        """Raises CharsetError with the place when this set does not have a character of the text."""
        try:
            return text.encode(self.codec)
        except UnicodeError:
            raise CharsetError(f"a character does not exist in {self.codec}", where=where) from None


_REMEDY = "let the sender declare its character set in MSH-18, or set `charset` on the channel"
ASCII, UTF8 = Charset("ascii", True), Charset("utf-8", True)
_CACHE: dict[str, Charset] = {"": ASCII, "ASCII": ASCII, "UNICODE UTF-8": UTF8}
DECLARED: dict[bytes, Charset] = {b"": ASCII, **{name.encode(): known for name, known in _CACHE.items()}}
_CACHE_LIMIT = 64


def declared_charset(msh18: bytes, delimiters: Delimiters = STANDARD) -> Charset:
    """The set that MSH-18 names; the first repetition counts, except that Japanese sets join it by ISO 2022.

    Raises:
        CharsetError: at `MSH-18`: unknown, or known but not supported here.
    """
    known = DECLARED.get(msh18)
    return _read_declaration(msh18, delimiters.repetition) if known is None else known


def _read_declaration(msh18: bytes, repetition: bytes) -> Charset:
    if not msh18.isascii():
        raise CharsetError("the name of the character set is not ASCII", where="MSH-18", remedy=_REMEDY)
    names = [name.strip() for name in msh18.decode("ascii").split(repetition.decode("ascii") or "~")]
    if _TABLE_0211.get(names[0]) == "ascii":
        shifting = [name for name in names[1:] if _TABLE_0211.get(name) == "iso2022_jp_2"]
        names = shifting or names
    return named_charset(names[0])


def named_charset(name: str, where: str = "MSH-18") -> Charset:
    """A set by its HL7 name (`8859/1`) or by a common one (`utf-8`, `windows-1252`).

    Raises:
        CharsetError: unknown or unsupported.
    """
    known = _CACHE.get(name)
    if known is None:
        known = _find(name, where)
        if len(_CACHE) < _CACHE_LIMIT:
            _CACHE[name] = known
    return known


def _find(name: str, where: str) -> Charset:
    codec = _TABLE_0211.get(name)
    if codec is not None:
        return Charset(codec, codec in _TRANSPARENT, wide=codec.startswith(_WIDE))
    if name.upper() in _NOT_SUPPORTED:
        raise CharsetError("this character set is not supported", where=where, remedy=_REMEDY)
    codec = _TABLE_0211.get(name.upper()) or _python_codec(name)
    if codec is None:
        raise CharsetError("unknown character set", where=where, remedy=_REMEDY)
    return Charset(codec, codec in _TRANSPARENT, listed=False, wide=codec.startswith(_WIDE))


def _python_codec(name: str) -> str | None:
    try:
        info = codecs.lookup(name)
    except (LookupError, ValueError):
        return None
    if not getattr(info, "_is_text_encoding", True) or info.name in _NOT_TEXT:
        return None
    return info.name


_NOT_TEXT = frozenset({"idna", "punycode", "unicode_escape", "raw_unicode_escape", "undefined", "mbcs", "oem", "utf-7"})
