"""What the transform makes and what destinations ask for: kinds, fields, maps."""

from __future__ import annotations

from collections.abc import Iterator

from engine.canonical import KINDS
from engine.channel.document_fields import has_field, required_fields
from engine.channel.explain import did_you_mean, known_words
from engine.channel.expression import compile_expression
from engine.channel.finding import Finding
from engine.channel.lints.ground import ChannelGround, End, Ground
from engine.channel.lints.messages import path_findings, shifted
from engine.channel.lints.script_facts import kinds_made
from engine.channel.model import DestinationModel
from engine.channel.yaml_source import Path
from engine.core.errors import ExpressionError
from engine.protocols.x12.answer import KIND as ACKNOWLEDGEMENT

_NEVER_ANSWERED = frozenset({"997", "999", "TA1"})


def check(ground: Ground) -> Iterator[Finding]:
    for channel in ground.channels:
        made = _made(ground, channel)
        yield from _map(channel)
        yield from _unanswered(ground, channel)
        for end in channel.ends:
            if end.model is not None:
                yield from _send(channel, end, end.model, made)
                yield from _reads(channel, end, end.model, made)


def _made(ground: Ground, channel: ChannelGround) -> frozenset[str] | None:
    """Kinds that the channel makes; None: not known. `message` stands for messages."""
    made = _made_by_transform(ground, channel)
    # The flow itself answers X12: every channel of that format makes acknowledgements.
    return made | {ACKNOWLEDGEMENT} if made is not None and channel.format == "x12" else made


def _made_by_transform(ground: Ground, channel: ChannelGround) -> frozenset[str] | None:
    if channel.model.map:
        return frozenset({channel.model.map.kind})
    if channel.model.transform is None:
        return frozenset({"message"})
    text = ground.site.scripts.get(channel.model.transform)
    return kinds_made(text) if text is not None else None


def _unanswered(ground: Ground, channel: ChannelGround) -> Iterator[Finding]:
    """X12 that is due a 997, from a channel that gives it to nobody; acknowledgements themselves are due none."""
    accept, partners = set(channel.model.accept), ground.site.partners.values()
    if channel.format != "x12" or (accept and accept <= _NEVER_ANSWERED) or not channel.model.destinations:
        return
    due = not partners or any(partner.acknowledge for partner in partners)
    if due and not any(d.send in (None, ACKNOWLEDGEMENT) for d in channel.model.destinations):
        text = "partners who send here are owed an acknowledgement (997), and no destination takes it"
        yield channel.yaml.finding("C062", ("destinations",), text, key=True)


def _send(
    channel: ChannelGround, end: End, destination: DestinationModel, made: frozenset[str] | None
) -> Iterator[Finding]:
    send, path = destination.send, (*end.path, "send")
    takes = end.entry.takes if end.entry else frozenset({"document", "message"})
    if send is None:
        if "message" not in takes and made is not None and not made & set(KINDS):
            text = f"'{destination.name}' takes documents, and this channel makes none"
            yield channel.yaml.finding("C058", (*end.path, "type"), text, "add a transform or a map")
        return
    kinds = [*KINDS, "message", ACKNOWLEDGEMENT] if channel.format == "x12" else [*KINDS, "message"]
    if send not in kinds:
        advice = did_you_mean(send, kinds) or known_words(kinds)
        yield channel.yaml.finding("C054", path, f"there is no kind of document '{send}'", advice)
    elif ("message" if send == "message" else "document") not in takes:
        what = "messages" if send == "message" else "documents"
        text = f"a destination of type '{destination.type}' does not take {what}"
        yield channel.yaml.finding("C058", path, text, "send something else, or choose another type")
    elif made is not None and send not in made and not (send == "message" and not made <= {*KINDS, ACKNOWLEDGEMENT}):
        makes = f"it makes: {', '.join(sorted(made))}" if made else None
        yield channel.yaml.finding("C055", path, f"nothing in this channel makes {_article(send)}", makes)


def _article(kind: str) -> str:
    return f"{'an' if kind[0] in 'AEIO' else 'a'} {kind}"


def _reads(
    channel: ChannelGround, end: End, destination: DestinationModel, made: frozenset[str] | None
) -> Iterator[Finding]:
    kinds = frozenset({destination.send}) if destination.send else made
    if destination.order_by is not None:
        yield from _field(channel, (*end.path, "order_by"), destination.order_by, kinds, 0)
    if destination.when is None:
        return
    place: Path = (*end.path, "when")
    try:
        expression = compile_expression(destination.when)
    except ExpressionError as error:
        offset = int((error.where or "column 1").rpartition(" ")[2]) - 1
        finding = channel.yaml.finding("C057", place, f"not an expression: {error.what}", error.remedy)
        yield shifted(channel, place, finding, offset)
        return
    for name in expression.names:
        yield from _field(channel, place, name.text, kinds, name.column - 1)


def _field(
    channel: ChannelGround, place: Path, text: str, kinds: frozenset[str] | None, offset: int
) -> Iterator[Finding]:
    if kinds is None:
        return
    documents = sorted(kinds & set(KINDS))
    if not documents:
        if kinds == {"message"}:
            yield from path_findings(channel, place, text, f"'{text}'", offset)
        return
    if any(has_field(KINDS[kind], text) for kind in documents):
        return
    known = sorted({name for kind in documents for name in (*KINDS[kind].model_fields, "natural_key")})
    advice = did_you_mean(text, known) or known_words(known)
    finding = channel.yaml.finding("C056", place, f"{_article(documents[0])} has no field '{text}'", advice)
    yield shifted(channel, place, finding, offset)


def _map(channel: ChannelGround) -> Iterator[Finding]:
    mapping = channel.model.map
    if mapping is None:
        return
    if mapping.kind not in KINDS:
        advice = did_you_mean(mapping.kind, KINDS) or known_words(KINDS)
        yield channel.yaml.finding("C054", ("map", "kind"), f"there is no kind of document '{mapping.kind}'", advice)
        return
    kind = KINDS[mapping.kind]
    for target, path in mapping.fields.items():
        place: Path = ("map", "fields", target)
        if target not in kind.model_fields:
            advice = did_you_mean(target, kind.model_fields) or known_words(kind.model_fields)
            yield channel.yaml.finding(
                "C056", place, f"{_article(kind.kind)} has no field '{target}'", advice, key=True
            )
        yield from path_findings(channel, place, path, f"the path of '{target}'")
    missing = [name for name in required_fields(kind) if name not in mapping.fields]
    if missing:
        text = f"{_article(kind.kind)} cannot be made without: {', '.join(missing)}"
        yield channel.yaml.finding("C060", ("map", "fields"), text, "map them, or write a transform", key=True)
