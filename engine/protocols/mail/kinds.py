"""Which parts of a mail nobody can or should take: encrypted ones, Outlook's own wrapping, programs."""

from __future__ import annotations

from engine.core.errors import MessageError, StructureError

_ENCRYPTED = frozenset({"multipart/encrypted", "application/pkcs7-mime", "application/x-pkcs7-mime"})
_TNEF = frozenset({"application/ms-tnef", "application/vnd.ms-tnef"})
_PROGRAMS = (
    *("app", "bat", "cmd", "com", "cpl", "dll", "exe", "gadget", "hta", "jar", "js", "jse", "lnk", "msc", "msi", "msp"),
    *("ps1", "pif", "reg", "scr", "sh", "svg", "vb", "vbe", "vbs", "wsf"),
)
_DISKS = ("img", "iso", "vhd")
_WITH_MACROS = ("docm", "dotm", "pptm", "xlam", "xlsm")
_ENDINGS = frozenset((*_PROGRAMS, *_DISKS, *_WITH_MACROS))
_MAGIC = (
    b"MZ",
    b"\x7fELF",
    b"#!",
    b"\xca\xfe\xba\xbe",
    b"\xfe\xed\xfa",
    b"\xcf\xfa\xed\xfe",
    b"L\x00\x00\x00\x01\x14\x02",
)


class FileRefusedError(MessageError):
    """A file of a kind that is never taken in by mail: a program, or a document with one inside."""

    code = "M009"


def refuse_kind(media_type: str, disposition: str, place: str) -> None:
    """
    Raises:
        StructureError: what is in the part cannot be read, and what its sender can do.
    """
    if media_type in _ENCRYPTED:
        raise StructureError(
            "the mail is encrypted, or signed around its content", where=f"part {place}", remedy="ask for it as it is"
        )
    if media_type in _TNEF:
        raise StructureError(
            "the mail is in Outlook's own format (winmail.dat)",
            where=f"part {place}",
            remedy="ask the sender to write to this address in plain text or HTML",
        )


def looks_executable(name: str, body: bytes) -> bool:
    """By ending or by the first bytes, whatever the mail calls it."""
    return name.rpartition(".")[2].lower() in _ENDINGS or body.startswith(_MAGIC)
