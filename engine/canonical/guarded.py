"""Numbers that must not be read over a shoulder: bank accounts, tax numbers that may be a person's.

They stay whole in JSON (the store encrypts it) and are masked wherever they are printed.
"""

from __future__ import annotations

from typing import Any

from pydantic import GetCoreSchemaHandler
from pydantic_core import core_schema

_SHOWN, _SHORT = 4, 8  # of a number shorter than eight, four digits would be too much of it
_LONGEST = 80


class Guarded(str):
    """A text whose `str()`, `repr()` and `format()` show the last four characters at most; equal to its plain text."""

    __slots__ = ()

    def reveal(self) -> str:
        """The number itself, for who must act with it."""
        return str.__str__(self)

    @property
    def masked(self) -> str:
        last = self.reveal()[-_SHOWN:] if len(self) >= _SHORT else ""
        return f"****{last}"

    def __str__(self) -> str:
        return self.masked

    def __repr__(self) -> str:
        return f"'{self.masked}'"

    def __format__(self, spec: str) -> str:
        return format(self.masked, spec)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        text = core_schema.str_schema(strip_whitespace=True, min_length=1, max_length=_LONGEST)
        plain = core_schema.plain_serializer_function_ser_schema(_plain, return_schema=text)
        return core_schema.no_info_after_validator_function(cls, text, serialization=plain)


def _plain(value: str) -> str:
    return str.__str__(value)
