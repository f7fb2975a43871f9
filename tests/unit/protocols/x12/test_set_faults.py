"""Faults within the sets of the supply chain lead to the AK3/AK4 codes of the 997 and the IK3/IK4 codes of the 999.

Each case breaks a right set at one place. The strict answer must hold the segments that follow: `3 HL 5` is AK3/IK3 of
code 3 at HL in position 5, `4 02 735 7` AK4/IK4 of element 02, reference 735, code 7.
Source: X12 elements 620, 621, 718, 720 and 723.
"""

from __future__ import annotations

from datetime import datetime

import pytest

from engine.protocols.x12 import Answer, answer, judge, read, write_interchange
from engine.protocols.x12.functional_groups import SET_OF_GROUP
from engine.protocols.x12.values import joined
from tests.support import x12_samples as samples

_GROUP = {code: group for group, codes in SET_OF_GROUP.items() for code in codes}
RIGHT: dict[str, str] = {
    "855": "BAK*00*AC*PO-1*20261120~REF*IA*S1~PO1*1*10*EA*2.5**IN*7~ACK*IA*10*EA*068*20261201~CTT*1*10",
    "856": (
        "BSN*00*SHP1*20261120*0815*0001~DTM*011*20261120~HL*1**S*1~TD1*CTN*2~HL*2*1*O*1~PRF*PO-1~"
        "HL*3*2*I*0~LIN*1*IN*7*LT*L9~SN1*1*10*EA~DTM*036*20280131~CTT*3*10"
    ),
    "860": "BCH*04*NE*PO-1***20261120~POC*1*QD*5*5*EA*2.5**IN*7~CTT*1*5",
    "865": "BCA*04*AC*PO-1***20261120~POC*1*QD*5*5*EA*2.5**IN*7~ACK*IA*5*EA~CTT*1*5",
    "820": (
        "BPR*C*100.5*C*ACH*CCP*01*123456789*DA*4711*1234567890**01*987654321*DA*815*20261120~TRN*1*T-1~"
        "N1*PR*HARBOR~N1*PE*LAKESIDE*92*S1~ENT*1~RMR*IV*INV-1**100.5~DTM*003*20261101"
    ),
    "832": "BCT*PC*C1~N1*SU*LAKESIDE~LIN*1*VC*LS-88~PID*F****GAUZE~CTP**UCP*2.5*1*EA~CTT*1",
    "846": "BIA*00*DD*A1*20261120~LIN*1*IN*7~QTY*33*10*EA~CTT*1*10",
    "867": "BPT*00*T1*20261120*DD~PTD*SS~N1*ST*HARBOR~QTY*32*10~LIN*1*IN*7~CTT*1",
    "824": "BGN*11*A1*20261120*0815~OTI*IR*IV*INV-1*******810~TED*848*NO SUCH ORDER~NTE*ERR*SEE BIG04",
    "997": "AK1*PO*7~AK2*850*0001~AK3*BEG*2**8~AK4*3*324*1~AK5*R*5~AK9*R*1*1*0",
    "999": "AK1*PO*7*005010~AK2*850*0001~IK3*BEG*2**8~CTX*PO NUMBER:4711~IK4*3*324*1~IK5*R*5~AK9*R*1*1*0",
}

