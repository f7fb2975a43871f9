"""Values on Tryton's wire are exact."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.adapters.tryton.wire import created, dumps, header, loads, quantity
from engine.core.errors import DestinationError

AMOUNTS = st.decimals(min_value=-(10**9), max_value=10**9, places=6)


@given(AMOUNTS)
def test_money_survives_the_wire_digit_by_digit(amount: Decimal) -> None:
    assert loads(dumps({"amount": amount})) == {"amount": amount}


@given(st.dates())
def test_dates_survive_the_wire(day: date) -> None:
    assert loads(dumps([day])) == [day]


@given(st.decimals(min_value=0, max_value=10**9, places=4))
def test_quantities_survive_a_float_column(amount: Decimal) -> None:
    assert loads(dumps(quantity(amount))) == amount


def test_quantity_that_a_float_would_change_is_refused() -> None:
    with pytest.raises(DestinationError):
        quantity(Decimal("0.12345678901234567890"))


def test_numbers_with_a_point_never_become_floats() -> None:
    assert isinstance(loads(b'{"quantity": 0.1}')["quantity"], Decimal)


def test_small_amounts_are_written_without_an_exponent() -> None:
    assert json.loads(dumps(Decimal("0.0000001"))) == {"__class__": "Decimal", "decimal": "0.0000001"}


def test_headers_hold_the_json_in_base64() -> None:
    assert json.loads(urlsafe_b64decode(header({"company": 1}))) == {"company": 1}


def test_children_are_made_with_their_parent() -> None:
    assert created({"a": 1}, {"a": 2}) == [["create", [{"a": 1}, {"a": 2}]]]
