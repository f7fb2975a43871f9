"""824 as data; see purchase_order.py for the notation. It tells what an application did with a set that was read."""

from __future__ import annotations

SETS = {
    "824": """
ST M 1
BGN M 1
N1 O 0
  N2 O 2
  N3 O 2
  N4 O 1
  REF O 12
  PER O 3
OTI M 0
  REF O 12
  DTM O 2
  PER O 3
  AMT O 0
  QTY O 0
  NM1 O 9
  TED O 0
    NTE O 100
    RED O 100
  LM O 0
    LQ M 100
      RED O 100
SE M 1
""",
}
