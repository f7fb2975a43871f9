"""Implant cases reconciled beside the bare reading of their documents; a recall over all of them.

Run: python tests/bench/bench_implants.py
"""

from __future__ import annotations

import sys
import time
from datetime import timedelta
from pathlib import Path
from random import Random

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from engine.procure.usage.implants import decide_case
from engine.procure.usage.recall import RecallIndex
from tests.support.implant_cases import ITEMS, MASTER, USED_AT, clean, device
from tests.support.papers import papers, world

CASES = 1000


def main() -> None:
    random = Random(1)
    cases = [list(clean(number, random).values()) for number in range(CASES)]
    of = world(*MASTER, now=USED_AT + timedelta(days=10))
    started = time.perf_counter()
    dossiers = [papers(*documents) for documents in cases]
    read = time.perf_counter() - started
    started = time.perf_counter()
    states = [decide_case(one, of, f"case:K{number}").state["state"] for number, one in enumerate(dossiers)]
    decided = time.perf_counter() - started
    assert set(states) == {"reconciled"}
    index = RecallIndex([*ITEMS, *(one for documents in cases for one in documents)])
    started = time.perf_counter()
    found = index.find(device(3))
    looked = time.perf_counter() - started
    print(f"documents read by pydantic alone: {CASES / read:8.0f} cases/s")
    print(f"reconciled on top of it: {CASES / decided:8.0f} cases/s, {decided / read:.2f} of the reading")
    print(f"recall of a device over {CASES} cases:          {looked * 1000:8.2f} ms, {len(found.cases)} cases")


if __name__ == "__main__":
    main()
