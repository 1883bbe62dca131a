"""What every tap does with what is no event of its format; the formats' own tests say the rest."""

from __future__ import annotations

import msgspec
import pytest

from clinx.dialects.base import Envelope, StreamTap, UpstreamProblem
from clinx.dialects.body import JsonBody
from clinx.dialects.registry import DIALECTS
from clinx.dialects.tap import UNREADABLE, EventTap
from clinx.domain.catalog import StreamEnd
from clinx.domain.operation import Operation
from clinx.domain.usage import Usage

STREAMED = [dialect for dialect in DIALECTS.values() if dialect.codec is not None]
every_tap = pytest.mark.parametrize("name", [dialect.name for dialect in STREAMED])


def tap_of(name: str) -> StreamTap:
    body = JsonBody.parse(b'{"model":"m"}')
    return DIALECTS[name].tap(Envelope(name, Operation.CHAT, "m", True, body, None, 1, 0, False), StreamEnd.DONE)


def quick_word(data: bytes) -> str:
    if data.startswith(b"{<") or b"broken" in data:
        raise msgspec.DecodeError
    return word(data)


def word(data: bytes) -> str:
    if b"broken" in data:
        raise ValueError(data)
    return data.decode().strip("{<>}")


class Words(EventTap[str]):
    """A format whose events are words in an object."""

    def __init__(self) -> None:
        super().__init__(quick_word, word)

    def take(self, found: str, event: object) -> bool:
        if found == "fail":
            return self.fail(UpstreamProblem("It failed."))
        self.said(found)
        return found != "hidden"


def test_whole_events_pass_and_are_counted() -> None:
    tap = Words()

    passed = tap.feed(b"data: {one}\n\ndata: {tw") + tap.feed(b"o}\n\ndata: {hidden}\n\n")

    assert passed == b"data: {one}\n\ndata: {two}\n\n"
    assert (tap.started, tap.text_size, tap.made, tap.usage) == (True, 12, 3, None)
    assert (tap.take_text(), tap.take_text(), tap.text_size) == ("onetwohidden", "", 0)


def test_an_event_that_is_not_as_it_should_be_is_read_slowly() -> None:
    tap = Words()

    assert tap.feed(b"data: {<one>}\n\n") == b"data: {<one>}\n\n"
    assert tap.take_text() == "one"


def test_what_is_made_is_the_most_that_anything_says() -> None:
    tap = Words()
    tap.feed(b"data: {" + b"x" * 80 + b"}\n\n")
    assert tap.made == 20

    tap.used(Usage(output=30, call=1))
    assert tap.made == 30

    tap.feed(b"data: {" + b"x" * 80 + b"}\n\n")
    tap.take_text()
    assert tap.made == 40


def test_bytes_are_counted_and_not_characters() -> None:
    tap = Words()
    tap.feed("data: {äöü€🙂🙂}\n\n".encode())

    assert (tap.text_size, tap.made) == (6, 17 // 4)


def test_nothing_passes_after_a_problem() -> None:
    tap = Words()

    assert tap.feed(b"data: {one}\n\ndata: {fail}\n\ndata: {two}\n\n: ping\n\n") == b"data: {one}\n\n"
    assert (tap.problem, tap.tail) == (UpstreamProblem("It failed."), b"")


def test_an_event_that_cannot_be_read_is_a_problem_but_half_an_event_is_a_cut() -> None:
    broken, cut = Words(), Words()

    assert (broken.feed(b"data: {broken}\n\n"), broken.problem) == (b"", UNREADABLE)
    assert (cut.feed(b"data: {broken}"), cut.close(), cut.problem) == (b"", b"", None)


def test_a_last_event_without_its_blank_line_gets_one() -> None:
    tap = Words()

    assert (tap.feed(b"data: {one}"), tap.close()) == (b"", b"data: {one}\n\n")


@every_tap
def test_what_is_no_event_of_the_format_is_withheld_and_comments_say_nothing(name: str) -> None:
    tap = tap_of(name)

    passed = tap.feed(b": queue 7 at host-3\n\ndata:\n\nevent: x\n\n")

    assert passed == (b"\n" if name == "gemini" else b": ping\n\n")
    assert (tap.started, tap.problem, tap.stored_id) == (False, None, None)
