"""A set with its loops named, as the HIPAA guides write them: `2100/CLP04`, `2100[2]/2110/SVC03`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from engine.core.errors import RequiredFieldError
from engine.protocols.x12.segments import Segment, TransactionSet, _place


@dataclass(frozen=True, slots=True)
class Loop:
    """One turn of a loop: its own segments, and the loops in it. `name` is the guide's, e.g. `2100`."""

    name: str
    segments: list[Segment] = field(default_factory=list)
    inner: list[Loop] = field(default_factory=list)
    component: str = ":"

    def loops(self, name: str) -> tuple[Loop, ...]:
        """Every turn of this loop at any depth below, in order."""
        return tuple(self._below(name))

    def _below(self, name: str) -> Iterator[Loop]:
        for one in self.inner:
            if one.name == name:
                yield one
            yield from one._below(name)

    def all(self, segment_id: str) -> tuple[Segment, ...]:
        """Its own segments of this id, not those of inner loops."""
        return tuple(s for s in self.segments if s.id == segment_id)

    def get(self, path: str) -> str | None:
        """The text at `CLP04`, `2100/CLP04` or `2100[2]/2110/SVC01-2`; None when absent or empty.

        Raises:
            DataTypeError: the last part is no place in a segment.
        """
        *steps, place = path.split("/")
        here: Loop | None = self
        for step in steps:
            here = _turn(here, step) if here else None
        segment_id, occurrence, element, component = _place(place)
        found = here.all(segment_id)[occurrence - 1 : occurrence] if here else ()
        text = found[0].get(element) if found else ""
        if component:
            text = dict(enumerate(text.split(self.component), 1)).get(component, "")
        return text or None

    def require(self, path: str) -> str:
        """Raises RequiredFieldError at the path when nothing is there."""
        text = self.get(path)
        if text is None:
            raise RequiredFieldError("must be given", where=path)
        return text


def _turn(loop: Loop, step: str) -> Loop | None:
    """`2100[2]`: the second turn of 2100 below this loop."""
    name, _, number = step.removesuffix("]").partition("[")
    turns = loop.loops(name)
    index = int(number) - 1 if number.isascii() and number.isdigit() else 0
    return turns[index] if 0 <= index < len(turns) else None


@dataclass(frozen=True, slots=True)
class LoopedSet:
    """A transaction set and its loops. Places without a loop are of the whole set, as in other sets."""

    transaction_set: TransactionSet
    top: Loop

    @property
    def code(self) -> str:
        return self.transaction_set.code

    @property
    def supplier_number(self) -> str:
        return self.transaction_set.supplier_number

    def loops(self, name: str) -> tuple[Loop, ...]:
        return self.top.loops(name)

    def all(self, segment_id: str) -> tuple[Segment, ...]:
        return self.transaction_set.all(segment_id)

    def get(self, path: str) -> str | None:
        """`TRN02` of the whole set, `2100[3]/CLP04` of a loop. Raises DataTypeError when it is no place."""
        return self.top.get(path) if "/" in path else self.transaction_set.get(path)

    def require(self, path: str) -> str:
        """Raises RequiredFieldError at the path when nothing is there."""
        text = self.get(path)
        if text is None:
            raise RequiredFieldError("must be given", where=path)
        return text

    def encode(self) -> bytes:
        return self.transaction_set.encode()


def looped(one: TransactionSet, places: Sequence[tuple[tuple[str, ...], bool]]) -> LoopedSet:
    """Put each segment into its loop.

    Args:
        places: of each segment of the set with an id, in order: the names of the loops around it, outermost first, and
            whether it begins a new turn of the innermost.
    """
    top = Loop("", component=one.separators.component or ":")
    open_loops = [top]
    for segment, (names, begins) in zip((s for s in one.segments if s.id), places, strict=True):
        keep = len(names) - 1 if begins and names else len(names)
        while len(open_loops) - 1 > keep or not _within(open_loops, names):
            open_loops.pop()
        for name in names[len(open_loops) - 1 :]:
            loop = Loop(name, component=top.component)
            open_loops[-1].inner.append(loop)
            open_loops.append(loop)
        open_loops[-1].segments.append(segment)
    return LoopedSet(one, top)


def _within(open_loops: Sequence[Loop], names: Sequence[str]) -> bool:
    """Whether the loops that are open are those around the segment, from the outermost on."""
    return [loop.name for loop in open_loops[1:]] == list(names[: len(open_loops) - 1])
