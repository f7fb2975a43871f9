"""Every fault of envelope and body leads to the TA1 and 997 codes that X12 gives it.

Each case changes a right interchange at one place and says which segments the strict answer must hold.
Source: X12 elements I18, 715 to 718, 720, 723; acceptance checks 23 and 24.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from engine.protocols.x12 import EnvelopePolicy, answer, judge, read
from tests.support import x12_samples as samples

Change = Callable[[list[str]], list[str]]


def replaced(old: str, new: str) -> Change:
    def change(segments: list[str]) -> list[str]:
        assert any(old in s for s in segments), f"the sample has no {old}"
        return [s.replace(old, new) for s in segments]

    return change


def without(start: str) -> Change:
    return lambda segments: [s for s in segments if not s.startswith(start)]


def after(start: str, *new: str) -> Change:
    def change(segments: list[str]) -> list[str]:
        at = next(i for i, s in enumerate(segments) if s.startswith(start)) + 1
        return [*segments[:at], *new, *segments[at:]]

    return change


def body(*changes: Change) -> Change:
    """A change of the set's body; SE01 is counted anew."""

    def change(segments: list[str]) -> list[str]:
        for one in changes:
            segments = one(segments)
        first = next(i for i, s in enumerate(segments) if s.startswith("ST*"))
        last = next(i for i, s in enumerate(segments) if s.startswith("SE*"))
        return [f"SE*{last - first + 1}*0001" if s.startswith("SE*") else s for s in segments]

    return change


SECOND_GROUP = [samples.GS, *samples.transaction_set(), "GE*1*501"]

INTERCHANGE_FAULTS: dict[str, tuple[Change, str]] = {
    "ISA01 unknown": (replaced("ISA*00*", "ISA*99*"), "TA1 R 010"),
    "ISA02 too short": (replaced("ISA*00*          *", "ISA*00*   *"), "TA1 R 011"),
    "ISA03 unknown": (replaced("*00*          *ZZ*LAK", "*77*          *ZZ*LAK"), "TA1 R 012"),
    "ISA04 too short": (replaced("*00*          *ZZ*LAK", "*00**ZZ*LAK"), "TA1 R 013"),
    "ISA05 in lower case": (replaced("*ZZ*LAKESIDE ", "*zz*LAKESIDE "), "TA1 R 005"),
    "ISA06 empty": (replaced("*LAKESIDE       *", "*               *"), "TA1 R 006"),
    "ISA06 not padded": (replaced("*LAKESIDE       *", "*LAKESIDE*"), "TA1 R 006"),
    "ISA06 too long": (replaced("*LAKESIDE       *", "*LAKESIDELAKESIDE*"), "TA1 R 006"),
    "ISA07 in lower case": (replaced("*ZZ*HARBORHEALTH ", "*z1*HARBORHEALTH "), "TA1 R 007"),
    "ISA08 empty": (replaced("*HARBORHEALTH   *", "*               *"), "TA1 R 008"),
    "ISA08 not padded": (replaced("*HARBORHEALTH   *", "*HARBORHEALTH*"), "TA1 R 008"),
    "ISA09 no such day": (replaced("*261120*0815*U", "*261131*0815*U"), "TA1 R 014"),
    "ISA09 no such month": (replaced("*261120*0815*U", "*261320*0815*U"), "TA1 R 014"),
    "ISA09 letters": (replaced("*261120*0815*U", "*26NOV0*0815*U"), "TA1 R 014"),
    "ISA09 with century": (replaced("*261120*0815*U", "*20261120*0815*U"), "TA1 R 014"),
    "ISA10 no such hour": (replaced("*0815*U", "*2515*U"), "TA1 R 015"),
    "ISA10 no such minute": (replaced("*0815*U", "*0860*U"), "TA1 R 015"),
    "ISA10 with seconds": (replaced("*0815*U", "*081500*U"), "TA1 R 015"),
    "ISA11 not U": (replaced("*U*00401", "*X*00401"), "TA1 R 016"),
    "ISA12 unknown": (replaced("*U*00401", "*U*99999"), "TA1 R 017"),
    "ISA13 letters": (replaced("*000000501*0*P", "*00000A501*0*P"), "TA1 R 018"),
    "ISA13 zero": (replaced("000000501", "000000000"), "TA1 R 018"),
    "ISA13 too short": (replaced("000000501", "501"), "TA1 R 018"),
    "ISA14 unknown": (replaced("501*0*P", "501*7*P"), "TA1 R 019"),
    "ISA15 unknown": (replaced("501*0*P", "501*0*Q"), "TA1 R 020"),
    "ISA16 equals the element separator": (replaced("*P*>", "*P**"), "TA1 R 027"),
    "IEA missing": (without("IEA"), "TA1 R 023"),
    "IEA01 too high": (replaced("IEA*1", "IEA*2"), "TA1 R 021"),
    "IEA01 too low": (replaced("IEA*1", "IEA*0"), "TA1 R 021"),
    "IEA01 letters": (replaced("IEA*1", "IEA*x"), "TA1 R 021"),
    "IEA01 empty": (replaced("IEA*1", "IEA*"), "TA1 R 021"),
    "IEA02 another number": (replaced("IEA*1*000000501", "IEA*1*000000502"), "TA1 R 001"),
    "IEA02 missing": (replaced("IEA*1*000000501", "IEA*1"), "TA1 R 001"),
    "GS02 empty": (replaced("GS*PO*LAKESIDE", "GS*PO*"), "TA1 R 024"),
    "GS03 empty": (replaced("*HARBORHEALTH*2026", "**2026"), "TA1 R 024"),
    "GS04 no such day": (replaced("*20261120*0815*501", "*20260230*0815*501"), "TA1 R 024"),
    "GS04 without century": (replaced("*20261120*0815*501", "*261120*0815*501"), "TA1 R 024"),
    "GS05 no such time": (replaced("*20261120*0815*501", "*20261120*2461*501"), "TA1 R 024"),
    "GS07 unknown": (replaced("*X*004010", "*Q*004010"), "TA1 R 024"),
    "set outside of a group": (without("GS"), "TA1 R 024"),
    "segment between GS and ST": (after("GS", "REF*IA*1"), "TA1 R 022"),
    "segment after SE": (after("SE", "REF*IA*1"), "TA1 R 022"),
    "segment after GE": (after("GE", "MSG*X"), "TA1 R 022"),
    "second GE": (after("GE", "GE*1*501"), "TA1 R 022"),
    "second SE": (after("SE", "SE*9*0001"), "TA1 R 022"),
}

