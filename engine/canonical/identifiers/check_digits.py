"""Check digits as pure arithmetic over characters."""

from __future__ import annotations

HIBC_CHARACTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ-. $/+%"


def gs1_check_digit(digits: str) -> str:
    """The last digit of a GTIN, GLN or SSCC whose other digits are given: weights 3 and 1 from the right.

    Finds every wrong digit, and swapped neighbours unless they differ by five. Source: GS1 General Specifications 7.9.
    """
    total = sum(int(digit) * (3 if place % 2 == 0 else 1) for place, digit in enumerate(reversed(digits)))
    return str(-total % 10)


def hibc_check_character(text: str) -> str:
    """The character behind `text`, its leading `+` included: the sum of all values modulo 43.

    Raises:
        ValueError: a character that the Health Industry Bar Code does not have.

    Source: ANSI/HIBC 2, appendix on the check character.
    """
    return HIBC_CHARACTERS[sum(HIBC_CHARACTERS.index(character) for character in text) % 43]


def dea_check_digit(digits: str) -> str:
    """The seventh digit of a DEA registration: (first, third, fifth) plus twice (second, fourth, sixth), last digit.

    Source: DEA Diversion Control, registration number format.
    """
    once, twice = digits[0:6:2], digits[1:6:2]
    return str((sum(map(int, once)) + 2 * sum(map(int, twice))) % 10)
