"""Tax and bank numbers: form, and check digit where there is one. Each check says what is wrong, never the value.

Sources: IRS Publication 1635 (prefixes of EINs) and the rules of SSN and ITIN; ABA routing number policy; ISO 13616
(IBAN), ISO 9362 (BIC); VIES rules of the member states' VAT numbers.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from engine.canonical import TaxIdentifier, TaxIdentifierType

_EIN_NOT_ASSIGNED = frozenset({7, 8, 9, 17, 18, 19, 28, 29, 49, 69, 70, 78, 79, 89, 96, 97, 0})
_ITIN_GROUPS = frozenset([*range(50, 66), *range(70, 89), *range(90, 93), *range(94, 100)])
_SSN_NEVER = frozenset({0, 666})
_SSN_LAST = 899
_ABA_FIRST = frozenset([*range(13), *range(21, 33), *range(61, 73), 80])  # Federal Reserve districts and their kin
_ABA_WEIGHTS = (3, 7, 1) * 3
_IBAN_LENGTHS = {"DE": 22, "GB": 22, "FR": 27, "NL": 18, "BE": 16, "CH": 21, "AT": 20, "IE": 22, "ES": 24, "IT": 27}
_IBAN = re.compile(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}")
_BIC = re.compile(r"[A-Z]{4}[A-Z]{2}[A-Z0-9]{2}([A-Z0-9]{3})?")
_NINE = re.compile(r"[0-9]{9}")


def _plain(value: str) -> str:
    return re.sub(r"[\s.\-]", "", value).upper()


# ------------------------------------------------------------------ tax numbers
def _ein_fault(digits: str) -> str | None:
    if not _NINE.fullmatch(digits):
        return "an EIN has nine digits"
    return "no EIN begins so" if int(digits[:2]) in _EIN_NOT_ASSIGNED else None


def _ssn_fault(digits: str) -> str | None:
    if not _NINE.fullmatch(digits):
        return "an SSN has nine digits"
    area, group, serial = int(digits[:3]), int(digits[3:5]), int(digits[5:])
    never = area in _SSN_NEVER or area > _SSN_LAST or not group or not serial
    return "no SSN is numbered so" if never else None


def _itin_fault(digits: str) -> str | None:
    if not _NINE.fullmatch(digits):
        return "an ITIN has nine digits"
    return None if digits[0] == "9" and int(digits[3:5]) in _ITIN_GROUPS else "no ITIN is numbered so"


def _german(digits: str) -> bool:
    """ISO 7064, modulo 11,10."""
    product = 10
    for digit in digits[:8]:
        product = 2 * ((int(digit) + product) % 10 or 10) % 11
    return (11 - product) % 10 == int(digits[8])


def _belgian(digits: str) -> bool:
    return 97 - int(digits[:8]) % 97 == int(digits[8:])


def _british(digits: str) -> bool:
    total = sum(int(digit) * weight for digit, weight in zip(digits[:7], range(8, 1, -1), strict=True))
    rest = total + int(digits[7:9])
    return rest % 97 == 0 or (rest + 55) % 97 == 0


_VAT: dict[str, tuple[str, Callable[[str], bool]]] = {
    "DE": (r"[1-9][0-9]{8}", _german),
    "BE": (r"[01][0-9]{9}", _belgian),
    "GB": (r"[0-9]{9}", _british),
}
_VAT_ELSEWHERE = r"[A-Z0-9+*]{2,13}"


def _vat_fault(country: str, value: str) -> str | None:
    number = value.removeprefix(country)
    form, check = _VAT.get(country, (_VAT_ELSEWHERE, None))
    if not re.fullmatch(form, number):
        return "not a VAT number of its country"
    return "the check digit of the VAT number is wrong" if check is not None and not check(number) else None


def tax_fault(identifier: TaxIdentifier) -> str | None:
    """What is wrong with it; None: nothing, or its type has no rule."""
    value = _plain(identifier.value.reveal())
    if identifier.type is TaxIdentifierType.VAT:
        return _vat_fault(identifier.country.upper(), value)
    rules = {
        TaxIdentifierType.EIN: _ein_fault, TaxIdentifierType.SSN: _ssn_fault, TaxIdentifierType.ITIN: _itin_fault,
    }  # fmt: skip
    rule = rules.get(identifier.type)
    return rule(value) if rule else None


# ------------------------------------------------------------------ bank numbers
def routing_fault(value: str) -> str | None:
    digits = _plain(value)
    if not _NINE.fullmatch(digits):
        return "a routing number has nine digits"
    if int(digits[:2]) not in _ABA_FIRST:
        return "no routing number begins so"
    total = sum(int(digit) * weight for digit, weight in zip(digits, _ABA_WEIGHTS, strict=True))
    return "the check digit of the routing number is wrong" if total % 10 else None


def iban_fault(value: str) -> str | None:
    iban = _plain(value)
    if not _IBAN.fullmatch(iban) or _IBAN_LENGTHS.get(iban[:2], len(iban)) != len(iban):
        return "not the form of an IBAN"
    number = "".join(str(int(one, 36)) for one in iban[4:] + iban[:4])
    return None if int(number) % 97 == 1 else "the check digits of the IBAN are wrong"


def bic_fault(value: str) -> str | None:
    return None if _BIC.fullmatch(_plain(value)) else "not the form of a BIC"
