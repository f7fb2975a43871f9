"""Banks' files as facts about payments; broken ones are refused with their place."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.canonical import ReportSource
from engine.core.errors import IsthmusError, StructureError
from engine.mapping.bank import report_of
from engine.protocols.bank import read_ach_returns, read_camt_054, read_pain_002

PAIN = b"""<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pain.002.001.03"><CstmrPmtStsRpt>
<GrpHdr><MsgId>M1</MsgId><CreDtTm>2026-11-17T09:00:00</CreDtTm></GrpHdr><OrgnlPmtInfAndSts>
<TxInfAndSts><OrgnlEndToEndId>P1</OrgnlEndToEndId><TxSts>ACSC</TxSts></TxInfAndSts>
<TxInfAndSts><StsId>9</StsId><OrgnlEndToEndId>P2</OrgnlEndToEndId><TxSts>RJCT</TxSts>
<StsRsnInf><Rsn><Cd>AC01</Cd></Rsn></StsRsnInf>
<OrgnlTxRef><Amt><InstdAmt Ccy="USD">100.50</InstdAmt></Amt></OrgnlTxRef></TxInfAndSts>
</OrgnlPmtInfAndSts></CstmrPmtStsRpt></Document>"""
CAMT = b"""<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.054.001.08"><BkToCstmrDbtCdtNtfctn>
<GrpHdr><MsgId>N1</MsgId><CreDtTm>2026-11-18T09:00:00Z</CreDtTm></GrpHdr><Ntfctn>
<Ntry><Amt Ccy="USD">100.00</Amt><CdtDbtInd>DBIT</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts>
<BookgDt><Dt>2026-11-17</Dt></BookgDt>
<NtryDtls><TxDtls><Refs><EndToEndId>P1</EndToEndId></Refs></TxDtls></NtryDtls></Ntry>
<Ntry><Amt Ccy="USD">100.00</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts>BOOK</Sts>
<NtryDtls><TxDtls><Refs><EndToEndId>P1</EndToEndId></Refs><RtrInf><Rsn><Cd>AC04</Cd></Rsn></RtrInf></TxDtls></NtryDtls>
</Ntry>
<Ntry><Amt Ccy="USD">7.00</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts>BOOK</Sts></Ntry>
</Ntfctn></BkToCstmrDbtCdtNtfctn></Document>"""


def ach(addenda: str) -> bytes:
    header = "101 021000021 0910000192611190900A094101HARBOR HEALTH          FIRST BANK".ljust(94)
    entry = "6" + "21" + "02100002" + "1" + "00012345678".ljust(17) + "0000010000" + "P1".ljust(15) + "ACME".ljust(22)
    return "\n".join(
        (header, "5".ljust(94), entry.ljust(78) + "1" + "091000010000007", addenda.ljust(79) + "091000010000007")
    ).encode()


def test_pain_002_says_what_became_of_each_order() -> None:
    first, second = read_pain_002(PAIN)

    assert (first.payment, first.state, first.told_on) == ("P1", "settled", date(2026, 11, 17))
    assert (second.number, second.state, second.reason_code, second.amount) == (
        "M1-9",
        "rejected",
        "AC01",
        Decimal("100.50"),
    )


def refused(group: str = "", batch: str = "") -> bytes:
    told = f"<OrgnlGrpInfAndSts><OrgnlMsgId>RUN-7</OrgnlMsgId>{group}</OrgnlGrpInfAndSts>"
    told += f"<OrgnlPmtInfAndSts>{batch}</OrgnlPmtInfAndSts>" if batch else ""
    return PAIN[: PAIN.index(b"<OrgnlPmtInfAndSts>")] + told.encode() + b"</CstmrPmtStsRpt></Document>"


@pytest.mark.parametrize(
    ("group", "batch", "place"),
    [
        ("<GrpSts>RJCT</GrpSts>", "", "GrpSts"),
        ("<GrpSts>PART</GrpSts>", "", "GrpSts"),
        ("<GrpSts>ACCP</GrpSts>", "<PmtInfSts>RJCT</PmtInfSts>", "PmtInfSts"),
    ],
)
def test_a_file_that_the_bank_refuses_without_naming_payments_is_not_passed_over(
    group: str, batch: str, place: str
) -> None:
    with pytest.raises(StructureError) as caught:
        read_pain_002(refused(group, batch))

    assert caught.value.where == place


def test_a_file_that_the_bank_takes_says_nothing_of_its_payments() -> None:
    assert read_pain_002(refused("<GrpSts>ACCP</GrpSts>")) == []


def test_of_a_file_that_is_partly_taken_the_named_payments_are_told() -> None:
    part = PAIN.replace(b"<OrgnlPmtInfAndSts>", b"<OrgnlGrpInfAndSts><GrpSts>PART</GrpSts></OrgnlGrpInfAndSts>"
                        b"<OrgnlPmtInfAndSts><PmtInfSts>PART</PmtInfSts>")  # fmt: skip

    assert [one.state for one in read_pain_002(part)] == ["settled", "rejected"]


def test_camt_054_tells_debits_and_returns_and_no_other_credits() -> None:
    paid, back = read_camt_054(CAMT)

    assert (paid.state, paid.payment, paid.happened_on, paid.amount) == (
        "settled",
        "P1",
        date(2026, 11, 17),
        Decimal(100),
    )
    assert (back.state, back.payment, back.reason_code) == ("returned", "P1", "AC04")


def test_an_ach_return_names_the_payment_its_trace_and_its_reason() -> None:
    (word,) = read_ach_returns(ach("799R02091000019000123      02100002"))

    assert (word.state, word.reason_code, word.payment, word.reference) == ("returned", "R02", "P1", "091000019000123")
    assert (word.amount, word.told_on) == (Decimal("100.00"), date(2026, 11, 19))


def test_a_notice_of_change_has_the_new_account_and_does_not_show_it() -> None:
    (word,) = read_ach_returns(ach("798C01091000019000123      0210000299988877766"))

    report = report_of(word, ReportSource.ACH_RETURN, "FIRST")

    assert (word.state, word.corrected) == ("corrected", "99988877766")
    assert "99988877766" not in f"{word!r}{report!r}"


@pytest.mark.parametrize(
    ("reader", "body"),
    [(read_ach_returns, b"1 too short"), (read_ach_returns, b""), (read_pain_002, CAMT), (read_camt_054, PAIN)],
)  # fmt: skip
def test_another_file_is_refused(reader: object, body: bytes) -> None:
    with pytest.raises(StructureError):
        reader(body)  # type: ignore[operator]


@given(st.binary(max_size=300) | st.text("0123456789R \n", max_size=300).map(str.encode))
def test_no_bytes_crash_a_reader(body: bytes) -> None:
    for reader in (read_ach_returns, read_pain_002, read_camt_054):
        try:
            reader(body)
        except IsthmusError:
            continue