FAULTS: list[tuple[str, str, str, str]] = [  # set, what stands there, what is put there, what the answer must hold
    ("855", "BAK*00*AC*PO-1*20261120~", "", "3 BAK 2 3"),
    ("855", "BAK*00*AC", "BAK*00*", "4 2 587 1"),
    ("855", "ACK*IA*10*EA", "ACK*IA**EA", "4 2 380 2"),
    ("855", "*068*20261201", "*068", "4 5 373 2"),
    ("855", "ACK*IA*10*EA*068*20261201", "ACK*IA*10*EA*068*20261301", "4 5 373 8"),
    ("855", "ACK*IA", "ACK*I", "4 1 668 4"),
    ("855", "CTT*1*10", "CTT*2*10", "4 1 354 7"),
    ("855", "CTT*1*10", "CTT*1*11", "4 2 347 7"),
    ("855", "REF*IA*S1", "POC*1*AI", "3 POC 3 6"),
    ("856", "BSN*00*SHP1", "BSN*00*S", "4 2 396 4"),
    ("856", "*0815*0001", "*2515*0001", "4 4 337 9"),
    ("856", "HL*2*1*O*1", "HL*1*1*O*1", "4 1 628 7"),
    ("856", "HL*2*1*O*1", "HL*2*9*O*1", "4 2 734 7"),
    ("856", "HL*2*1*O*1", "HL*2*2*O*1", "4 2 734 7"),
    ("856", "HL*2*1*O*1", "HL*2*1**1", "4 3 735 1"),
    ("856", "HL*2*1*O*1", "HL*2*1*O*0", "4 4 736 7"),
    ("856", "HL*3*2*I*0", "HL*3*2*I*1", "4 4 736 7"),
    ("856", "HL*3*2*I*0", "HL*3*2*I*9", "4 4 736 7"),
    ("856", "CTT*3*10", "CTT*4*10", "4 1 354 7"),
    ("856", "CTT*3*10", "CTT*3*9", "4 2 347 7"),
    ("856", "PRF*PO-1~", "PRF*PO-1~PRF*PO-1~", "3 PRF 8 HL 5"),
    ("856", "PRF*PO-1~", "PRF*PO-1~TDS*1~", "3 TDS 8 HL 6"),
    ("856", "SN1*1*10*EA", "SN1*1**EA", "4 2 382 1"),
    ("856", "SN1*1*10*EA", "SN1*1*10", "4 3 355 1"),
    ("856", "SN1*1*10*EA", "SN1*1*10*EA**10", "4 6 355 2"),
    ("856", "LIN*1*IN*7*LT*L9", "LIN*1*IN*7*LT", "4 5 234 2"),
    ("856", "TD1*CTN*2", "TD1*CTN", "4 2 80 2"),
    ("856", "DTM*036*20280131", "DTM*036", "4 2 373 2"),
    ("860", "POC*1*QD*5", "POC*1**5", "4 2 670 1"),
    ("860", "*EA*2.5*", "*EA**PE", "4 6 212 2"),
    ("860", "BCH*04*NE*PO-1***20261120", "BCH*04*NE*PO-1", "4 6 373 1"),
    ("860", "CTT*1*5", "CTT*1*6", "4 2 347 7"),
    ("865", "BCA*04", "BCA*0444", "4 1 353 5"),
    ("865", "BCA*04*AC*PO-1***20261120~", "", "3 BCA 2 3"),
    ("865", "ACK*IA*5*EA", "ACK*IA*5", "4 3 355 2"),
    ("865", "ACK*IA*5*EA", "ACK*IA*FIVE*EA", "4 2 380 6"),
    ("820", "BPR*C*100.5*C", "BPR*C*100.5*X", "4 3 478 7"),
    ("820", "BPR*C*100.5", "BPR*C*1,5", "4 2 782 6"),
    ("820", "*01*123456789*DA", "**123456789*DA", "4 6 506 2"),
    ("820", "*DA*4711*", "*DA**", "4 9 508 2"),
    ("820", "RMR*IV*INV-1", "RMR*IV*", "4 2 127 2"),
    ("820", "N1*PE*LAKESIDE*92*S1", "N1*PE*LAKESIDE*92", "4 4 67 2"),
    ("820", "N1*PR*HARBOR", "N1*PR", "4 2 93 2"),
    ("820", "RMR*IV*INV-1**100.5~", "RMR*IV*INV-1**100.5~ADX*5~", "4 2 426 1"),
    ("820", "DTM*003*20261101", "DTM*003", "4 2 373 2"),
    ("820", "TRN*1*T-1~", "TRN*1*T-1~TRN*1*T-2~", "3 TRN 4 5"),
    ("820", "ENT*1~", "ENT*1*2J~", "4 3 66 2"),
    ("832", "BCT*PC", "BCT*P", "4 1 683 4"),
    ("832", "CTP**UCP*2.5*1*EA", "CTP**UCP*2.5*1", "4 5 2"),
    ("832", "PID*F****GAUZE", "PID*F", "4 4 751 2"),
    ("832", "LIN*1*VC*LS-88", "LIN*1*VC", "4 3 234 1"),
    ("832", "CTT*1", "CTT*7", "4 1 354 7"),
    ("832", "LIN*1*VC*LS-88~", "LIN*1*VC*LS-88~BCT*PC~", "3 BCT 5 LIN 7"),
    ("846", "QTY*33*10*EA", "QTY*33", "4 2 380 2"),
    ("846", "QTY*33*10*EA", "QTY*33*10*EA*TEXT", "4 4 61 10"),
    ("846", "BIA*00*DD*A1*20261120", "BIA*00*DD*A1*20260229", "4 4 373 8"),
    ("846", "LIN*1*IN*7~QTY*33*10*EA~CTT*1*10", "CTT*0", "3 LIN 3 LIN 3"),
    ("846", "CTT*1*10", "CTT*1*20", "4 2 347 7"),
    ("867", "PTD*SS", "PTD*SS*DIS", "4 3 649 2"),
    ("867", "PTD*SS", "PTD*SS***IV", "4 5 127 2"),
    ("832", "BCT*PC*C1", "BCT*PC*C1***EA*C0*1*REVISION", "4 8 686 5"),
    ("860", "*PO-1***20261120", "*PO-1***20261120*****20261121*20261121*CON", "4 12 1166 5"),
    ("867", "PTD*SS", "PTD*S", "4 1 521 4"),
    ("867", "BPT*00*T1*20261120*DD", "BPT*00*T1*20261120*DD*A", "4 6 649 2"),
    ("867", "QTY*32*10~", "QTY*32*10~QQ1*1~", "3 QQ1 6 PTD/QTY 1"),
    ("824", "OTI*IR*IV*INV-1", "OTI**IV*INV-1", "4 1 110 1"),
    ("824", "OTI*IR*IV*INV-1", "OTI*IR*IV*" + "X" * 60, "4 3 127 5"),
    ("824", "TED*848*NO SUCH ORDER", "TED*8480*NO SUCH ORDER", "4 1 647 5"),
    ("824", "NTE*ERR*SEE BIG04", "NTE*ERR", "4 2 352 1"),
    ("824", "TED*848*NO SUCH ORDER", "TED*848*" + "X" * 61, "4 2 3 5"),
]


