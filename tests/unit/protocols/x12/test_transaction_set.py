"""How scripts read a set: by the places the standard writes."""

from __future__ import annotations

import pytest

from engine.core.errors import DataTypeError, RequiredFieldError
from engine.protocols.x12 import TransactionSet, read
from tests.support import x12_samples as samples


@pytest.fixture
def order() -> TransactionSet:
    lines = (*samples.ORDER[:-1], "PO1*2*3*BX*7.10**IN*9", "SLN*1**I*2*EA>3", "CTT*2")
    return read(samples.interchange(lines)).interchanges[0].groups[0].sets[0]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("BEG03", "PO-4711"),
        ("BEG-03", "PO-4711"),
        ("PO104", "12.50"),
        ("PO1[2]-04", "7.10"),
        ("PO1[2]04", "7.10"),
        ("N104", "HM01"),
        ("SLN05-1", "EA"),
        ("SLN05.2", "3"),
        ("SLN05-3", None),
        ("BEG04", None),
        ("BEG20", None),
        ("PO1[3]-04", None),
        ("ZZZ01", None),
    ],
)
def test_place_gives_its_text_or_none(order: TransactionSet, path: str, text: str | None) -> None:
    assert order.get(path) == text


@pytest.mark.parametrize("path", ["", "BEG", "03", "beg03", "BEG3", "PO1[0]04", "PO1[x]04", "TOOLONG01"])
def test_what_is_no_place_is_refused(order: TransactionSet, path: str) -> None:
    with pytest.raises(DataTypeError):
        order.get(path)


def test_require_names_the_place_that_is_empty(order: TransactionSet) -> None:
    with pytest.raises(RequiredFieldError) as caught:
        order.require("BEG04")

    assert caught.value.where == "BEG04"


def test_set_encodes_alone_from_st_to_se(order: TransactionSet) -> None:
    data = order.encode()

    assert data.startswith(b"ST*850*0001~BEG*")
    assert data.endswith(b"~SE*11*0001~")
