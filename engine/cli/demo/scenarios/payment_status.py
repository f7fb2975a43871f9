"""SC3: where is my money? ERP, bank and portal each know a part; suppliers hear one thing, of their own invoices."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal

from engine.cli.demo.scenarios import masters, trade
from engine.cli.demo.scenarios.hospital import Hospital
from engine.cli.demo.scenarios.model import Scenario, Variant
from engine.cli.demo.scenarios.payment_portal import SupplierProgram, program_of
from engine.cli.demo.scenarios.telling import Teller
from engine.cli.demo.scenarios.trade import Wanted

SUPPLIER, OTHER = "S1001", "S1005"  # Alderbrook Surgical Supply, Eastfold Catheter Company
TROCARS = (Wanted("M10001", 12, Decimal("21.40")), Wanted("M10002", 6, Decimal("18.75")))  # 256.80 + 112.50
TOTAL = "369.30"
_NOTICE = """<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.054.001.08"><BkToCstmrDbtCdtNtfctn>
<GrpHdr><MsgId>{message}</MsgId><CreDtTm>{at}</CreDtTm></GrpHdr><Ntfctn>
<Ntry><Amt Ccy="USD">{amount}</Amt><CdtDbtInd>{side}</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts>
<NtryDtls><TxDtls><Refs><EndToEndId>{payment}</EndToEndId></Refs>{returned}</TxDtls></NtryDtls></Ntry>
</Ntfctn></BkToCstmrDbtCdtNtfctn></Document>"""
_RETURN = "<RtrInf><Rsn><Cd>MS03</Cd></Rsn></RtrInf>"
_REFUSAL = """<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pain.002.001.03"><CstmrPmtStsRpt>
<GrpHdr><MsgId>{message}</MsgId><CreDtTm>{at}</CreDtTm></GrpHdr><OrgnlPmtInfAndSts><TxInfAndSts><StsId>1</StsId>
<OrgnlEndToEndId>{payment}</OrgnlEndToEndId><TxSts>RJCT</TxSts><StsRsnInf><Rsn><Cd>MS03</Cd></Rsn></StsRsnInf>
</TxInfAndSts></OrgnlPmtInfAndSts></CstmrPmtStsRpt></Document>"""


async def prepare(hospital: Hospital) -> None:
    """Orders whose goods came and whose invoices are here: all of them are posted, none is paid."""
    await masters.suppliers_and_items(hospital, [SUPPLIER, OTHER], "SC3ITEMS")
    await hospital.quiet()
    for letter in "ABCDE":
        await trade.buy(hospital, f"SC3{letter}", SUPPLIER, TROCARS)
        await trade.receive(hospital, f"SC3{letter}-R1", f"SC3{letter}", SUPPLIER, TROCARS)
        trade.bill(hospital, f"SC3{letter}-I1", SUPPLIER, f"SC3{letter}", TROCARS)


# ------------------------------------------------------------------ the three that tell of payments
def treasury(hospital: Hospital, letter: str, state: str) -> None:
    """The ERP's treasury: a check over the invoice of this course."""
    told = {"payment": f"SC3{letter}-CK", "supplier": SUPPLIER, "amount": TOTAL, "method": "check", "state": state}
    about = {"pay_on": trade.today().isoformat(), "at": datetime.now(UTC).isoformat()}
    invoices = [{"invoice": f"SC3{letter}-I1", "amount": TOTAL}]
    hospital.file("treasury_payments_in", f"SC3{letter}-{state}.json", _json(told | about | {"invoices": invoices}))


def bank(hospital: Hospital, letter: str, *, back: bool = False) -> None:
    """The bank's notice (camt.054): it has paid the check, or got the money back."""
    side, returned = ("CRDT", _RETURN) if back else ("DBIT", "")
    text = _NOTICE.format(side=side, returned=returned, amount=TOTAL, **_names(letter, side))
    hospital.file("bank_reports_in", f"SC3{letter}-{side}.xml", text.encode())


