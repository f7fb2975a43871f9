"""Every error of the engine says what is wrong, where, and what to do, and knows its fate.

A place is written as the standard writes it (`RQD[2]-5`, `BEG03`, `channels/a.yaml:4:3`); a value never
appears, because it may be a patient's. Source: style guide, "Types, values, errors".
"""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar


class Fate(StrEnum):
    """What the caller does with an error."""

    REFUSE = "refuse"  # the sender is told; the message is kept as REFUSED
    RETRY = "retry"  # nothing is known to have arrived: try again later
    HOLD = "hold"  # a person must decide; the message waits as HELD


class IsthmusError(Exception):
    """Base of all errors: a stable `code`, a `fate`, and words for a person.

    Args:
        what: what is wrong, in words, without any value of the message.
        where: the place, as the standard or the file writes it.
        remedy: what a person can do about it.
    """

    code: ClassVar[str] = "E000"
    fate: ClassVar[Fate] = Fate.HOLD

    def __init__(self, what: str, *, where: str | None = None, remedy: str | None = None) -> None:
        self.what, self.where, self.remedy = what, where, remedy
        super().__init__(what)

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        remedy = f" ({self.remedy})" if self.remedy else ""
        return f"{self.code} {place}{self.what}{remedy}"


# ------------------------------------------------------------------ what came in
class MessageError(IsthmusError):
    """The received bytes are not a message that can be taken in."""

    code, fate = "M001", Fate.REFUSE


class FramingError(MessageError):
    """No message can be told from the bytes: the frame or envelope around it is broken."""

    code = "M002"


class SizeLimitError(MessageError):
    """Larger than the limit of the listener or source."""

    code = "M003"


class CharsetError(MessageError):
    """Bytes that are not of the declared character set; nothing is ever replaced."""

    code = "M004"


class StructureError(MessageError):
    """Segments or envelopes are missing, out of order, or counted wrongly."""

    code = "M005"


class UnacceptedTypeError(MessageError):
    """The channel's `accept:` does not list this message type."""

    code = "M006"


class ConflictError(MessageError):
    """The same natural id came with another body."""

    code = "M007"


class FieldError(IsthmusError):
    """A field is absent or not of its type."""

    code, fate = "F001", Fate.HOLD


class RequiredFieldError(FieldError):
    """A field that the transform needs is empty or absent."""

    code = "F002"


class DataTypeError(FieldError):
    """A field is there, but not a number, date or time as its type asks."""

    code = "F003"


# ------------------------------------------------------------------ money and meaning
class CurrencyMismatchError(IsthmusError):
    """Amounts of two currencies cannot be added or compared."""

    code = "D001"


class UnitMismatchError(IsthmusError):
    """Quantities of two units cannot be added without a conversion."""

    code = "D002"


class DocumentError(IsthmusError):
    """A canonical document breaks its own rules."""

    code = "D003"


class MappingMissingError(IsthmusError):
    """A crosswalk has no entry for a key; fill it in, then resend."""

    code = "D004"


class RecordOwnerError(IsthmusError):
    """A system changes a field that another system is right about, and the policies refuse that."""

    code, fate = "D005", Fate.HOLD


# ------------------------------------------------------------------ scripts
class TransformError(IsthmusError):
    """The script raised an error; the place is its line."""

    code = "S001"


class ScriptTimeLimitError(TransformError):
    """The script ran longer than `limits.time`."""

    code = "S002"


class ScriptMemoryLimitError(TransformError):
    """The script needed more memory than `limits.memory`."""

    code = "S003"


class ScriptExitError(TransformError):
    """The script tried to end its process, or its process died."""

    code = "S004"


class ScriptForbiddenError(TransformError):
    """The script reached for the network, a file to write, or another process."""

    code = "S005"


# ------------------------------------------------------------------ the far side
class TransportError(IsthmusError):
    """Not known to have arrived. `sent` tells whether bytes may have left: then the outcome is unknown.

    Args:
        retry_after: seconds the far side asked us to wait, if it did.
    """

    code, fate = "T001", Fate.RETRY

    def __init__(
        self,
        what: str,
        *,
        where: str | None = None,
        remedy: str | None = None,
        sent: bool = False,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(what, where=where, remedy=remedy)
        self.sent, self.retry_after = sent, retry_after


class StillAwaitedError(TransportError):
    """The far side took it and tells later what became of it: nothing has failed, and others go on."""

    code = "T006"


class DestinationError(IsthmusError):
    """The far side understood and refused; sending the same again will not help.

    `lacks`: kind and key of the master that it does not have yet, when that is why.
    """

    code, fate = "T002", Fate.HOLD
    lacks: tuple[str, str] | None = None


class UnknownOutcomeError(IsthmusError):
    """The far side may have acted and cannot be asked; a person must look before anything is resent."""

    code, fate = "T003", Fate.HOLD


# ------------------------------------------------------------------ the engine itself
class ConfigurationError(IsthmusError):
    """The site's files do not fit; `isthmus lint` says where."""

    code = "C000"


class ExpressionError(ConfigurationError):
    """A `filter:` or `when:` that cannot be understood; `where` is its column."""

    code = "C057"


class SecretMissingError(ConfigurationError):
    """What a secret reference names is not there."""

    code = "C900"


class StoreError(IsthmusError):
    """The journal could not be written or read; nothing is acknowledged meanwhile."""

    code, fate = "J001", Fate.RETRY


class DiskFullError(StoreError):
    """The journal's disk is full: nothing is acknowledged until there is space."""

    code = "J002"


class UnstorableError(StoreError):
    """The database refuses these very values; trying again cannot help, and nothing of them was stored."""

    code, fate = "J006", Fate.HOLD


class ChecksumError(IsthmusError):
    """A stored body differs from what was written; it is quarantined, never delivered."""

    code, fate = "J003", Fate.HOLD


class SchemaVersionError(StoreError):
    """The store was written by a newer release."""

    code = "J004"


# ------------------------------------------------------------------ people who use the console and the API
class SignInError(IsthmusError):
    """Name or password is wrong; the words never tell which."""

    code, fate = "A001", Fate.REFUSE


class LockedOutError(SignInError):
    """Too many failures in a row for this name."""

    code = "A002"


class PasswordPolicyError(SignInError):
    """A new password is too short or too common."""

    code = "A003"


class LinkError(SignInError):
    """A one-time link is unknown, used or expired; the words never tell which."""

    code = "A004"


class AccountError(SignInError):
    """An account cannot be changed so: unknown, taken name, last administrator."""

    code = "A005"


class AccessError(IsthmusError):
    """The role or the facilities of the caller do not allow this."""

    code, fate = "A010", Fate.REFUSE


class NotFoundError(IsthmusError):
    """Nothing of this name or number, or nothing that the caller may see."""

    code, fate = "A011", Fate.REFUSE


# ------------------------------------------------------------------ what operators ask for
class OperationError(IsthmusError):
    """What was asked cannot be done now, and why."""

    code, fate = "O001", Fate.REFUSE


class FencedError(StoreError):
    """Another node took over our lease: nothing of ours may be written any more."""

    code, fate = "J005", Fate.HOLD
