from __future__ import annotations

import json
from collections.abc import Sequence

import pytest

from clinx.canonical.events import Event, Failed, PartDelta, Started, UsageReported
from clinx.canonical.filters import EventFilter
from clinx.dialects.base import UpstreamProblem
from clinx.dialects.openai_chat.dialect import OpenAIChat
from clinx.dialects.openai_chat.stream import ChatTap
from clinx.domain.catalog import StreamEnd
from clinx.domain.usage import Usage
from clinx.errors import PermissionDenied, UpstreamBroken
from clinx.relay.translating_tap import TranslatingTap
from support.codecs import answering, codec_of
from support.gateway import chunks


class Named:
    """Writes the names of events."""

    def feed(self, event: Event) -> bytes:
        return type(event).__name__.encode() + b" "

    def close(self) -> bytes:
        return b"end"


class Failing:
    """Sees a failure where the tap sees none."""

    def feed(self, data: bytes) -> Sequence[Event]:
        return [Failed("no", "t", "c"), Started("", "")] if data else []

    def close(self) -> Sequence[Event]:
        return []


class Doubled:
    """Says everything twice, and has something to add."""

    def feed(self, event: Event) -> Sequence[Event]:
        return [event, event] if isinstance(event, PartDelta) else [event]

    def close(self) -> Sequence[Event]:
        return [UsageReported(Usage())]


class Refusing:
    """Lets nothing pass."""

    def feed(self, event: Event) -> Sequence[Event]:
        raise PermissionDenied("No.")

    def close(self) -> Sequence[Event]:
        return []


def tap(end: StreamEnd = StreamEnd.DONE, changes: EventFilter | None = None) -> TranslatingTap:
    decoder = codec_of(OpenAIChat()).event_decoder()
    return TranslatingTap(ChatTap(wants_usage=True, end=end), decoder, Named(), changes)


def sent(*objects: object) -> bytes:
    return b"".join(b"data: " + json.dumps(each).encode() + b"\n\n" for each in objects)


def test_the_callers_stream_ends_when_the_upstreams_did() -> None:
    watched = tap()

    assert watched.feed(sent(*chunks("Hello"))) == b"Started PartStarted PartDelta UsageReported "
    assert (watched.started, watched.answered, watched.finished, watched.tail) == (True, True, False, b"")
    assert watched.feed(b"data: [DONE]\n\n") == b"PartEnded Finished "
    assert (watched.finished, watched.tail) == (True, b"data: [DONE]\n\n")
    assert watched.end(Usage(output=1)) == b"end"
    assert watched.close() == b""
    assert watched.feed(sent(*chunks("late"))) == b""


def test_everything_is_metered_as_the_upstream_said_it() -> None:
    watched = tap()

    watched.feed(sent(*chunks("Hello", " you")))

    assert (watched.usage, watched.made, watched.text_size) == (Usage(input=9, output=3, call=1), 3, 9)
    assert (watched.take_text(), watched.text_size) == ("Hello you", 0)


def test_a_stream_without_a_marker_ends_with_its_body() -> None:
    watched = tap(StreamEnd.FINISH)
    watched.feed(sent(*chunks("Hello", usage=None)))

    assert (watched.close(), watched.finished) == (b"PartEnded Finished ", True)
    assert watched.end(Usage(output=1)) == b"end"


def test_the_end_says_what_was_charged() -> None:
    answer = answering(OpenAIChat(), stream=True)
    codec = codec_of(OpenAIChat())
    watched = TranslatingTap(
        ChatTap(wants_usage=True, end=StreamEnd.DONE), codec.event_decoder(), codec.event_encoder(answer)
    )
    watched.feed(sent(*chunks("Hello", usage=None)) + b"data: [DONE]\n\n")

    usage, done, _ = watched.end(Usage(input=7, output=2, call=1, estimated=True)).split(b"\n\n")

    assert json.loads(usage.removeprefix(b"data: "))["usage"]["total_tokens"] == 9
    assert done == b"data: [DONE]"


def test_what_is_to_be_changed_is_changed_on_its_way() -> None:
    watched = tap(changes=Doubled())

    told = watched.feed(sent(*chunks("Hello")) + b"data: [DONE]\n\n")

    assert told == b"Started PartStarted PartDelta PartDelta UsageReported PartEnded Finished UsageReported "


def test_a_change_that_does_not_let_an_answer_pass_is_an_error() -> None:
    watched = tap(changes=Refusing())

    with pytest.raises(PermissionDenied):
        watched.feed(sent(*chunks("Hello")))


def test_a_stream_that_is_cut_has_no_end() -> None:
    watched = tap()
    watched.feed(sent(*chunks("Hello")[:2]))

    assert (watched.close(), watched.finished, watched.tail) == (b"", False, b"")


def test_nothing_is_told_after_an_error() -> None:
    watched = tap()

    forwarded = watched.feed(sent(*chunks("Hello")[:2], {"error": {"message": "no"}}, *chunks("late")))

    assert forwarded == b"Started PartStarted PartDelta "
    assert watched.problem == UpstreamProblem("no")
    assert (watched.close(), watched.tail) == (b"", b"")


def test_a_failure_that_only_the_decoder_sees_is_one() -> None:
    watched = TranslatingTap(ChatTap(wants_usage=True, end=StreamEnd.DONE), Failing(), Named())

    assert watched.feed(sent(*chunks("Hello")) + b"data: [DONE]\n\n") == b""
    assert (watched.problem, watched.finished, watched.tail) == (UpstreamProblem("no", "t", "c"), True, b"")


class Deep:
    """Meets an event that nests too deeply for it."""

    def feed(self, data: bytes) -> Sequence[Event]:
        raise RecursionError

    def close(self) -> Sequence[Event]:
        return []


def test_an_event_that_nests_too_deeply_breaks_the_stream() -> None:
    watched = TranslatingTap(ChatTap(wants_usage=True, end=StreamEnd.DONE), Deep(), Named())

    with pytest.raises(UpstreamBroken):
        watched.feed(sent(*chunks("Hello")))
