"""A due time to an AccountReportingRequest. Source: ISO 20022, camt.060.001.07.

Asked for are all days since the last banking day, that one included, up to yesterday. The same due time makes the same
bytes, so that a request that is made again is known.
"""

import re
from collections.abc import Iterator
from datetime import date, datetime, timedelta

from engine.sdk import DataTypeError, DocumentError, Filtered, JsonMessage, Lookup

REQUEST = """\
<?xml version="1.0" encoding="UTF-8"?>
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.060.001.07">
  <AcctRptgReq>
    <GrpHdr>
      <MsgId>{number}</MsgId>
      <CreDtTm>{asked_at}</CreDtTm>
    </GrpHdr>
    <RptgReq>
      <Id>{number}</Id>
      <ReqdMsgNmId>{report}</ReqdMsgNmId>
      <Acct><Id><Othr><Id>{account}</Id><SchmeNm><Prtry>ALIAS</Prtry></SchmeNm></Othr></Id></Acct>
      <AcctOwnr><Pty><Nm>Harbor Health</Nm></Pty></AcctOwnr>
      <RptgPrd>
        <FrToDt><FrDt>{first}</FrDt><ToDt>{last}</ToDt></FrToDt>
        <Tp>ALLL</Tp>
      </RptgPrd>
    </RptgReq>
  </AcctRptgReq>
</Document>
"""
YESTERDAY, SATURDAY = timedelta(days=1), 5


def transform(message: JsonMessage, bank_holidays: Lookup) -> bytes | Filtered:
    due = moment(message)
    if not is_open(due.date(), bank_holidays):
        return Filtered("the bank is closed")
    request = REQUEST.format(
        number=f"STMT-{due.date().isoformat()}",
        asked_at=due.isoformat(),
        report=name(message, "report"),
        account=name(message, "account"),
        first=next(day for day in before(due.date()) if is_open(day, bank_holidays)),
        last=due.date() - YESTERDAY,
    )
    return request.encode()


def moment(message: JsonMessage) -> datetime:
    try:
        return datetime.fromisoformat(message.require("local_time"))
    except ValueError:
        raise DataTypeError("not a time (ISO 8601)", where="local_time") from None


def name(message: JsonMessage, path: str) -> str:
    """As the bank gave it: of characters that mean nothing in XML, 34 at most (Max34Text)."""
    text = message.require(path)
    if not re.fullmatch(r"[A-Za-z0-9.-]{1,34}", text):
        raise DataTypeError("not a name of letters, digits, points and hyphens", where=path)
    return text


def before(day: date) -> Iterator[date]:
    while True:
        day -= YESTERDAY
        yield day


def is_open(day: date, holidays: Lookup) -> bool:
    """Raises DocumentError: nobody has told us the holidays of that year."""
    if not any(holiday.startswith(f"{day.year}-") for holiday in holidays):
        remedy = "add the year's days to config/crosswalks/bank_holidays, deploy, then resend"
        raise DocumentError(f"the bank's holidays of {day.year} are not known", where="local_time", remedy=remedy)
    return day.weekday() < SATURDAY and day.isoformat() not in holidays