GROUP_FAULTS: dict[str, tuple[Change, str]] = {
    "GS01 unknown": (replaced("GS*PO", "GS*QQ"), "AK9 R 1 1 0 1"),
    "GS01 in lower case": (replaced("GS*PO", "GS*po"), "AK9 R 1 1 0 1"),
    "GS06 letters": (replaced("*0815*501*X", "*0815*5A1*X"), "AK9 R 1 1 0 6 4"),
    "GS06 too long": (replaced("*0815*501*X", "*0815*1234567890*X"), "AK9 R 1 1 0 6 4"),
    "GS06 twice": (
        lambda s: [*(x.replace("IEA*1", "IEA*2") for x in s[:-1]), *SECOND_GROUP, "IEA*2*000000501"],
        "AK9 R 1 1 0 6",
    ),
    "GS08 not a version": (replaced("*X*004010", "*X*4010"), "AK9 R 1 1 0 2"),
    "GS08 not supported": (replaced("*X*004010", "*X*003040"), "AK9 R 1 1 0 2"),
    "GE missing": (without("GE"), "AK9 R 1 1 0 3"),
    "GE01 too high": (replaced("GE*1*501", "GE*2*501"), "AK9 R 2 1 0 5"),
    "GE01 letters": (replaced("GE*1*501", "GE*x*501"), "AK9 R 1 1 0 5"),
    "GE02 another number": (replaced("GE*1*501", "GE*1*502"), "AK9 R 1 1 0 4"),
    "GE02 missing": (replaced("GE*1*501", "GE*1"), "AK9 R 1 1 0 4"),
}

