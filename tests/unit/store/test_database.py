"""The store's address: what cannot be read is refused without saying what it was."""

from __future__ import annotations

import traceback

import pytest

from engine.core.errors import ConfigurationError
from engine.store.database import database

SECRET = "KANARI"


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql://user:pa@{SECRET}:rest@host/name",
        f"postgresql://user:{SECRET}@host:{SECRET}/name",
        f"mysql://user:{SECRET}@host/name",
        SECRET,
    ],
)
def test_an_address_that_cannot_be_read_is_not_shown(url: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        database(url)

    assert SECRET not in "".join(traceback.format_exception(caught.value))
    assert caught.value.remedy


def test_the_password_of_a_good_address_is_in_no_text_of_the_store() -> None:
    made = database(f"postgresql://user:{SECRET}@host:5432/name")

    assert SECRET not in repr(vars(made))
