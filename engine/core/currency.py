"""How many decimals an amount of a currency has. Source: ISO 4217."""

from __future__ import annotations

_MINOR_PLACES = {"JPY": 0, "KRW": 0, "CLP": 0, "ISK": 0, "BHD": 3, "KWD": 3, "OMR": 3, "JOD": 3, "TND": 3}


def minor_places(currency: str) -> int:
    """Decimals of the currency's minor unit: 2 for USD, none for JPY."""
    return _MINOR_PLACES.get(currency, 2)
