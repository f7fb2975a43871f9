"""Values by path, typed: the same words for every format that names its values by path."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

from engine.core.errors import DataTypeError, RequiredFieldError


class ByPath:
    """For what has `get`. Raises, with the path: RequiredFieldError: no value; DataTypeError: not of the type."""

    __slots__ = ()

    def get(self, path: str) -> str | None:
        """The value as text; None when absent."""
        raise LookupError(path)

    def require(self, path: str) -> str:
        value = self.get(path)
        if value is None or not value.strip():
            raise RequiredFieldError("a value is required", where=path)
        return value

    def number(self, path: str) -> Decimal:
        try:
            return Decimal(self.require(path))
        except InvalidOperation:
            raise DataTypeError("not a number", where=path) from None
