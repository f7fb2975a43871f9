"""835 and 837 by pyx12's maps: loops by name, faults with the codes and places that pyx12 gives them."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.core.errors import DataTypeError, DocumentError, RequiredFieldError
from engine.mapping.x12_835 import remittance_from_835
from engine.protocols.x12 import Loop, LoopedSet, read
from engine.script import hipaa
from engine.script.x12 import Opened, open_interchange

ROOT = Path(__file__).parents[3]
RIGHT = (ROOT / "channels/payments/claim_payment_in.cases/two_claims/input.edi").read_bytes()
WANTED = {"acknowledge": "999"}


@pytest.fixture(scope="module", autouse=True)
def _maps() -> None:
    hipaa.load(["835"])


def changed(old: str, new: str) -> bytes:
    """The right advice with one change; SE01 counted anew."""
    text = RIGHT.decode()
    assert old in text
    text = text.replace(old, new, 1)
    count = text[text.index("ST*835") : text.index("GE*1")].count("~")
    return text.replace("SE*22*", f"SE*{count}*").encode()


def opened(body: bytes = RIGHT) -> Opened:
    return open_interchange(body, WANTED, ["835"])


def advice(body: bytes = RIGHT) -> LoopedSet:
    (one,) = opened(body).sets
    assert isinstance(one, LoopedSet)
    return one


# ------------------------------------------------------------------ seeing
@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("TRN02", "EFT-20261121-7"),
        ("1000A/N102", "Meridian Health Plan"),
        ("1000B/N102", "Harbor Health"),
        ("2100/CLP01", "HV-20031"),
        ("2100[2]/CLP04", "120.5"),
        ("2000/2100[2]/CAS03", "79.5"),
        ("2100/2110/SVC01-2", "99213"),
        ("2100/2110/CAS[2]-02", "2"),
        ("2100[3]/CLP01", None),
        ("2100/CAS02", None),
        ("2100[0]/CLP01", None),
        ("9999/CLP01", None),
    ],
)
def test_values_are_read_by_loop(path: str, text: str | None) -> None:
    assert advice().get(path) == text


def test_every_segment_stands_in_the_loop_of_its_guide() -> None:
    one = advice()

    assert [claim.get("CLP07") for claim in one.loops("2100")] == ["MHP-778001", "MHP-778002"]
    assert [len(claim.loops("2110")) for claim in one.loops("2100")] == [1, 0]
    assert [s.id for s in one.loops("2110")[0].segments] == ["SVC", "DTM", "CAS", "CAS"]
    assert one.encode() == advice().transaction_set.encode()


def test_what_must_be_given_is_told_by_its_path() -> None:
    with pytest.raises(RequiredFieldError) as told:
        advice().require("2100[2]/2110/SVC03")
    with pytest.raises(DataTypeError):
        advice().get("2100/no place")

    assert told.value.where == "2100[2]/2110/SVC03"


def test_a_channel_that_does_not_accept_the_set_does_not_read_it() -> None:
    refused = open_interchange(RIGHT, WANTED, ["810"])

    assert not refused.sets
    assert refused.refusal is not None
    assert refused.refusal.code == "M006"


# ------------------------------------------------------------------ faults
FAULTS = [
    ("N1*PE*Harbor Health*XX*1234567893~\n", ""),
    ("TRN*1*EFT-20261121-7*1512345678~\n", ""),
    ("CLP*HV-20032*1*", "CLP*HV-20032*77*"),
    ("CLP*HV-20032*1*200", "CLP**1*200"),
    ("BPR*I*", "BPR*Q*"),
    ("BPR*I*1300.5*C", "BPR*I*1300,5*C"),
    ("*20261121~", "*20261131~"),
    ("DTM*405*20261120", "DTM*405*2026112"),
    ("CAS*CO*45*79.5", "CAS*CO*45"),
    ("CAS*CO*45*79.5", "CAS*ZZ*45*79.5"),
    ("LX*1~", "LX*1~\nQQ*1~"),
    ("LX*1~", "LX*1~\nBEG*00~"),
    ("N4*Springfield*IL*62701~\n", ""),
    ("N1*PE*Harbor Health*XX*1234567893", "N1*PE*Harbor Health"),
    ("SVC*HC:99213*1500", "SVC**1500"),
]


Told = list[tuple[str, int, str, int]]  # segment, its position, code and element, 0 for the segment itself


def ours(body: bytes) -> Told:
    interchange = read(body).interchanges[0]
    (one,) = interchange.groups[0].sets
    _, found = hipaa.open_set(one, "005010X221A1")
    return sorted((f.segment_id, f.position, str(f.note), f.element) for f in found)


def theirs(body: bytes) -> Told:
    """What pyx12 finds by itself in the same file."""
    pyx12_document = pytest.importorskip("pyx12.x12n_document")
    params = pytest.importorskip("pyx12.params")
    written = io.StringIO()
    pyx12_document.x12n_document(params.params(), io.StringIO(body.decode()), None, None, fd_json=written)
    (one,) = json.loads(written.getvalue())["interchanges"][0]["groups"][0]["transactions"]
    return sorted(told for segment in one["segments"] for told in _told(segment))


def _told(segment: dict[str, Any]) -> Told:
    name, position = segment["seg_id"], segment["seg_count"]
    own = [(name, position, error["err_cde"], 0) for error in segment["errors"] if error["err_cde"] != "8"]
    elements = [(e["ele_pos"], error["err_cde"]) for e in segment["elements"] for error in e["errors"]]
    return own + [(name, position, code, element) for element, code in elements]


@pytest.mark.parametrize(("old", "new"), FAULTS)
def test_a_fault_is_refused_with_pyx12s_own_codes_at_its_places(old: str, new: str) -> None:
    body = changed(old, new)
    told = opened(body)

    assert (told.sets, told.refusal is not None) == ([], True)
    assert ours(body) == theirs(body)
    assert ours(body)


def test_a_right_advice_has_no_fault_for_either() -> None:
    assert ours(RIGHT) == theirs(RIGHT) == []


def test_no_value_of_the_advice_stands_in_a_finding() -> None:
    told = opened(changed("CLP*HV-20032*1*", "CLP*HV-20032*CANARY*"))

    assert told.refusal is not None
    assert "CANARY" not in repr(told.refusal)


# ------------------------------------------------------------------ money
def test_an_advice_becomes_a_remittance_that_adds_up() -> None:
    remittance = remittance_from_835(advice())

    assert (remittance.remittance_number, str(remittance.amount.amount)) == ("EFT-20261121-7", "1300.5")
    assert remittance.total == remittance.amount
    assert [(line.number, str(line.paid.amount), len(line.adjustments)) for line in remittance.lines] == [
        ("HV-20031", "1200", 2),
        ("HV-20032", "120.5", 1),
    ]
    assert [(a.reason, str(a.amount.amount)) for a in remittance.adjustments] == [("WO", "-20")]
    assert "TESTCASE" not in remittance.model_dump_json()


@pytest.mark.parametrize(
    ("old", "new", "error", "where"),
    [
        ("BPR*I*1300.5", "BPR*I*1320.5", DocumentError, "BPR02"),
        ("WO:OV-1*20", "WO:OV-1*21", DocumentError, "BPR02"),
        ("CAS*CO*45*79.5", "CAS*CO*45*97.5", DocumentError, "2100[2]/CLP04"),
        ("CAS*PR*2*50", "CAS*PR*2*51", DocumentError, "2100[1]/CLP04"),
    ],
)
def test_amounts_that_do_not_add_up_are_held(old: str, new: str, error: type[Exception], where: str) -> None:
    with pytest.raises(error) as told:
        remittance_from_835(advice(changed(old, new)))

    assert told.value.where == where  # type: ignore[attr-defined]


def test_reasons_of_one_kind_are_summed_and_later_ones_of_a_segment_count() -> None:
    remittance = remittance_from_835(advice(changed("CAS*CO*45*79.5", "CAS*CO*45*70**97*9.5")))

    assert [(a.reason, str(a.amount.amount)) for a in remittance.lines[1].adjustments] == [
        ("CO45", "-70"),
        ("CO97", "-9.5"),
    ]


def test_the_set_is_still_one_of_the_readers() -> None:
    assert read(RIGHT).interchanges[0].groups[0].sets[0].code == "835"


# ------------------------------------------------------------------ whatever comes
SEGMENTS = RIGHT.decode().replace("\n", "").split("~")[3:-4]


def in_loops(loop: Loop) -> int:
    return len(loop.segments) + sum(in_loops(one) for one in loop.inner)


@given(st.lists(st.sampled_from([*SEGMENTS, "QQ*1", "CLP", "CLP*1*:*^*", "LX*", "SVC*:::"]), max_size=30))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_no_order_of_segments_breaks_the_reader_and_each_stands_in_one_loop(body: list[str]) -> None:
    text = RIGHT.decode().replace("\n", "")
    head, tail = text[: text.index("BPR*")], text[text.index("SE*22") :]
    data = head + "".join(f"{one}~" for one in body) + tail.replace("SE*22", f"SE*{len(body) + 2}")
    (one,) = read(data.encode()).interchanges[0].groups[0].sets

    seen, found = hipaa.open_set(one, "005010X221A1")

    assert in_loops(seen.top) == len(body) + 2
    assert all(finding.position <= len(body) + 2 for finding in found)
    assert opened(data.encode()).answer is not None