SET_FAULTS: dict[str, tuple[Change, str]] = {
    "ST01 not supported": (replaced("ST*850", "ST*841"), "AK5 R 1"),
    "ST01 not of its group": (replaced("ST*850", "ST*810"), "AK5 R 6 5"),
    "ST01 missing": (replaced("ST*850", "ST*"), "AK5 R 6 1"),
    "ST02 too short": (lambda s: [x.replace("*0001", "*1") for x in s], "AK5 R 7 5"),
    "ST02 missing": (replaced("ST*850*0001", "ST*850"), "AK5 R 7 3 5"),
    "ST02 twice": (
        lambda s: [*s[:-2], *samples.transaction_set(), "GE*2*501", "IEA*1*000000501"],
        "AK5 R 23",
    ),
    "SE missing": (without("SE"), "AK5 R 2"),
    "SE01 too high": (replaced("SE*9*", "SE*10*"), "AK5 R 4"),
    "SE01 too low": (replaced("SE*9*", "SE*8*"), "AK5 R 4"),
    "SE01 letters": (replaced("SE*9*", "SE*A*"), "AK5 R 4 5"),
    "SE02 another number": (replaced("SE*9*0001", "SE*9*0002"), "AK5 R 3"),
}

BODY_FAULTS: dict[str, tuple[Change, str]] = {
    "BEG missing": (body(without("BEG")), "AK3 BEG 2 3"),
    "PO1 missing": (body(without("PO1"), without("PID")), "AK3 PO1 6 PO1 3"),
    "unknown segment": (body(after("BEG", "QQ9*1")), "AK3 QQ9 3 1"),
    "segment of another set": (body(after("BEG", "BIG*20261120*1")), "AK3 BIG 3 6"),
    "segment out of sequence": (body(after("PO1", "BEG*00*NE*1**20261120")), "AK3 BEG 7 PO1 7"),
    "BEG twice": (body(after("BEG", samples.BEG)), "AK3 BEG 3 5"),
    "CSH too often": (body(after("DTM", *["CSH*N"] * 6)), "AK3 CSH 5 7"),
    "loop too often": (body(after("REF", *["SAC*C*D240***100"] * 26)), "AK3 SAC 29 SAC 4"),
    "BEG03 missing": (body(replaced("*NE*PO-4711*", "*NE**")), "AK4 3 324 1"),
    "BEG01 not a code": (body(replaced("BEG*00", "BEG*99")), "AK4 1 353 7"),
    "N101 in small letters": (body(replaced("N1*ST", "N1*st")), "AK4 1 98 7"),
    "PO103 no code at all": (body(replaced("*10*EA*", "*10*??*")), "AK4 3 355 7"),
    "FOB02 asked for by FOB03": (body(after("REF", "FOB*PP**X")), "AK4 2 309 2"),
    "ITD04 asked for by ITD03": (body(after("REF", "ITD*01*3*2")), "AK4 4 370 2"),
    "MEA08 beside MEA03": (body(after("PID", "MEA*PD*WT*1*****03")), "AK4 3 739 10"),
    "CTT02 another sum": (body(replaced("CTT*1", "CTT*1*11")), "AK4 2 347 7"),
    "BEG01 too short": (body(replaced("BEG*00", "BEG*0")), "AK4 1 353 4"),
    "BEG02 too long": (body(replaced("*NE*", "*NEW*")), "AK4 2 92 5"),
    "BEG05 no such day": (body(replaced("PO-4711**20261120", "PO-4711**20261131")), "AK4 5 373 8"),
    "BEG has too many elements": (body(replaced("BEG*00*NE*PO-4711**20261120", samples.BEG + "********X")), "AK4 13 3"),
    "DTM03 no such time": (body(replaced("DTM*002*20261201", "DTM*002*20261201*2561")), "AK4 3 337 9"),
    "PID01 not a code": (body(replaced("PID*F", "PID*Q")), "AK4 1 349 7"),
    "PO102 letters": (body(replaced("PO1*1*10", "PO1*1*TEN")), "AK4 2 330 6"),
    "PO102 too long": (body(replaced("PO1*1*10", "PO1*1*1234567890123456")), "AK4 2 330 5"),
    "PO102 missing beside PO103": (body(replaced("PO1*1*10*", "PO1*1**")), "AK4 2 330 2"),
    "PO107 missing beside PO106": (body(replaced("*IN*100234*VN", "*IN**VN")), "AK4 7 234 2"),
    "REF02 and REF03 missing": (body(replaced("REF*IA*S1001", "REF*IA")), "AK4 2 127 2"),
    "control character": (body(replaced("GAUZE 4X4", "GAUZE\t4X4")), "AK4 5 352 6"),
    "AMT02 not a number": (body(after("CTT", "AMT*TT*12,50")), "AK4 2 782 6"),
}

