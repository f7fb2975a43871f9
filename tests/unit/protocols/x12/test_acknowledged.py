"""What partners answer us: which of our control numbers were accepted or rejected, and why."""

from __future__ import annotations

from engine.protocols.x12 import EnvelopePolicy, acknowledgements_in, encode, read, read_acknowledgements
from tests.support import x12_samples as samples


def test_997_tells_group_sets_and_places() -> None:
    body = ("AK1*PO*000000031", "AK2*850*0001", "AK5*A", "AK2*850*0002", "AK3*BEG*2**8", "AK4*3*324*1", "AK5*R*5")
    data = samples.interchange((*body, "AK9*P*2*2*1"), "997", "FA")

    told = read_acknowledgements(read(data))

    assert len(told) == 1
    assert (told[0].kind, told[0].functional_id, told[0].number, told[0].outcome) == ("997", "PO", 31, "rejected")
    assert [(s.control_number, s.verdict) for s in told[0].sets] == [("0001", "A"), ("0002", "R")]
    assert told[0].sets[1].faults == ("BEG[2]: 8", "BEG[2]-3: 1")
    assert told[0].note == "850 0002 R AK502 5; BEG[2]: 8; BEG[2]-3: 1"


def test_997_with_errors_noted_is_still_accepted() -> None:
    data = samples.interchange(("AK1*PO*31", "AK9*E*1*1*1*5"), "997", "FA")

    told = read_acknowledgements(read(data))[0]

    assert (told.outcome, told.codes) == ("accepted_with_errors", ("5",))


def test_997_without_its_verdict_counts_as_rejected() -> None:
    data = samples.interchange(("AK1*PO*31",), "997", "FA")

    assert read_acknowledgements(read(data))[0].outcome == "rejected"


def test_999_is_understood_as_well() -> None:
    data = samples.interchange(("AK1*PO*31", "AK2*850*0001", "IK5*A", "AK9*A*1*1*1"), "999", "FA")

    told = read_acknowledgements(read(data))[0]

    assert (told.kind, told.outcome, told.sets[0].verdict) == ("999", "accepted", "A")


def test_ta1_names_our_interchange() -> None:
    lines = [samples.ISA, "TA1*000000031*261119*0700*R*025", "IEA*0*000000501"]
    file = read("".join(line + "~" for line in lines).encode())

    told = acknowledgements_in(encode(file))

    assert file.findings == ()
    assert [(t.kind, t.number, t.outcome, t.codes) for t in told] == [("TA1", 31, "rejected", ("025",))]
    assert told[0].note == "TA105 025"


def test_control_number_that_is_none_is_not_invented() -> None:
    data = samples.interchange(("AK1*PO*X1", "AK9*A*1*1*1"), "997", "FA")

    assert read_acknowledgements(read(data))[0].number is None


def test_997_that_its_own_partners_policy_refuses_settles_nothing() -> None:
    data = samples.interchange(("AK1*PO*31", "AK9*A*1*1*1"), "997", "FA").replace(b"SE*4", b"SE*9")

    assert acknowledgements_in(data) == ()
    assert [a.number for a in acknowledgements_in(data, EnvelopePolicy.TOLERANT)] == [31]
