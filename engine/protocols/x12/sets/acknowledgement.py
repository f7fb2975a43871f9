"""997 and 999 as data; see purchase_order.py for the notation."""

from __future__ import annotations

SETS = {
    "997": """
ST M 1
AK1 M 1
AK2 O 999999
  AK3 O 999999
    AK4 O 99
  AK5 M 1
AK9 M 1
SE M 1
""",
    "999": """
ST M 1
AK1 M 1
AK2 O 999999
  IK3 O 999999
    CTX O 10
    IK4 O 999999
      CTX O 10
  IK5 M 1
AK9 M 1
SE M 1
""",
}
