"""What can be wrong with an AS2 message, and the word for it in its receipt. Source: RFC 4130 § 7.5."""

from __future__ import annotations

from enum import StrEnum

from engine.core.errors import MessageError


class Modifier(StrEnum):
    """The part of a disposition behind its slash and colon."""

    AUTHENTICATION = "authentication-failed"
    DECRYPTION = "decryption-failed"
    DECOMPRESSION = "decompression-failed"
    INTEGRITY = "integrity-check-failed"
    INSUFFICIENT = "insufficient-message-security"
    UNEXPECTED = "unexpected-processing-error"
    UNSUPPORTED_FORMAT = "unsupported format"
    UNSUPPORTED_MIC = "unsupported MIC-algorithms"
    DUPLICATE = "duplicate-document"


class As2Error(MessageError):
    """An AS2 message cannot be opened, or is not secured as agreed with its sender."""

    code = "M020"

    def __init__(self, what: str, modifier: Modifier, *, where: str | None = None, remedy: str | None = None) -> None:
        super().__init__(what, where=where, remedy=remedy)
        self.modifier = modifier
