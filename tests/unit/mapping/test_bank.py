"""Banks' files are told apart by their beginning and become documents of the process."""

from __future__ import annotations

import pytest

from engine.canonical import BankState, ReportSource
from engine.core.errors import StructureError
from engine.mapping.bank import bank_reports
from engine.protocols.bytes_message import BytesMessage

PAIN = (
    b'<?xml version="1.0"?><ns2:Document xmlns:ns2="urn:x"><ns2:CstmrPmtStsRpt><ns2:GrpHdr><ns2:MsgId>M1</ns2:MsgId>'
    b"<ns2:CreDtTm>2026-11-17T09:00:00</ns2:CreDtTm></ns2:GrpHdr><ns2:OrgnlPmtInfAndSts><ns2:TxInfAndSts>"
    b"<ns2:OrgnlEndToEndId>P1</ns2:OrgnlEndToEndId><ns2:TxSts>RJCT</ns2:TxSts></ns2:TxInfAndSts>"
    b"</ns2:OrgnlPmtInfAndSts></ns2:CstmrPmtStsRpt></ns2:Document>"
)
CAMT_053 = PAIN.replace(b"CstmrPmtStsRpt", b"BkToCstmrStmt").replace(
    b"<ns2:OrgnlPmtInfAndSts>", b"<ns2:Ntry><ns2:Amt Ccy='USD'>5.00</ns2:Amt><ns2:CdtDbtInd>DBIT</ns2:CdtDbtInd>"
    b"<ns2:Sts>BOOK</ns2:Sts>",
).replace(b"</ns2:OrgnlPmtInfAndSts>", b"</ns2:Ntry>")  # fmt: skip
BAI2 = (
    b"01,021000021,HARBOR,261119,0530,7,80,,2/\n02,HARBOR,021000021,1,261118,2359,USD,2/\n03,1,,010,0,,/\n"
    b"16,475,45050,0,BK991,1042,/\n49,45050,3/\n98,45050,1,5/\n99,45050,1,7/\n"
)


@pytest.mark.parametrize(
    ("body", "source", "state", "key"),
    [
        (PAIN, ReportSource.PAIN_002, BankState.REJECTED, "pain.002/FIRST/M1-1"),
        (CAMT_053, ReportSource.CAMT_053, BankState.SETTLED, "camt.053/FIRST/M1-1-1"),
        (BAI2, ReportSource.BAI2, BankState.SETTLED, "bai2/FIRST/021000021-261119-7-4"),
    ],
    ids=["pain.002", "camt.053", "BAI2"],
)
def test_a_file_is_known_by_its_beginning(body: bytes, source: ReportSource, state: BankState, key: str) -> None:
    (report,) = bank_reports(BytesMessage(body), "FIRST")

    assert (report.source, report.state, report.natural_key) == (source, state, key)


@pytest.mark.parametrize("body", [b"", b"ISA*00*", b"<Document><pain.001/></Document>", b"\xff\xfe01,"])
def test_what_no_bank_sends_is_refused(body: bytes) -> None:
    with pytest.raises(StructureError, match="bank's file"):
        bank_reports(BytesMessage(body), "FIRST")
