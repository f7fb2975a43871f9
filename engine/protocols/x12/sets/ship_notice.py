"""856 as data; see purchase_order.py for the notation. All levels (S, O, T, P, I) are turns of the one HL loop.

Dangerous goods (LH1) are known by their segments only; `hierarchy.py` checks how the levels hang together.
"""

from __future__ import annotations

SETS = {
    "856": """
ST M 1
BSN M 1
DTM O 10
HL M 200000
  LIN O 1
  SN1 O 1
  SLN O 1000
  PRF O 1
  PO4 O 1
  PID O 200
  MEA O 40
  PWK O 25
  PKG O 25
  TD1 O 20
  TD5 O 12
  TD3 O 12
  TD4 O 5
  TSD O 1
  REF O 0
  PER O 3
  LH1 O 100
    LH2 O 4
    LH3 O 12
    LFH O 20
    LEP O 0
    LH4 O 1
    LHT O 3
    LHR O 10
    PER O 5
    LHE O 1
  CLD O 200
    REF O 200
    DTP O 1
  MAN O 0
  DTM O 10
  FOB O 1
  PAL O 1
  N1 O 200
    N2 O 2
    N3 O 2
    N4 O 1
    REF O 12
    PER O 3
    FOB O 1
  SDQ O 50
  ETD O 1
  CUR O 1
  SAC O 0
    CUR O 1
  GF O 1
  YNQ O 10
  LM O 10
    LQ M 100
  V1 O 0
    R4 O 0
    DTM O 0
CTT O 1
SE M 1
""",
}
