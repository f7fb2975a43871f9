"""Verdicts beyond single faults: duplicates, partners, groups that are partly right."""

from __future__ import annotations

import pytest

from engine.protocols.x12 import (
    EnvelopePolicy,
    Verdict,
    accepted_sets,
    answer,
    interchange_acknowledgement,
    judge,
    read,
)
from tests.support import x12_samples as samples


def outcome(data: bytes, policy: EnvelopePolicy = EnvelopePolicy.STRICT, **named: object):  # type: ignore[no-untyped-def]
    return judge(read(data).interchanges[0], policy, **named)  # type: ignore[arg-type]


@pytest.mark.parametrize("policy", EnvelopePolicy)
def test_repeated_control_number_is_ta1_025_without_business_effect_under_any_policy(policy: EnvelopePolicy) -> None:
    found = outcome(samples.interchange(), policy, repeated=True)

    assert interchange_acknowledgement(found)[1:] == ("000000501", "261120", "0815", "R", "025")
    assert list(found.accepted_sets()) == []
    told = answer(samples.interchange(), policy, repeated=True)
    assert told is not None
    assert told.functional == ()


@pytest.mark.parametrize(
    ("old", "new", "note"),
    [
        (b"*ZZ*LAKESIDE  ", b"*01*LAKESIDE  ", 5),
        (b"*LAKESIDE       *ZZ", b"*SEASIDE        *ZZ", 6),
        (b"*ZZ*HARBORHEALTH ", b"*12*HARBORHEALTH ", 7),
        (b"*HARBORHEALTH   *2", b"*HARBORCLINIC   *2", 9),
        (b"*0*P*>", b"*0*T*>", 20),
    ],
)
def test_interchange_of_another_partner_or_usage_is_rejected_even_when_tolerant(
    old: bytes, new: bytes, note: int
) -> None:
    data = samples.interchange().replace(old, new)

    found = outcome(data, EnvelopePolicy.TOLERANT, partner=samples.partner())

    assert [f.note for f in found.findings] == [note]
    assert found.verdict is Verdict.REJECTED


def test_group_with_one_bad_set_is_partly_accepted_and_only_the_good_set_has_an_effect() -> None:
    good, bad = samples.transaction_set(), samples.transaction_set(samples.ORDER[1:], number="0002")
    lines = [samples.ISA, samples.GS, *good, *bad, "GE*2*501", "IEA*1*000000501"]
    data = "".join(line + "~" for line in lines).encode()

    found = outcome(data)

    assert found.groups[0].verdict is Verdict.PARTLY
    assert [one.control_number for _, one in found.accepted_sets()] == ["0001"]
    assert [one.control_number for one in accepted_sets(data)] == ["0001"]
    told = answer(data)
    assert told is not None
    assert told.functional[0][-1] == ("AK9", "P", "2", "2", "1")


def test_rejected_group_gives_no_set_away() -> None:
    found = outcome(samples.interchange().replace(b"GE*1*501", b"GE*3*501"))

    assert found.groups[0].verdict is Verdict.REJECTED
    assert found.groups[0].accepted == 0


def test_acknowledgements_are_not_acknowledged() -> None:
    body = ("AK1*PO*7", "AK2*850*0001", "AK5*A", "AK9*A*1*1*1")

    assert answer(samples.interchange(body, "997", "FA")) is None


def test_faultless_interchange_that_asks_for_a_ta1_gets_one() -> None:
    told = answer(samples.interchange().replace(b"*0*P*>", b"*1*P*>"))

    assert told is not None
    assert told.interchange_acknowledgement == ("TA1", "000000501", "261120", "0815", "A", "000")


def test_partner_that_wants_no_997_gets_none() -> None:
    assert answer(samples.interchange(), functional=False) is None


def test_answer_never_repeats_a_value_of_the_message() -> None:
    secret = (*samples.ORDER[:-2], "PID*F****SECRET\tPATIENT", "SECRETSEGMENT*1", "CTT*1")

    told = answer(samples.interchange(secret))

    assert told is not None
    assert b"SECRET" not in told.encode()


def test_places_name_set_segment_loop_and_element() -> None:
    lines = (*samples.ORDER[:-1], "PO1*2*10*EA*x*PE*IN*1", "CTT*2")

    finding = outcome(samples.interchange(lines)).all_findings[0]

    assert (finding.where, finding.position, finding.loop) == ("PO104[2]", 8, "PO1")
    assert (finding.group, finding.transaction_set) == (1, 1)
    assert (finding.code, finding.x12_code) == ("X406", "AK403:6")


def test_interchange_of_countless_faults_is_rejected_without_listing_them_all() -> None:
    lines = [samples.ISA, *["GS*QQ"] * 20_000, "IEA*20000*000000501"]
    data = "".join(line + "~" for line in lines).encode()

    found = outcome(data, EnvelopePolicy.TOLERANT)

    assert found.verdict is Verdict.REJECTED
    assert any("more than" in f.text for f in found.findings)
    assert len(read(data).findings) < 6_000


def test_set_of_countless_faults_is_rejected_without_listing_them_all() -> None:
    body = (samples.BEG, samples.PO1, *["PID*Q****GAUZE"] * 5_000, "CTT*1")

    found = outcome(samples.interchange(body), EnvelopePolicy.TOLERANT)

    assert found.groups[0].sets[0].verdict is Verdict.REJECTED
    assert len(found.all_findings) < 1_100


def test_trailers_too_many_do_not_hide_content_that_is_in_no_set() -> None:
    lines = samples.segments()
    data = "".join(line + "~" for line in [*lines[:-1], *["SE*1*1"] * 300, "PO1*1*1*EA*1", lines[-1]]).encode()

    assert outcome(data, EnvelopePolicy.TOLERANT).verdict is Verdict.REJECTED
