"""Acknowledgements: the whole decision table, writing and reading."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from engine.core.errors import StructureError
from engine.protocols.hl7v2.acknowledge import AckError, AckPlan, build, plan, read, read_plain
from engine.protocols.hl7v2.header import peek
from engine.protocols.hl7v2.message import Hl7Message

MOMENT = datetime(2026, 3, 1, 10, 15, tzinfo=UTC)
CONDITIONS = ("", "AL", "NE", "ER", "SU")
# For each MSH-15 (rows) and MSH-16 (columns): the codes sent on ok / error / reject, in order.
TABLE = """
        |          |  AL              |  NE          |  ER              |  SU
        | AA/AE/AR | AA/AE/AR         | -/-/-        | -/AE/AR          | AA/-/-
AL      | CA/CE/CR | CA AA/CE/CR      | CA/CE/CR     | CA/CE/CR         | CA AA/CE/CR
NE      | -/-/-    | AA/AE/AR         | -/-/-        | -/AE/AR          | AA/-/-
ER      | -/CE/CR  | AA/CE/CR         | -/CE/CR      | -/CE/CR          | AA/CE/CR
SU      | CA/-/-   | CA AA/AE/AR      | CA/-/-       | CA/AE/AR         | CA AA/-/-
"""


def cells() -> list[tuple[str, str, str, tuple[str, ...]]]:
    rows = [[cell.strip() for cell in line.split("|")] for line in TABLE.strip("\n").splitlines()[1:]]
    out = []
    for row in rows:
        for condition, cell in zip(CONDITIONS, row[1:], strict=True):
            for outcome, codes in zip(("ok", "error", "reject"), cell.split("/"), strict=True):
                out.append((row[0], condition, outcome, tuple(codes.replace("-", "").split())))
    return out


def test_the_table_has_all_75_cells() -> None:
    assert len({cell[:3] for cell in cells()}) == 75


@pytest.mark.parametrize(("msh15", "msh16", "outcome", "codes"), cells())
def test_each_cell_sends_the_right_acknowledgements(
    msh15: str, msh16: str, outcome: str, codes: tuple[str, ...]
) -> None:
    assert plan(msh15, msh16, outcome).codes == codes  # type: ignore[arg-type]


def test_a_message_taken_in_can_fail_at_application_level() -> None:
    assert plan("AL", "AL", "ok", "error") == AckPlan("CA", "AE")
    assert plan("", "", "ok", "reject") == AckPlan(None, "AR")
    assert plan("AL", "SU", "ok", "error") == AckPlan("CA", None)


def test_a_condition_outside_table_0155_is_an_error() -> None:
    with pytest.raises(StructureError) as caught:
        plan("XX", "", "ok")
    assert caught.value.where == "MSH-15"


def header(version: str = "2.5.1", extra: bytes = b"") -> bytes:
    start = b"MSH|^~\\&|SA^1.2^ISO|SF|RA|RF|20260101||OMS^O05^OMS_O05|C\\T\\1|T|"
    return start + version.encode() + extra + b"\rRQD|1\r"


def test_an_acknowledgement_swaps_the_parties_and_names_the_message() -> None:
    ack = build(peek(header()), "AA", "K1", MOMENT)

    assert ack == (b"MSH|^~\\&|RA|RF|SA^1.2^ISO|SF|20260301101500+0000||ACK^O05^ACK|K1|T|2.5.1\rMSA|AA|C\\T\\1\r")


@pytest.mark.parametrize(
    ("version", "msh9"),
    [
        ("2.1", "ACK"),
        ("2.2", "ACK"),
        ("2.3", "ACK^O05"),
        ("2.3.1", "ACK^O05"),
        ("2.4", "ACK^O05^ACK"),
        ("2.8", "ACK^O05^ACK"),
    ],
)
def test_msh_9_follows_the_version(version: str, msh9: str) -> None:
    assert build(peek(header(version)), "AA", "K1", MOMENT).split(b"|")[8].decode() == msh9


def test_errors_are_written_with_their_place_from_2_5() -> None:
    error = AckError("102", "not a number (NM)", "RQD[2]-5[1].1")
    ack = build(peek(header()), "AE", "K1", MOMENT, "see ERR", (error, AckError("207", "oops")))

    assert ack.split(b"\r")[1:-1] == [
        b"MSA|AE|C\\T\\1|see ERR",
        b"ERR||RQD^2^5^1^1|102^Data type error^HL70357|E||||not a number (NM)",
        b"ERR|||207^Application internal error^HL70357|E||||oops",
    ]


def test_errors_before_2_5_are_repetitions_of_err_1() -> None:
    error = AckError("101", "missing", "PID-3")
    ack = build(peek(header("2.3")), "AE", "K1", MOMENT, None, (error, AckError("207", "oops")))

    assert ack.split(b"\r")[2] == (
        b"ERR|PID^1^3^101&Required field missing&HL70357~^^^207&Application internal error&HL70357"
    )


@pytest.mark.parametrize("version", ["2.3", "2.5.1"])
def test_our_acknowledgement_reads_back(version: str) -> None:
    error = AckError("101", "missing", "RQD[2]-5")
    known = read(build(peek(header(version)), "CE", "K1", MOMENT, "a|b", (error,)))

    assert (known.code, known.control_id, known.text) == ("CE", "C&1", "a|b")
    assert known.is_accept_level
    assert not known.positive
    assert known.errors[0].where == "RQD[2]-5"
    assert known.errors[0].code == "101"


def test_separators_and_character_set_of_the_message_are_kept() -> None:
    body = b"MSH#*+!%#SA#SF#RA#RF#20260101##ADT*A01#C1#P#2.5######8859/1\r"
    ack = build(peek(body), "AE", "K1", MOMENT, "a#b")

    assert ack == b"MSH#*+!%#RA#RF#SA#SF#20260301101500+0000##ACK*A01*ACK#K1#P#2.5######8859/1\rMSA#AE#C1#a!F!b\r"


def test_a_wide_message_gets_a_wide_acknowledgement() -> None:
    ack = build(peek(header().decode().encode("utf-16-le")), "AA", "K1", MOMENT)

    assert Hl7Message.parse(ack).get("MSA-1") == "AA"


def test_the_same_id_and_moment_give_the_same_bytes() -> None:
    assert build(peek(header()), "AA", "K1", MOMENT) == build(peek(header()), "AA", "K1", MOMENT)


@pytest.mark.parametrize(
    "body",
    [header().replace(b"OMS^O05", b"ACK^O05"), header().replace(b"OMS^O05", b"MCF"), header() + b"MSA|AA|1\r"],
)
def test_an_acknowledgement_is_recognised_so_that_it_is_not_acknowledged(body: bytes) -> None:
    assert peek(body).is_acknowledgement
    assert not peek(header()).is_acknowledgement


@pytest.mark.parametrize(
    ("body", "where"),
    [
        (b"MSH|^~\\&|A\r", "MSA"),
        (b"MSH|^~\\&|A\rMSA|ZZ|1\r", "MSA-1"),
        (b"MSH|^~\\&|A\rMSA|AA\r", "MSA-2"),
        (b"junk", "MSH"),
    ],
)
def test_what_is_not_an_acknowledgement_is_refused(body: bytes, where: str) -> None:
    with pytest.raises(StructureError) as caught:
        read(body)
    assert caught.value.where == where


@pytest.mark.parametrize(
    "answer",
    [
        b"MSH|^~\\&|A|B|C|D|20260101||ACK|1|P|2.5\rMSA|AA|X1\r",
        b"MSH|^~\\&|A|B|C|D|20260101||ACK^A01^ACK|1|P|2.5.1\rMSA|CA|X1",
        b"MSH|^~\\&|A|B|C|D|20260101||ACK|1|P|2.5\rMSA|AA|X1||\rZAK|1\r",
    ],
)
def test_plain_reading_says_what_full_reading_says(answer: bytes) -> None:
    assert read_plain(answer) == read(answer)


@pytest.mark.parametrize(
    "answer",
    [
        b"MSH|^~\\&|A|B|C|D|20260101||ACK|1|P|2.5\rMSA|AE|X1\r",
        b"MSH|^~\\&|A|B|C|D|20260101||ACK|1|P|2.5\rMSA|AA|X^1\r",
        b"MSH|^~\\&|A|B|C|D|20260101||ACK|1|P|2.5\rMSA|AA|X1|text\r",
        b"MSH|^~\\&|A|B|C|D|20260101||ACK|1|P|2.5\rMSA|AA|X1\rERR||\r",
        b"MSH$^~\\&$A$B$C$D$20260101$$ACK$1$P$2.5\rMSA$AA$X1\r",
        b"MSH|^~\\&|A|B|C|D|20260101||ACK|1|P|2.5\rMSA|AA\r",
        b"junk",
        b"",
    ],
)
def test_plain_reading_leaves_everything_else_to_full_reading(answer: bytes) -> None:
    assert read_plain(answer) is None
