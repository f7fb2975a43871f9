"""Typed reading, shared by messages (`"PID-3.1"`) and segments (`5`, `"5.1"`)."""

from __future__ import annotations

import datetime as dt
from abc import abstractmethod
from collections.abc import Callable
from decimal import Decimal
from typing import Final, Generic, TypeVar, overload

from engine.core.errors import DataTypeError, RequiredFieldError
from engine.protocols.hl7v2 import datatypes

NULL: Final = '""'
"""What `get` returns for the HL7 null: the sender says that the value is to be deleted."""

Place = TypeVar("Place", contravariant=True)
Default = TypeVar("Default")


class _Required:
    """Marks that no default was given."""


_REQUIRED: Final = _Required()


class Reading(Generic[Place]):
    """Values by place. Without a default an absent, empty or null value is a RequiredFieldError.

    Every method raises DataTypeError for a value of another form, CharsetError for bytes of another character
    set and FieldError for a place that is not one; all name the place and never the value.
    """

    __slots__ = ()

    @abstractmethod
    def get(self, place: Place) -> str | None:
        """The text with escapes decoded; None when absent or empty, `NULL` for the HL7 null."""

    @abstractmethod
    def where(self, place: Place) -> str:
        """The place in full, for errors: `RQD[2]-5`."""

    @abstractmethod
    def _default_zone(self) -> dt.tzinfo | None: ...

    def require(self, place: Place) -> str:
        text = self.get(place)
        if text is None or text == NULL:
            raise RequiredFieldError("a required value is missing", where=self.where(place))
        return text

    def _typed(self, place: Place, default: object, convert: Callable[[str], object]) -> object:
        """The converted value, or the default. The place is worked out only for an error: it costs a search."""
        text = self.require(place) if default is _REQUIRED else self.get(place)
        if text is None or text == NULL:
            return default
        try:
            return convert(text)
        except DataTypeError as error:
            raise DataTypeError(error.what, where=self.where(place), remedy=error.remedy) from None

    @overload
    def integer(self, place: Place) -> int: ...
    @overload
    def integer(self, place: Place, default: Default) -> int | Default: ...
    def integer(self, place: Place, default: object = _REQUIRED) -> object:
        """NM or SI without a fraction."""
        return self._typed(place, default, datatypes.read_integer)

    @overload
    def number(self, place: Place) -> Decimal: ...
    @overload
    def number(self, place: Place, default: Default) -> Decimal | Default: ...
    def number(self, place: Place, default: object = _REQUIRED) -> object:
        """NM, exact."""
        return self._typed(place, default, datatypes.read_number)

    @overload
    def date(self, place: Place) -> dt.date: ...
    @overload
    def date(self, place: Place, default: Default) -> dt.date | Default: ...
    def date(self, place: Place, default: object = _REQUIRED) -> object:
        """DT, or the day of a DTM."""
        return self._typed(place, default, datatypes.read_date)

    @overload
    def moment(self, place: Place, *, zone: dt.tzinfo | None = None) -> dt.datetime: ...
    @overload
    def moment(self, place: Place, default: Default, *, zone: dt.tzinfo | None = None) -> dt.datetime | Default: ...
    def moment(self, place: Place, default: object = _REQUIRED, *, zone: dt.tzinfo | None = None) -> object:
        """DTM as aware UTC. Its own offset counts first, then MSH-7's, then `zone`, then the channel's."""
        return self._typed(
            place,
            default,
            lambda text: datatypes.read_moment(text, None, self._message_zone() or zone or self._default_zone()),
        )

    @abstractmethod
    def _message_zone(self) -> dt.tzinfo | None: ...

    @overload
    def time(self, place: Place) -> dt.time: ...
    @overload
    def time(self, place: Place, default: Default) -> dt.time | Default: ...
    def time(self, place: Place, default: object = _REQUIRED) -> object:
        """TM."""
        return self._typed(place, default, datatypes.read_time)
