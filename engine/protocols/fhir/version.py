"""The versions of FHIR that a channel may name. R4 and R4B are read by the same rules. Source: hl7.org/fhir/history."""

from __future__ import annotations

import re
from typing import Literal

Version = Literal["R4", "R4B", "R5"]

NUMBERS: dict[Version, str] = {"R4": "4.0.1", "R4B": "4.3.0", "R5": "5.0.0"}

is_type = re.compile(r"[A-Z][A-Za-z]{1,63}").fullmatch
is_id = re.compile(r"[A-Za-z0-9\-.]{1,64}").fullmatch
