"""820 as data; see purchase_order.py for the notation.

Tax, deduction, payroll and royalty remittances (TXP, DED, LX, RYL …) are sets of their own kind within 820; their
loops are here so far as they keep the set whole.
"""

from __future__ import annotations


def _deeper(block: str, blanks: int) -> str:
    return "".join(f"{' ' * blanks}{line}\n" for line in block.splitlines() if line.strip())


_ITEM = """
IT1 O 0
  REF O 0
    DTM O 1
  SAC O 0
    TXI O 0
  SLN O 0
    REF O 0
      DTM O 0
    SAC O 0
      TXI O 0
"""

_ADJUSTMENT = f"""
ADX O 0
  NTE O 0
  PER O 0
  REF O 0
    DTM O 0
{_deeper(_ITEM, 2)}
"""

SETS = {
    "820": f"""
ST M 1
BPR M 1
NTE O 0
TRN O 1
CUR O 1
REF O 0
DTM O 0
N1 O 0
  N2 O 0
  N3 O 0
  N4 O 1
  REF O 0
  PER O 0
  RDM O 1
  DTM O 1
ENT O 0
  NM1 O 0
    N2 O 0
    N3 O 0
    N4 O 1
    REF O 0
    PER O 0
{_deeper(_ADJUSTMENT.replace("  REF O 0", "  DTM O 1" + chr(10) + "  REF O 0", 1), 2)}
  RMR O 0
    NTE O 0
    REF O 0
    DTM O 0
{_deeper(_ITEM, 4)}
{_deeper(_ADJUSTMENT, 4)}
TXP O 0
  TXI O 0
DED O 0
LX O 0
  REF O 0
  TRN O 0
  NM1 O 0
    REF O 0
    G53 O 1
    AIN O 0
      QTY O 0
      DTP O 0
    PEN O 0
      AMT O 0
      DTP O 0
      INV O 0
        DTP O 0
N9 O 1
  AMT O 0
    REF O 0
  N1 O 0
    REF O 0
    EMS O 0
      ATN O 0
      AIN O 0
      PYD O 0
RYL O 0
  NM1 O 0
    LOC O 0
      PID O 0
        DTM O 1
        PCT O 0
          QTY O 1
          AMT O 0
            ADX O 0
    ASM O 1
      ADX O 1
SE M 1
""",
}
