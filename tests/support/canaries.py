"""Invented patients and secrets that are easy to find again, wherever they leak to."""

from __future__ import annotations

import random
from dataclasses import dataclass


@dataclass(frozen=True)
class Patient:
    """Every value is unlike any other text of the test, and no real person's."""

    number: int
    family: str
    given: str
    mrn: str
    ssn: str
    phone: str

    @property
    def values(self) -> tuple[str, ...]:
        return (self.family, self.given, self.mrn, self.ssn, self.phone)

    @property
    def pid(self) -> str:
        name = f"{self.family}^{self.given}"
        return (
            f"PID|1|{self.mrn}|{self.mrn}^^^HARBOR-MAIN^MR|{self.mrn}|{name}|{self.family}|19410307|F|{name}||"
            f"{self.given} LANE 7^^{self.family}^WA||{self.phone}|{self.phone}|||||{self.ssn}|{self.ssn}"
        )

    @property
    def around(self) -> str:
        """Segments about the patient and the family, as hospitals send them along."""
        name = f"{self.family}^{self.given}"
        return (
            f"NK1|1|{name}|SPO|{self.given} LANE 7|{self.phone}\r"
            f"NTE|1||call {self.given} {self.family} at {self.phone}\r"
            f"GT1|1|{self.mrn}|{name}||{self.given} LANE 7|{self.phone}||||||{self.ssn}\r"
            f"IN1|1|PLAN|{self.ssn}|PAYER|||||||||||||{name}|||||||||||||||||||||{self.mrn}\r"
        )


def patients(count: int, seed: int = 20261120) -> list[Patient]:
    dice = random.Random(seed)

    def word(prefix: str) -> str:
        return prefix + "".join(dice.choice("BCDFGHKLMNPQRSTVWXZ") for _ in range(7))

    return [
        Patient(
            number=n,
            family=word("QZ"),
            given=word("XV"),
            mrn=f"7{dice.randrange(10**9, 10**10)}3",
            ssn=f"9{dice.randrange(10, 99)}-{dice.randrange(10, 99)}-{dice.randrange(1000, 9999)}",
            phone=f"({dice.randrange(200, 999)})555-{dice.randrange(1000, 9999)}",
        )
        for n in range(count)
    ]


def leaks(text: str, needles: list[str]) -> list[tuple[str, str]]:
    """Each needle that is in the text, with what stands before it on its line: the test names the place."""
    found = [(needle, text.find(needle)) for needle in needles]
    return [(needle, text[max(0, at - 160) : at + len(needle)].split("\n")[-1]) for needle, at in found if at >= 0]
