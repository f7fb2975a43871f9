"""810 as data; see purchase_order.py for the notation."""

from __future__ import annotations

_PARTY = """
N1 O 200
  N2 O 2
  N3 O 2
  N4 O 1
  REF O 12
  PER O 3
  DMG O 1
"""


def _indented(block: str) -> str:
    return block.replace("\n", "\n  ").rstrip(" ")


SETS = {
    "810": f"""
ST M 1
BIG M 1
NTE O 100
CUR O 1
REF O 12
YNQ O 10
PER O 3
{_PARTY}
ITD O 0
DTM O 10
FOB O 1
PID O 200
MEA O 40
PWK O 25
PKG O 25
L7 O 1
BAL O 0
INC O 1
PAM O 0
LM O 10
  LQ M 100
N9 O 1
  MSG M 10
V1 O 0
  R4 O 0
  DTM O 0
FA1 O 0
  FA2 M 0
IT1 O 200000
  CRC O 1
  QTY O 5
  CUR O 1
  IT3 O 5
  TXI O 10
  CTP O 25
  PAM O 10
  MEA O 40
  PID O 1000
    MEA O 10
  PWK O 25
  PKG O 25
  PO4 O 1
  ITD O 2
  REF O 0
  YNQ O 10
  PER O 5
  SDQ O 500
  DTM O 10
  CAD O 0
  L7 O 0
  SR O 1
  SAC O 25
    TXI O 10
  SLN O 1000
    DTM O 1
    REF O 0
    PID O 1000
    SAC O 25
    TC2 O 2
    TXI O 10
  {_indented(_PARTY)}
  LM O 10
    LQ M 100
  V1 O 0
    R4 O 0
    DTM O 0
  FA1 O 0
    FA2 M 0
TDS M 1
TXI O 10
CAD O 1
AMT O 0
SAC O 25
  TXI O 10
ISS O 0
  PID O 1
CTT O 1
SE M 1
""",
}
