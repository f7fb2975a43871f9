"""Invented X12: a right interchange whose parts a test can replace."""

from __future__ import annotations

from collections.abc import Sequence

from engine.protocols.x12 import EnvelopePolicy, PartnerIdentity, Separators

ISA = "ISA*00*          *00*          *ZZ*LAKESIDE       *ZZ*HARBORHEALTH   *261120*0815*U*00401*000000501*0*P*>"
GS = "GS*PO*LAKESIDE*HARBORHEALTH*20261120*0815*501*X*004010"
BEG = "BEG*00*NE*PO-4711**20261120"
PO1 = "PO1*1*10*EA*12.50**IN*100234*VN*LS-88"
ORDER = (BEG, "REF*IA*S1001", "DTM*002*20261201", "N1*ST*HARBOR MAIN*92*HM01", PO1, "PID*F****GAUZE 4X4", "CTT*1")
BIG = "BIG*20261120*INV-9*20261101*PO-4711***DI"
INVOICE = (BIG, "REF*IA*S1001", "IT1*1*10*EA*12.50**IN*100234", "TDS*12500", "CTT*1")


def transaction_set(body: Sequence[str] = ORDER, code: str = "850", number: str = "0001") -> list[str]:
    return [f"ST*{code}*{number}", *body, f"SE*{len(body) + 2}*{number}"]


def segments(body: Sequence[str] = ORDER, code: str = "850", group: str = "PO") -> list[str]:
    """A whole interchange of one group and one set, as a list of segments."""
    gs = GS.replace("GS*PO", f"GS*{group}")
    return [ISA, gs, *transaction_set(body, code), "GE*1*501", "IEA*1*000000501"]


def interchange(body: Sequence[str] = ORDER, code: str = "850", group: str = "PO", end: str = "~") -> bytes:
    return "".join(one + end for one in segments(body, code, group)).encode()


def partner(
    version: str = "004010",
    policy: EnvelopePolicy = EnvelopePolicy.STRICT,
    separators: Separators = Separators(repetition="^"),  # noqa: B008 - a frozen value
) -> PartnerIdentity:
    return PartnerIdentity(
        name="lakeside",
        isa_qualifier="ZZ",
        isa_id="LAKESIDE",
        gs_id="LAKESIDE",
        our_isa_qualifier="ZZ",
        our_isa_id="HARBORHEALTH",
        our_gs_id="HARBORHEALTH",
        version=version,
        envelope=policy,
        separators=separators,
    )