def changed(code: str, old: str, new: str, version: str) -> bytes:
    """The right set with one change, in a group of its kind; SE01 counted anew."""
    text = RIGHT[code]
    assert old in text
    body = [s for s in text.replace(old, new, 1).split("~") if s]
    segments = samples.segments(body, code, _GROUP[code])
    if version == "005010":
        segments[0] = segments[0].replace("*U*00401*", "*^*00501*").replace("*>", "*:")
        segments[1] = segments[1].replace("004010", "005010")
    return "".join(s + "~" for s in segments).encode()


def told(data: bytes, code: str) -> list[str]:
    found = answer(data, code=code)
    assert isinstance(found, Answer)
    lines = []
    for segments in found.functional:
        for name, *rest in segments:
            places = [joined(p, "-", "^") for p in rest]
            lines.append(" ".join([str(name), *(p for p in places if p)]))
    return lines


@pytest.mark.parametrize(
    ("code", "version"), [(c, v) for c in RIGHT for v in ("004010", "005010") if (c, v) != ("999", "004010")]
)
def test_right_sets_have_no_fault(code: str, version: str) -> None:
    outcome = judge(read(changed(code, "*", "*", version)).interchanges[0])

    assert [str(f) for f in outcome.all_findings] == []


def test_the_table_has_at_least_sixty_faults() -> None:
    assert len(FAULTS) >= 60


@pytest.mark.parametrize(("code", "old", "new", "expected"), FAULTS)
@pytest.mark.parametrize(("version", "answered"), [("004010", "997"), ("005010", "997"), ("005010", "999")])
def test_fault_is_told_by_place_and_code(
    code: str, old: str, new: str, expected: str, version: str, answered: str
) -> None:
    lines = told(changed(code, old, new, version), answered)

    prefix = "AK" if answered == "997" else "IK"
    depth, rest = expected.split(" ", 1)
    if depth == "3":
        *places, note = rest.split(" ")
        places[2:] = [places[2].rsplit("/", 1)[-1]] if len(places) > 2 else []
        rest = " ".join([*places, note])
    assert f"{prefix}{depth} {rest}" in lines
    assert f"{prefix}5 R 5" in lines


@pytest.mark.parametrize(("code", "old", "new", "expected"), FAULTS)
def test_the_999_that_tells_it_can_be_written_and_read(code: str, old: str, new: str, expected: str) -> None:
    found = answer(changed(code, old, new, "005010"), code="999")
    assert found is not None
    group = found.group(9)
    assert group is not None

    data = write_interchange(samples.partner("005010"), 9, datetime(2026, 11, 20, 8, 15), [group])

    assert b"ST*999*0001*005010X231A1~" in data
    assert read(data).findings == ()


def test_a_partner_of_004010_gets_a_997_whatever_is_wanted() -> None:
    found = answer(samples.interchange(), code="999")

    assert found is not None
    assert found.functional_set == "997"


REPEATS = [
    ("856", "004010", "PRF*PO-1", "PRF*PO-1~PWK*CT*******NA>NA>NA>NA>NA>NA", 3),
    ("856", "005010", "PRF*PO-1", "PRF*PO-1~PWK*CT*******NA:NA:NA:NA:NA:NA", 13),
    ("999", "005010", "CTX*PO NUMBER:4711", "CTX*PO NUMBER:4711:X", 13),
    ("999", "005010", "CTX*PO NUMBER:4711", "CTX*" + "^".join(["A:1"] * 11), 12),
    ("999", "005010", "AK2*850*0001", "AK2*850^860*0001", 12),
    ("855", "005010", "REF*IA*S1", "REF*IA*S1^S2", 12),
]


@pytest.mark.parametrize(("code", "version", "old", "new", "note"), REPEATS)
def test_repeats_and_components_too_many_have_their_codes(
    code: str, version: str, old: str, new: str, note: int
) -> None:
    outcome = judge(read(changed(code, old, new, version)).interchanges[0])

    assert [f.note for f in outcome.all_findings] == [note]


def test_ten_repeats_are_right() -> None:
    data = changed("999", "CTX*PO NUMBER:4711", "CTX*" + "^".join(["A:1"] * 10), "005010")

    assert judge(read(data).interchanges[0]).all_findings == ()
