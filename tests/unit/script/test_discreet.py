"""A reason keeps the script's words and loses the message's."""

from __future__ import annotations

import pytest

from engine.ports.connector import Reason
from engine.script.discreet import discreet

BODY = b"MSH|^~\\&|EHR\rPID|1||7133585900|x|QZDGPNPSG^Anna||(715)555-7693\rFT1|1|||02720031|128.00\r"
SCRIPT = 'raise DocumentError(f"no visit for {name}: {total}", where=ft1.where(11), remedy=f"call {phone}")'


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("no visit for QZDGPNPSG", "no visit for …"),
        ("no visit for Qzdgpnpsg", "no visit for …"),
        ("no visit for 7133585900: 64.25", "no visit for …: 64.25"),
        ("call (715)555-7693", "call (…)…-…"),
        ("no visit", "no visit"),
    ],
)
def test_values_of_the_message_are_taken_out_of_the_words(text: str, kept: str) -> None:
    assert discreet(Reason("D003", text, None, None), SCRIPT, BODY).text == kept


@pytest.mark.parametrize("where", ["FT1[1]-11", "PID-3.1, transforms/book.py:29", "BEG03", "MSH-9"])
def test_places_stay(where: str) -> None:
    assert discreet(Reason("D003", "no visit", where, None), SCRIPT, BODY).where == where


def test_a_value_in_the_place_or_the_remedy_is_taken_out_too() -> None:
    found = discreet(Reason("D003", "no visit", "PID-5 QZDGPNPSG", "call Anna"), SCRIPT, BODY)

    assert (found.where, found.remedy) == ("PID-5 …", "call …")


def test_other_character_sets_are_read_too() -> None:
    assert (
        discreet(Reason("D003", "not ours: Müller", None, None), SCRIPT, "PID|Müller".encode("latin-1")).text
        == "not ours: …"
    )
