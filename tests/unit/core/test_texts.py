"""Texts that every database can keep."""

from __future__ import annotations

import pytest

from engine.core.texts import storable


@pytest.mark.parametrize("text", ["", "plain", "Größe 6½", "\U0001f489", "tab\tand\nline"])
def test_what_can_be_kept_is_left_alone(text: str) -> None:
    assert storable(text) == text


@pytest.mark.parametrize(
    ("text", "kept"), [("a\x00b", "a\u2400b"), ("a\ud800b", "a\ufffdb"), ("é\x00\udfff", "é␀\ufffd")]
)
def test_what_no_database_keeps_becomes_a_symbol(text: str, kept: str) -> None:
    assert storable(text) == kept
    assert kept.encode()