def bank_refuses(hospital: Hospital, letter: str) -> None:
    """The bank's answer to the order (pain.002)."""
    hospital.file("bank_reports_in", f"SC3{letter}-RJCT.xml", _REFUSAL.format(**_names(letter, "RJCT")).encode())


def _names(letter: str, what: str) -> dict[str, str]:
    at = datetime.now(UTC).replace(microsecond=0).isoformat()
    return {"message": f"SC3{letter}-{what}", "payment": f"SC3{letter}-CK", "at": at}


async def portal(hospital: Hospital, letter: str, state: str) -> None:
    told = {"notice": f"SC3{letter}-{state}", "payment": f"SC3{letter}-CK", "state": state, "amount": TOTAL}
    await hospital.post("portal_payments_in", told | {"at": datetime.now(UTC).isoformat()}, f"SC3{letter}-{state}")


def _json(value: object) -> bytes:
    return json.dumps(value).encode()


# ------------------------------------------------------------------ what is seen
async def payment(hospital: Hospital, letter: str) -> str | None:
    """As accounts payable see it."""
    found = await hospital.invoice(SUPPLIER, f"SC3{letter}-I1")
    return found.payment if found else None


async def told(program: SupplierProgram, letter: str) -> str | None:
    return (await program.invoice(f"SC3{letter}-I1")).payment


async def cases(hospital: Hospital, letter: str) -> list[str]:
    return sorted(f"{row.type} {row.amount} {row.owner}" for row in await hospital.cases(f"SC3{letter}-CK"))


async def posted(hospital: Hospital, tell: Teller, letter: str) -> SupplierProgram:
    await tell.sees("Alderbrook's invoice over 369.30 is posted in the ERP", TOTAL,
                    lambda: trade.in_erp(hospital, "Invoice", f"{SUPPLIER}/SC3{letter}-I1"))  # fmt: skip
    return await program_of(hospital, SUPPLIER)


async def both_see(hospital: Hospital, tell: Teller, program: SupplierProgram, letter: str, word: str) -> None:
    await tell.sees("Accounts payable see", word, lambda: payment(hospital, letter))
    await tell.sees("and the supplier is told the same", word, lambda: told(program, letter))


# ------------------------------------------------------------------ the courses
async def play_agree(hospital: Hospital, tell: Teller) -> None:
    program = await posted(hospital, tell, "A")
    found = await program.invoice("SC3A-I1")
    tell.does("Its program asks where the money is, instead of calling accounts payable.")
    await tell.sees("The invoice is", "approved", lambda: _value(found.body["state"]))
    tell.does("Treasury sends a check over 369.30.")
    treasury(hospital, "A", "sent")
    await both_see(hospital, tell, program, "A", "transmitted")
    tell.does("The portal says that it was mailed, then the bank that it was cashed.")
    await portal(hospital, "A", "mailed")
    bank(hospital, "A")
    await both_see(hospital, tell, program, "A", "settled")
    tell.does("Treasury ticks it off.")
    treasury(hospital, "A", "reconciled")
    await both_see(hospital, tell, program, "A", "reconciled")
    await tell.stays("All three agree: nobody has to look", [], lambda: cases(hospital, "A"))


async def play_returned(hospital: Hospital, tell: Teller) -> None:
    program = await posted(hospital, tell, "B")
    tell.does("Treasury sends a check over 369.30, and the bank pays it.")
    treasury(hospital, "B", "sent")
    bank(hospital, "B")
    await both_see(hospital, tell, program, "B", "settled")
    tell.does("Then the bank gets the money back and credits 369.30. The ERP still has it as sent.")
    bank(hospital, "B", back=True)
    await both_see(hospital, tell, program, "B", "returned")
    await tell.sees("No day of payment is told any more", None, lambda: paid_on(program, "B"))
    await tell.sees("Somebody must pay it anew", ["payment_returned 369.30 treasury"],
                    lambda: cases(hospital, "B"))  # fmt: skip


