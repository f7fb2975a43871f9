"""Texts that make regular expressions work hard, and a hard end for whoever works too long on one."""

from __future__ import annotations

import _weakrefset
import gc
import itertools
import re
import signal
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

LENGTH = 100_000
_CALLED_BACK = {weakref.__file__, _weakrefset.__file__}  # whose functions the interpreter calls when something ends
_SOON = 0.001
_USUAL = "aA0 -.\"'\\/(;=<&\n,:"


class TooSlowError(Exception):
    """The time was over."""


@contextmanager
def at_most(seconds: float) -> Iterator[None]:
    """Raises TooSlowError, also out of a running search: the library looks for signals now and then.

    Counted is this process's own work: what else the machine does makes no pattern slow.
    """

    def ended(number: int, frame: FrameType | None) -> None:
        if frame is not None and frame.f_code.co_filename in _CALLED_BACK:
            signal.setitimer(signal.ITIMER_VIRTUAL, _SOON)  # what is raised there is printed and lost: a bit later
            return
        raise TooSlowError

    collects = gc.isenabled()
    gc.disable()  # a collection calls back, too
    before = signal.signal(signal.SIGVTALRM, ended)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)
        if collects:
            gc.enable()


def hard_texts(pattern: str) -> list[str]:
    """Repeated characters and pairs of what stands in the pattern, each with an end that does not fit."""
    plain = re.sub(r"\\[bBdDsSwWZA]|\(\?P?[<:=!][^)>]*>?|[\[\](){}*+?|^$]", "", pattern)
    signs = list(dict.fromkeys([*_USUAL, *plain.replace("\\", "")]))[:24]
    words = re.findall(r"[A-Za-z<!]{2,12}", plain)[:4]
    pairs = [one + other for one, other in itertools.pairwise(signs)][:8]
    made = []
    for piece in (*signs, *pairs, *words):
        repeated = piece * (LENGTH // len(piece))
        made += [repeated, repeated[:-1] + "\x00"]
    start = "".join(re.findall(r"^[A-Za-z<\"\\]{1,8}", plain))
    return made + ([start + sign * LENGTH + "\x00" for sign in signs[:12]] if start else [])
