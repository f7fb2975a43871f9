"""Names that are like one in a list are found whatever their order and legal form; others are not."""

from __future__ import annotations

import pytest

from engine.core.errors import ConfigurationError
from engine.procure.suppliers.sanctions import CsvSanctions, screen
from tests.support.dossiers import NOON, Dossiers
from tests.support.suppliers import ANNA, POLICIES, supplier

LIST = CsvSanctions(
    "SDN", 'number-1,"ROTH, Imaginary Trading",Imaginary Roth Trade\nnumber-2,Grey Harbour Shipping Co\n'
)


@pytest.mark.parametrize(
    ("name", "entries"),
    [
        ("Grey Harbour Shipping Ltd.", ("number-2",)), ("Shipping, Grey Harbour (Holdings)", ("number-2",)),
        ("Imaginary Trading Roth", ("number-1",)), ("Grey", ()), ("Harbour Health", ()), ("Acme Medical", ()),
    ],
)  # fmt: skip
async def test_a_name_is_found_by_its_words(name: str, entries: tuple[str, ...]) -> None:
    found = await screen(supplier(name=name), LIST, NOON)

    assert (found.entries, found.is_clear) == (entries, not entries)


async def test_the_answer_moves_the_supplier_on() -> None:
    here, one = Dossiers(POLICIES), supplier()
    here.take(one, ANNA)
    here.take(await screen(one, LIST, NOON))

    assert here.decide("supplier:S1").state["screening"] == "clear"


def test_a_file_that_is_no_list_is_refused_with_its_line() -> None:
    with pytest.raises(ConfigurationError) as refused:
        CsvSanctions("SDN", "1,Name\nonly one column\n")

    assert refused.value.where == "SDN:2"
