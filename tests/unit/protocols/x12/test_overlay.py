"""What a partner's guide asks beyond the standard, of what comes in and of what goes out."""

from __future__ import annotations

from datetime import datetime

import pytest

from engine.core.errors import DataTypeError, DocumentError
from engine.protocols.x12 import Agreed, EnvelopePolicy, OutboundGroup, OutboundSet, Rule, judge, read, rule, rules_of
from engine.protocols.x12 import told as told_rules
from engine.protocols.x12.overlay import ALSO, CODES, FORBIDDEN, REQUIRED
from engine.protocols.x12.writer import check_set, write_interchange
from tests.support import x12_samples as samples

ORDER = (("BEG", "00", "NE", "PO-1", "", "20261120"), ("PO1", "1", "5", "EA", "2.50", "", "IN", "7"), ("CTT", "1"))


def notes(rules: tuple[Rule, ...], body: bytes | None = None) -> list[tuple[str, str]]:
    """Where and what X12 calls the faults of our sample order under these rules."""
    interchange = read(body or samples.interchange()).interchanges[0]
    return [(f.where, f.x12_code) for f in judge(interchange, agreed=Agreed(rules=rules)).all_findings]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (rule("850", "REF*IA", REQUIRED), []),
        (rule("850", "REF*VR", REQUIRED), [("REF*VR", "AK304:3")]),
        (rule("850", "ITD", REQUIRED), [("ITD", "AK304:3")]),
        (rule("850", "DTM", FORBIDDEN), [("DTM", "AK304:6")]),
        (rule("850", "DTM*010", FORBIDDEN), []),
        (rule("850", "BEG03", REQUIRED), []),
        (rule("850", "BEG04", REQUIRED), [("BEG04", "AK403:1")]),
        (rule("850", "BEG05", FORBIDDEN), [("BEG05", "AK403:10")]),
        (rule("850", "BEG02", CODES, ["SA", "CN"]), [("BEG02", "AK403:7")]),
        (rule("850", "BEG02", CODES, ["NE", "SA"]), []),
        (rule("850", "BEG06", CODES, ["AC"]), []),
        (rule("810", "ITD", REQUIRED), []),
    ],
    ids=str,
)
def test_each_rule_finds_what_breaks_it(given: Rule, expected: list[tuple[str, str]]) -> None:
    assert notes((given,)) == expected


def test_a_code_of_the_partners_own_is_taken_beside_the_standards() -> None:
    body = samples.interchange().replace(b"PID*F", b"PID*L")
    own = (rule("850", "PID01", ALSO, ["L"]),)

    assert notes((), body) == [("PID01", "AK403:7")]
    assert notes(own, body) == []
    assert notes(own, body.replace(b"PID*L", b"PID*Q")) == [("PID01", "AK403:7")]


def test_what_the_guide_asks_for_and_is_not_there_is_refused_by_tolerant_partners_too() -> None:
    interchange = read(samples.interchange(), EnvelopePolicy.TOLERANT).interchanges[0]
    missing, wrong = rule("850", "REF*VR", REQUIRED), rule("850", "BEG02", CODES, ["SA"])

    def taken(one: Rule) -> int:
        return len(list(judge(interchange, EnvelopePolicy.TOLERANT, agreed=Agreed(rules=(one,))).accepted_sets()))

    assert (taken(missing), taken(wrong)) == (0, 1)


def test_a_set_that_was_not_agreed_on_is_not_supported() -> None:
    interchange = read(samples.interchange()).interchanges[0]
    outcome = judge(interchange, agreed=Agreed(sets=frozenset({"810"})))

    assert [f.x12_code for f in outcome.all_findings] == ["AK502:1"]
    assert judge(interchange, agreed=Agreed(sets=frozenset({"850"}))).all_findings == ()


def test_acknowledgements_need_no_agreement() -> None:
    body = samples.interchange(("AK1*PO*31", "AK9*A*1*1*1"), "997", "FA")

    assert judge(read(body).interchanges[0], agreed=Agreed(sets=frozenset({"810"}))).all_findings == ()


def test_what_we_write_keeps_to_the_guide_as_well() -> None:
    order = OutboundSet("850", ORDER)

    check_set(order, "004010", rules=(rule("850", "PO107", REQUIRED),))
    with pytest.raises(DocumentError) as told:
        check_set(order, "004010", rules=(rule("850", "REF*IA", REQUIRED),))
    assert told.value.where == "REF*IA"
    with pytest.raises(DataTypeError):
        check_set(order, "004010", rules=(rule("850", "BEG02", CODES, ["SA"]),))


def test_an_own_code_can_be_written() -> None:
    described = OutboundSet("850", (*ORDER[:2], ("PID", "L", "", "", "", "Gaze"), ORDER[2]))
    group = OutboundGroup("PO", "004010", 7, (described,))
    with pytest.raises(DataTypeError):
        write_interchange(samples.partner(), 7, datetime(2026, 11, 20), [group])

    check_set(described, "004010", rules=(rule("850", "PID01", ALSO, ["L"]),))


RULES = (
    rule("810", "REF*VR", REQUIRED),
    rule("810", "SAC", FORBIDDEN),
    rule("856", "TD501", ALSO, ["7", "9"]),
    rule("810", "BIG07", CODES, ["DI"]),
)


def test_rules_travel_as_words() -> None:
    assert told_rules(RULES) == "810 REF*VR required; 810 SAC forbidden; 856 TD501 also 7|9; 810 BIG07 codes DI"
    assert rules_of(told_rules(RULES)) == RULES
    assert rules_of("") == ()


@pytest.mark.parametrize(
    ("target", "verb", "codes"),
    [("reference", REQUIRED, []), ("REF*", REQUIRED, []), ("SAC", CODES, ["A"]), ("BIG07", CODES, []), ("", ALSO, [])],
)
def test_what_is_no_rule_is_refused(target: str, verb: str, codes: list[str]) -> None:
    with pytest.raises(DataTypeError):
        rule("810", target, verb, codes)
