"""A trading partner's file: numbers with a check digit are right, and ids are of the list that they say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from engine.channel.load import load_site
from engine.channel.partner import Partner

FACTS = {"partner": "ridge", "isa_qualifier": "ZZ", "isa_id": "RIDGE", "our_isa_id": "HARBORHEALTH"}


def partner(**facts: Any) -> Partner:
    return Partner(**{**FACTS, **facts})


def test_numbers_are_kept_without_blanks_and_hyphens() -> None:
    found = partner(gln="0614141 00001 2", duns="08-021-4466", hin="1mk9nr7f1", dea="AB1234563", uei="ZQGGHJH74DW7")

    assert (found.gln, found.duns, found.hin) == ("0614141000012", "080214466", "1MK9NR7F1")


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"gln": "0614141000013"}, "the check digit of the GLN is wrong"),
        ({"dea": "AB1234564"}, "the check digit of the DEA number is wrong"),
        ({"duns": "12345"}, "not of the shape of a DUNS number"),
        ({"uei": "0QGGHJH74DW7"}, "not of the shape of a UEI"),
        ({"isa_qualifier": "01"}, "isa_id is not of the shape of a DUNS number"),
        ({"our_isa_qualifier": "07"}, "our_isa_id is not the digits of a GLN"),
        ({"isa_qualifier": "01", "isa_id": "080214466", "duns": "080214467"}, "differs from the number"),
    ],
)
def test_a_wrong_number_is_told_with_its_remedy_and_without_its_digits(facts: dict[str, str], words: str) -> None:
    with pytest.raises(ValidationError) as error:
        partner(**facts)

    assert words in str(error.value)
    assert all(text not in str(error.value) for text in facts.values() if len(text) > 2)


def test_lint_names_the_line_of_a_wrong_gln(tmp_path: Path) -> None:
    folder = tmp_path / "config" / "partners"
    folder.mkdir(parents=True)
    lines = [f'{name}: "{value}"' for name, value in FACTS.items()] + ['gln: "0614141000013"']
    (folder / "ridge.yaml").write_text("\n".join(lines) + "\n")

    found = [one for one in load_site(tmp_path).errors if one.file == "config/partners/ridge.yaml"]

    assert [one.line for one in found] == [5]
    assert "check digit" in found[0].text


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"sets": {"from_them": ["999", "811"]}}, "there is no set of this number"),
        ({"overlays": [{"set": "811", "at": "REF", "need": "required"}]}, "there is no set of this number"),
        ({"overlays": [{"set": "810", "at": "reference", "need": "required"}]}, "not a segment or element"),
        ({"overlays": [{"set": "810", "at": "SAC", "codes": ["A"]}]}, "codes belong to one element"),
        ({"overlays": [{"set": "810", "at": "BIG07", "codes": ["DI"], "need": "required"}]}, "an overlay says one"),
        ({"overlays": [{"set": "810", "at": "BIG07"}]}, "an overlay says one thing"),
    ],
)
def test_agreements_that_say_nothing_are_told(facts: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError) as error:
        partner(**facts)

    assert words in str(error.value)


def test_the_reference_partner_uses_every_setting() -> None:
    site = load_site(Path(__file__).parents[3])
    lakemont = site.partners["lakemont"]
    unused = {name for name in Partner.model_fields if name not in lakemont.model_fields_set}

    assert unused <= {"supplier_number", "uei"}
    assert [str(one) for one in lakemont.rules][:2] == ["810 REF*VR required", "810 BIG04 required"]
