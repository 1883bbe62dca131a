"""Canonical values for tests of codecs: what to draw, how to carry it through a dialect, and what may differ after it.

A format need not keep all of canonical. What every format may change is in ``normal_request`` and ``normal_answer``;
a test compares what these make of both ends.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from itertools import count
from typing import Any

from hypothesis import strategies as st
from msgspec import Raw, structs
from multidict import CIMultiDict

from clinx.canonical.content import Image, Inline, Part, Text, Thinking, ToolCall, ToolResult, as_object
from clinx.canonical.events import Event, Failed, Finished, PartDelta, PartEnded, PartStarted, Started, UsageReported
from clinx.canonical.request import ChatRequest, Effort, Role, Sampling, ThinkingWish, Turn, alternating
from clinx.canonical.response import ChatResponse, Choice, FinishReason
from clinx.canonical.tools import ChoiceMode, Tool, ToolChoice
from clinx.dialects.base import Answering, Codec, Dialect, Envelope, Inbound, Target
from clinx.dialects.registry import DIALECTS
from clinx.domain.operation import Operation
from clinx.domain.usage import Usage

CODED = [dialect for dialect in DIALECTS.values() if dialect.codec is not None]
"""Every dialect with a codec."""


def codec_of(dialect: Dialect) -> Codec:
    assert dialect.codec is not None
    return dialect.codec


def envelope_of(dialect: Dialect, body: bytes, *, stream: bool = False) -> Envelope:
    """Open a chat request, wherever the dialect has the model and whether to stream."""
    endpoint = next(each for each in dialect.endpoints if each.operation is Operation.CHAT)
    match = {"model": "m", "method": "streamGenerateContent" if stream else "generateContent"}
    query = {"alt": "sse"} if stream else {}
    inbound = Inbound("POST", endpoint.path, match, query, CIMultiDict[str](), body)
    return dialect.open_request(Operation.CHAT, inbound)


def answering(dialect: Dialect, *, stream: bool = False) -> Answering:
    """What an answer is written for: a small request that wants to see thoughts, and usage."""
    asked = ChatRequest(
        "m",
        (Turn(Role.USER, (Text("hi"),)),),
        sampling=Sampling(max_tokens=4096),
        thinking=ThinkingWish(Effort.LOW, shown=True),
        stream=stream,
    )
    numbers = count(1)
    envelope = envelope_of(dialect, encoded_request(dialect, asked), stream=stream)
    told = structs.replace(envelope, wants_usage=True)
    return Answering(told, 1_700_000_000, lambda prefix: f"{prefix}{next(numbers)}")


def encoded_request(dialect: Dialect, request: ChatRequest) -> bytes:
    return codec_of(dialect).encode_request(request, Target("m", 4096)).body


def kept(dialect: Dialect, request: ChatRequest) -> ChatRequest:
    """Return the request without what the dialect says that it loses of the sampling."""
    lost = {loss.path for loss in codec_of(dialect).encode_request(request, Target("m", 4096)).losses}
    nothing = Sampling()
    fields = {name: getattr(nothing, name) for name in lost & set(Sampling.__struct_fields__)}
    return structs.replace(request, sampling=structs.replace(request.sampling, **fields))


def streamed(dialect: Dialect, events: Iterable[Event]) -> bytes:
    """Write events as a caller of the dialect gets them."""
    encoder = codec_of(dialect).event_encoder(answering(dialect, stream=True))
    return b"".join(encoder.feed(event) for event in events) + encoder.close()


def read_stream(dialect: Dialect, chunks: Iterable[bytes]) -> list[Event]:
    """Read a stream as it comes from a vendor."""
    decoder = codec_of(dialect).event_decoder()
    events = [event for chunk in chunks for event in decoder.feed(chunk)]
    return [*events, *decoder.close()]


def assert_grammar(events: Sequence[Event]) -> None:
    """Check what `clinx.canonical.events` promises of every decoder."""
    assert [isinstance(event, Started) for event in events].count(True) <= 1
    if any(not isinstance(event, Failed | UsageReported) for event in events):
        assert isinstance(events[0], Started)
    assert not any(isinstance(event, Failed) for event in events[:-1])
    has_failed = isinstance(events[-1], Failed) if events else False
    open_parts: dict[int, int] = {}
    next_index: dict[int, int] = {}
    finished: set[int] = set()
    for event in events:
        if isinstance(event, PartStarted):
            assert event.choice not in open_parts
            assert event.choice not in finished
            assert event.index == next_index.get(event.choice, 0)
            open_parts[event.choice] = event.index
            next_index[event.choice] = event.index + 1
        elif isinstance(event, PartDelta):
            assert open_parts.get(event.choice) == event.index
        elif isinstance(event, PartEnded):
            assert open_parts.pop(event.choice) == event.index
        elif isinstance(event, Finished):
            assert event.choice not in open_parts
            assert event.choice not in finished
            finished.add(event.choice)
    assert has_failed or not open_parts


# What can be drawn.

WORDS = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Zs")), min_size=1, max_size=12)
NAMES = st.sampled_from(["find", "get_weather", "f"])
OBJECTS = st.dictionaries(st.sampled_from("abc"), st.one_of(st.integers(-9, 9), WORDS, st.booleans()), max_size=3)
USAGES = st.builds(
    Usage,
    input=st.integers(1, 9999),
    output=st.integers(1, 9999),
    cache_read=st.integers(0, 99),
    call=st.just(1),
)
TEXTS = WORDS.map(Text)
CALLS = st.builds(lambda name, given: (name, json.dumps(given)), NAMES, OBJECTS)


@st.composite
def answers(draw: st.DrawFn) -> ChatResponse:
    """An answer that every format can say: thoughts, then text, then calls."""
    thoughts = [Thinking(text) for text in draw(st.lists(WORDS, max_size=1))]
    texts = draw(st.lists(TEXTS, max_size=1))
    calls = [ToolCall(f"call_{i}", *call) for i, call in enumerate(draw(st.lists(CALLS, max_size=3)))]
    parts: list[Part] = [*thoughts, *texts, *calls] or [Text("x")]
    reasons = [FinishReason.LENGTH, FinishReason.CONTENT_FILTER, FinishReason.STOP]
    finish = FinishReason.TOOL_CALLS if calls else draw(st.sampled_from(reasons))
    return ChatResponse("id_1", "up", (Choice(tuple(parts), finish),), draw(USAGES))


@st.composite
def requests(draw: st.DrawFn) -> ChatRequest:
    """A request that every format can say: questions, and rounds of calls with all their results."""
    turns: list[Turn] = [Turn(Role.USER, tuple(draw(st.lists(TEXTS, min_size=1, max_size=2))))]
    for number in range(draw(st.integers(0, 2))):
        calls = [ToolCall(f"call_{number}_{i}", *call) for i, call in enumerate(draw(st.lists(CALLS, max_size=2)))]
        results = [ToolResult(call.id, (Text(draw(WORDS)),)) for call in calls]
        said = draw(st.lists(TEXTS, min_size=0 if calls else 1, max_size=1))
        turns.append(Turn(Role.ASSISTANT, (*said, *calls)))
        turns.append(Turn(Role.USER, (*results, *draw(st.lists(TEXTS, min_size=0 if results else 1, max_size=1)))))
    if draw(st.booleans()):
        turns[0] = Turn(Role.USER, (*turns[0].parts, Image(Inline("image/png", "AAAA"))))
    return ChatRequest(
        model="m",
        turns=tuple(turns),
        system=tuple(draw(st.lists(TEXTS, max_size=1))),
        tools=(Tool("f", "Finds.", Raw(b'{"type":"object","properties":{"a":{"type":"string"}}}')),),
        tool_choice=draw(st.sampled_from([None, ToolChoice(ChoiceMode.AUTO), ToolChoice(ChoiceMode.ANY, ("f",))])),
        sampling=Sampling(
            max_tokens=draw(st.integers(16, 4096)),
            temperature=draw(st.sampled_from([None, 0, 0.5, 1])),
            stop=tuple(draw(st.lists(st.sampled_from(["END", "STOP"]), max_size=2, unique=True))),
        ),
    )


# What may differ.


def normal_answer(response: ChatResponse) -> Any:
    """Texts and thoughts joined, calls as name and decoded arguments; ids, model and native reason are left out."""
    return [_normal_choice(choice) for choice in response.choices], response.usage


def _normal_choice(choice: Choice) -> Any:
    return (
        "".join(part.text for part in choice.parts if isinstance(part, Thinking)),
        "".join(part.text for part in choice.parts if isinstance(part, Text)),
        [(part.name, _arguments(part)) for part in choice.parts if isinstance(part, ToolCall)],
        FinishReason.CONTENT_FILTER if choice.finish is FinishReason.REFUSAL else choice.finish,
    )


def _arguments(call: ToolCall) -> Any:
    found = as_object(call.arguments)
    return call.arguments if found is None else json.loads(bytes(found))


def normal_request(request: ChatRequest) -> Any:
    """Neighbours of one role joined, texts joined by blank lines, calls numbered as they come."""
    numbers: dict[str, int] = {}
    return (
        [(turn.role, _normal_parts(turn.parts, numbers)) for turn in alternating(request.turns)],
        _joined(request.system),
        [(tool.name, tool.description, _json(tool.schema)) for tool in request.tools if isinstance(tool, Tool)],
        _normal_choice_of_tool(request.tool_choice),
        request.sampling,
    )


def _normal_parts(parts: Sequence[Part], numbers: dict[str, int]) -> Any:
    rest: list[Any] = []
    for part in parts:
        match part:
            case ToolCall():
                rest.append((numbers.setdefault(part.id, len(numbers)), part.name, _arguments(part)))
            case ToolResult():
                rest.append((numbers.get(part.call_id), _joined(part.parts)))
            case Image():
                rest.append(part.source)
            case _:
                pass
    return _joined(parts), rest


def _normal_choice_of_tool(choice: ToolChoice | None) -> Any:
    return None if choice is None or choice.mode is ChoiceMode.AUTO else (choice.mode, choice.names)


def _joined(parts: Sequence[Part]) -> str:
    return "".join(part.text for part in parts if isinstance(part, Text)).replace("\n", "")


def _json(schema: Raw | None) -> Mapping[str, Any] | None:
    return None if schema is None else json.loads(bytes(schema))