ALL = INTERCHANGE_FAULTS | GROUP_FAULTS | SET_FAULTS | BODY_FAULTS


def answered(change: Change, policy: EnvelopePolicy = EnvelopePolicy.STRICT) -> list[str]:
    """The segments of the answer, empty elements left out: `AK9 R 1 1 0 4`; a TA1 without the numbers it repeats."""
    data = "".join(s + "~" for s in change(samples.segments())).encode()
    told = answer(data, policy)
    assert told is not None
    segments = [s for one in told.functional for s in one]
    lines = [" ".join(part for part in s if isinstance(part, str) and part) for s in segments]
    lines += [" ".join(["AK4", *("-".join(p) if isinstance(p, tuple) else p for p in s[1:] if p)])
              for s in segments if s[0] == "AK4"]  # fmt: skip
    if told.interchange_acknowledgement:
        lines.append(f"TA1 {told.interchange_acknowledgement[4]} {told.interchange_acknowledgement[5]}")
    return lines


def test_the_right_interchange_is_accepted() -> None:
    assert answered(lambda s: s) == ["AK1 PO 501", "AK2 850 0001", "AK5 A", "AK9 A 1 1 1"]


def test_the_table_has_at_least_sixty_cases() -> None:
    assert len(ALL) >= 60


@pytest.mark.parametrize("name", ALL)
def test_fault_leads_to_its_code(name: str) -> None:
    change, expected = ALL[name]

    assert expected in answered(change)


@pytest.mark.parametrize("name", ALL)
def test_strict_policy_lets_no_faulty_set_have_an_effect(name: str) -> None:
    change, _ = ALL[name]
    data = "".join(s + "~" for s in change(samples.segments())).encode()

    outcome = judge(read(data).interchanges[0], EnvelopePolicy.STRICT)

    faultless = 1 if name in ("ST02 twice", "GS06 twice") else 0  # the first of the two
    assert len(list(outcome.accepted_sets())) == faultless


TOLERATED = {
    "IEA01 too high": "TA1 E 021",
    "IEA02 another number": "TA1 E 001",
    "IEA missing": "TA1 E 023",
    "ISA06 not padded": "TA1 E 006",
    "GS04 no such day": "TA1 E 024",
    "GE01 too high": "AK9 E 2 1 1 5",
    "GE02 another number": "AK9 E 1 1 1 4",
    "GE missing": "AK9 E 1 1 1 3",
    "SE01 too high": "AK5 E 4",
    "SE02 another number": "AK5 E 3",
    "ST02 too short": "AK5 E 7 5",
    "PID01 not a code": "AK5 E 5",
}


@pytest.mark.parametrize("name", TOLERATED)
def test_tolerant_policy_accepts_with_the_same_code(name: str) -> None:
    change, _ = ALL[name]

    assert TOLERATED[name] in answered(change, EnvelopePolicy.TOLERANT)


NEVER_TOLERATED = (
    *("GS01 unknown", "GS08 not supported", "set outside of a group", "segment between GS and ST", "segment after SE"),
    *("SE missing", "ST01 missing", "ST01 not supported", "BEG missing", "PO1 missing"),
)


@pytest.mark.parametrize("name", NEVER_TOLERATED)
def test_tolerant_policy_does_not_take_in_what_is_no_whole_set(name: str) -> None:
    change, _ = ALL[name]
    data = "".join(s + "~" for s in change(samples.segments())).encode()

    outcome = judge(read(data).interchanges[0], EnvelopePolicy.TOLERANT)

    assert not list(outcome.accepted_sets())