async def play_disagree(hospital: Hospital, tell: Teller) -> None:
    program = await posted(hospital, tell, "C")
    tell.does("Treasury sends a check over 369.30. The portal shows it as paid; the bank says that it refused it.")
    treasury(hospital, "C", "sent")
    await portal(hospital, "C", "paid")
    bank_refuses(hospital, "C")
    await tell.sees("Accounts payable see that they contradict each other", "disputed", lambda: payment(hospital, "C"))
    await tell.sees("The supplier is told neither: it is looked into", "in_review", lambda: told(program, "C"))
    await tell.sees("Somebody is asked, with what is at stake", ["payment_disputed 369.30 treasury"],
                    lambda: cases(hospital, "C"))  # fmt: skip
    tell.does("The portal's operator finds a mistake, and the portal says: it came back.")
    await portal(hospital, "C", "returned")
    await both_see(hospital, tell, program, "C", "rejected")
    await tell.sees("Now they agree that it must be paid anew", ["payment_rejected 369.30 treasury"],
                    lambda: cases(hospital, "C"))  # fmt: skip


async def play_erp_down(hospital: Hospital, tell: Teller) -> None:
    program = await posted(hospital, tell, "D")
    treasury(hospital, "D", "sent")
    await both_see(hospital, tell, program, "D", "transmitted")
    tell.does("The ERP's process is killed. The bank tells that the check was cashed.")
    await hospital.erp.kill()
    bank(hospital, "D")
    await both_see(hospital, tell, program, "D", "settled")
    tell.does("The ERP is started again.")
    await hospital.erp.restart()
    await tell.sees("Its invoice is there as before, over", TOTAL,
                    lambda: trade.in_erp(hospital, "Invoice", f"{SUPPLIER}/SC3D-I1"))  # fmt: skip
    await tell.stays("Nobody has to look", [], lambda: cases(hospital, "D"))


async def play_own_only(hospital: Hospital, tell: Teller) -> None:
    program = await posted(hospital, tell, "E")
    other, nobody = await program_of(hospital, OTHER), SupplierProgram(hospital, "")
    tell.does("Three programs ask for Alderbrook's invoice SC3E-I1: Alderbrook's, Eastfold's, and one without a token.")
    await tell.sees("Alderbrook's is answered", 200, lambda: _status(program))
    await tell.sees("For Eastfold's there is no such invoice", 404, lambda: _status(other))
    await tell.sees("Who shows no token is told nothing", 401, lambda: _status(nobody))
    mine, theirs = await program.invoices(), await other.invoices()
    await tell.sees("In Alderbrook's list it is", True, lambda: _value("SC3E-I1" in mine))
    await tell.sees("In Eastfold's there is none of Alderbrook's", [],
                    lambda: _value([one for one in theirs if one.startswith("SC3")]))  # fmt: skip


async def paid_on(program: SupplierProgram, letter: str) -> str | None:
    found: str | None = (await program.invoice(f"SC3{letter}-I1")).body["paid_on"]
    return found


async def _status(program: SupplierProgram) -> int:
    return (await program.invoice("SC3E-I1")).status


async def _value(value: object) -> object:
    return value


PAYMENT_STATUS = Scenario(
    "SC3",
    "Where is my money? ERP, bank and portal say one thing together, to each supplier of its own invoices",
    "Suppliers call because the portal, the ERP and the bank each know a part. Here one answer follows from all three; "
    "where they contradict each other a person is asked, and the supplier is not told what may be wrong.",
    variants=(
        Variant("agree", "A check from its sending until it is ticked off", play_agree),
        Variant("bank-returns", "The bank gets the money back after it had paid", play_returned),
        Variant("portal-disagrees", "The portal says paid, the bank says refused", play_disagree),
        Variant("erp-down", "The ERP is down when the bank tells", play_erp_down),
        Variant("own-only", "Other programs ask for the same invoice", play_own_only),
    ),
    prepare=prepare,
)
