"""The partners that a running engine knows, and what a deployment makes of them."""

from __future__ import annotations

from datetime import timedelta

from engine.channel.partner import Partner
from engine.flow.partner_book import PartnerBook

HOUR = timedelta(hours=1)


def partner(name: str, **more: object) -> Partner:
    facts = {"partner": name, "isa_qualifier": "ZZ", "isa_id": name.upper(), "our_isa_id": "HARBOR"}
    return Partner.model_validate({**facts, **more})


def test_whoever_was_given_the_mappings_sees_what_is_deployed() -> None:
    book = PartnerBook({"ridge": partner("ridge")})
    known, deadlines = book.known, book.deadlines
    book.take({"lake": partner("lake", acknowledge_within="1h"), "mute": partner("mute", answers_with="none")})

    assert (set(known), deadlines) == ({"lake", "mute"}, {"lake": HOUR})


def test_nothing_differs_once_it_is_deployed() -> None:
    book = PartnerBook({})
    book.take({"lake": partner("lake")})

    assert book.diff({"lake": partner("lake")}) is None


def test_each_change_is_told_in_words_and_in_lines() -> None:
    book = PartnerBook({"ridge": partner("ridge"), "lake": partner("lake")})
    found = book.diff({"lake": partner("lake", version="005010"), "hill": partner("hill")})

    assert found is not None
    assert [effect.split(":")[0] for effect in found.effects] == [
        "partner hill is new",
        "partner lake changes",
        "partner ridge goes",
    ]
    assert '+  "version": "005010"' in found.lines
