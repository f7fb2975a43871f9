"""850, 855 and 860 as data: segment, M or O, greatest use (0: unlimited); an indented block is a loop under its head.

Facts of X12's set tables as partners' guides show them; 005010 adds nothing that the supply chain's guides use.
"""

from __future__ import annotations

_PARTY = """
N1 O 200
  N2 O 2
  N3 O 2
  N4 O 0
  NX2 O 0
  REF O 12
  PER O 0
  SI O 0
  FOB O 1
  TD1 O 2
  TD5 O 12
  TD3 O 12
  TD4 O 5
  PKG O 200
"""

_LINE = """
  LIN O 0
  SI O 0
  CUR O 1
  CN1 O 1
  PO3 O 25
  CTP O 0
    CUR O 1
  PAM O 10
  MEA O 40
  PID O 1000
    MEA O 10
  PWK O 25
  PO4 O 0
  REF O 0
  PER O 3
  SAC O 25
    CUR O 1
    CTP O 1
  IT8 O 0
  CSH O 0
  ITD O 2
  DIS O 20
  INC O 1
  TAX O 0
  FOB O 0
  SDQ O 500
  IT3 O 5
  DTM O 10
  TC2 O 0
  TD1 O 1
  TD5 O 12
  TD3 O 12
  TD4 O 5
  PCT O 0
  MAN O 10
  MSG O 0
  SPI O 0
  TXI O 0
  CTB O 0
  QTY O 0
    SI O 0
  SCH O 200
    TD1 O 2
    TD5 O 12
    TD3 O 12
    TD4 O 5
    REF O 0
  PKG O 200
    MEA O 0
  LS O 1
  LDT O 0
    QTY O 0
    MSG O 1
    REF O 3
    LM O 0
      LQ M 100
  LE O 1
  N9 O 1000
    DTM O 0
    MEA O 40
    PWK O 0
    EFI O 0
    MSG O 1000
  N1 O 200
    N2 O 2
    N3 O 2
    N4 O 1
    QTY O 0
    NX2 O 0
    REF O 12
    PER O 3
    SI O 0
    DTM O 1
    FOB O 1
    SCH O 200
    TD1 O 2
    TD5 O 12
    TD3 O 12
    TD4 O 5
    PKG O 200
    LDT O 0
      MAN O 10
      QTY O 5
      MSG O 1
      REF O 3
  SLN O 1000
    MSG O 0
    SI O 0
    PID O 1000
    PO3 O 104
    TC2 O 0
    SAC O 10
      CUR O 1
      CTP O 1
    DTM O 10
    CTP O 25
    PAM O 10
    PO4 O 1
    TAX O 3
    N9 O 0
      DTM O 0
      MSG O 0
    N1 O 10
      N2 O 2
      N3 O 2
      N4 O 1
      NX2 O 0
      REF O 12
      PER O 3
      SI O 0
    QTY O 0
      SI O 0
  AMT O 0
    REF O 1
    PCT O 0
  LM O 0
    LQ M 100
"""

_TERMS = """
PER O 3
TAX O 0
FOB O 0
CTP O 0
PAM O 10
CSH O 5
SAC O 25
  CUR O 1
ITD O 0
DIS O 20
INC O 1
DTM O 10
"""

_GOODS = """
LIN O 5
SI O 0
PID O 200
MEA O 40
PWK O 25
PKG O 200
TD1 O 2
TD5 O 12
TD3 O 12
TD4 O 5
MAN O 10
PCT O 0
CTB O 0
TXI O 0
LDT O 0
  QTY O 0
  MTX O 0
  REF O 0
AMT O 0
  REF O 1
  DTM O 1
  PCT O 0
  FA1 O 0
    FA2 M 0
N9 O 1000
  DTM O 0
  PWK O 0
  EFI O 0
  MSG O 1000
"""

_SPECIFICATION = """
LM O 0
  LQ M 100
SPI O 0
  REF O 5
  DTM O 5
  MSG O 50
  N1 O 20
    N2 O 2
    N3 O 2
    N4 O 1
    REF O 20
    G61 O 1
    MSG O 50
  CB1 O 0
    REF O 20
    DTM O 5
    LDT O 1
    MSG O 50
ADV O 0
  DTM O 0
  MTX O 0
"""

SETS = {
    "850": (
        "ST M 1\nBEG M 1\nCUR O 1\nREF O 0"
        + (_TERMS + _GOODS + _PARTY + _SPECIFICATION)
        + ("PO1 M 100000" + _LINE + "CTT O 1\n  AMT O 1\nSE M 1")
    ),
    "855": (
        "ST M 1\nBAK M 1\nCUR O 1\nREF O 0"
        + (_TERMS + _GOODS + _PARTY + _SPECIFICATION)
        + ("PO1 O 100000" + _LINE.replace("  SCH O 200\n", "  ACK O 104\n    DTM O 1\n  SCH O 200\n", 1))
        + "CTT O 1\n  AMT O 1\nSE M 1"
    ),
    "860": (
        "ST M 1\nBCH M 1\nCUR O 1\nREF O 0"
        + (_TERMS + _GOODS + _PARTY + _SPECIFICATION)
        + ("POC O 0" + _LINE + "CTT O 1\n  AMT O 1\nSE M 1")
    ),
}
