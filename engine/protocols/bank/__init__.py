"""What banks say became of payments: ISO 20022 pain.002, camt.053 and camt.054, BAI2, and returns of the ACH network.

Readers only.
"""

from __future__ import annotations

from engine.protocols.bank.ach import read_ach_returns
from engine.protocols.bank.bai2 import read_bai2
from engine.protocols.bank.iso20022 import read_camt_053, read_camt_054, read_pain_002
from engine.protocols.bank.values import BankWord

__all__ = ["BankWord", "read_ach_returns", "read_bai2", "read_camt_053", "read_camt_054", "read_pain_002"]
