import json
import logging
import threading
from typing import Any

import pytest

from clinx.counting.encoding import FALLBACK, encoding_for, load
from clinx.counting.tokens import count_tokens
from clinx.dialects.base import Inbound
from clinx.dialects.registry import DIALECTS
from clinx.domain.catalog import Model
from clinx.domain.operation import Operation
from clinx.domain.pricing import Price
from clinx.domain.usage import Usage
from clinx.relay import meter
from clinx.relay.meter import Meter

# The two encodings make of it 16 and 14 tokens, so that a total tells which one counted.
TELLING = "Der Donaudampfschifffahrtskapitän zählt."
LONG = "ledger " * 10_000


def meter_for(
    *, operation: Operation = Operation.CHAT, dialect: str = "openai_chat", encoding: str | None = None, **body: Any
) -> Meter:
    given = {"model": "m", **body}
    inbound = Inbound("POST", "/", {}, {}, {}, json.dumps(given).encode())
    opened = DIALECTS[dialect].open_request(operation, inbound)
    return Meter(DIALECTS[dialect], opened, Model("m", Price(()), encoding=encoding))


def chat_meter(text: str = "Say hello.", **more: Any) -> Meter:
    return meter_for(messages=[{"role": "user", "content": text}], **more)


@pytest.fixture
def counting(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, bool]]:
    """Every count, in order: how long the text was, and whether the event loop had to wait for it."""
    load(FALLBACK)
    loop, counts = threading.get_ident(), list[tuple[int, bool]]()

    def watched(text: str, encoding: str) -> int:
        counts.append((len(text), threading.get_ident() == loop))
        return count_tokens(text, encoding)

    monkeypatch.setattr(meter, "count_tokens", watched)
    return counts


async def test_what_the_upstream_reports_is_taken_as_it_is_and_nothing_is_counted(
    counting: list[tuple[int, bool]],
) -> None:
    reported = Usage(input=7, output=0, cache_read=2)

    assert await chat_meter().total(reported, "a text that came all the same") is reported
    assert counting == []


async def test_without_a_report_prompt_and_answer_are_counted_and_said_to_be_estimated() -> None:
    total = await chat_meter("Say hello.").total(None, "Hello there, friend.")

    assert total == Usage(input=10, output=5, call=1, estimated=True)


async def test_an_answer_without_text_has_no_output_but_its_prompt_is_counted() -> None:
    total = await chat_meter("Say hello.").total(None, "")

    assert total == Usage(input=10, call=1, estimated=True)


async def test_embeddings_are_counted_by_what_was_put_in() -> None:
    embedding = meter_for(operation=Operation.EMBED, dialect="openai_embeddings", input=["one two", "three"])

    assert await embedding.total(None, "") == Usage(input=3, call=1, estimated=True)


@pytest.mark.parametrize(
    ("asked", "encoding", "output"),
    [("gpt-4", None, 16), ("gpt-4o", None, 14), ("some-model", None, 14), ("some-model", "cl100k_base", 16)],
)
async def test_the_encoding_is_the_model_s(asked: str, encoding: str | None, output: int) -> None:
    total = await chat_meter(model=asked, encoding=encoding).total(None, TELLING)

    assert total.output == output == count_tokens(TELLING, encoding_for(asked, encoding))


async def test_text_that_was_counted_on_the_way_is_part_of_the_total() -> None:
    growing = chat_meter("Say hello.")
    for part in ("Hello there, ", "friend.", ""):
        await growing.add(part)

    total = await growing.total(None, " And goodbye.")

    parts = ("Hello there, ", "friend.", " And goodbye.")
    assert total.output == sum(count_tokens(part, FALLBACK) for part in parts)


async def test_a_prompt_is_counted_once(counting: list[tuple[int, bool]]) -> None:
    growing = chat_meter("Say hello.")

    await growing.total(None, "Hello", whole=False)
    first = len(counting)
    await growing.total(None, " there.", whole=False)

    assert [length for length, _ in counting[first:]] == [len(" there.")]


async def test_of_an_answer_that_was_cut_short_what_was_seen_is_the_least() -> None:
    early, late = Usage(input=9, output=1), Usage(input=9, output=500)

    assert await chat_meter().total(early, "Hello there, friend.", whole=True) is early
    assert await chat_meter().total(early, "Hello there, friend.", whole=False) == Usage(
        input=9, output=5, call=1, estimated=True
    )
    assert await chat_meter().total(late, "Hello there, friend.", whole=False) is late


@pytest.mark.parametrize("reported", [Usage(input=10**9, output=1), Usage(input=9, output=10**9)])
async def test_a_report_that_cannot_be_true_is_not_believed(reported: Usage, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "clinx.relay"):
        total = await chat_meter().total(reported, "Hello there, friend.")

    assert total == Usage(input=10, output=5, call=1, estimated=True)
    assert [record.message for record in caplog.records] == ["usage.absurd"]


async def test_a_short_count_is_not_worth_a_thread(counting: list[tuple[int, bool]]) -> None:
    await chat_meter().total(None, "Hello there, friend.")

    assert {held for _, held in counting} == {True}


@pytest.mark.parametrize(("prompt", "answer"), [(LONG, "short"), ("short", LONG), (LONG, LONG)])
async def test_a_long_count_does_not_hold_the_event_loop(
    prompt: str, answer: str, counting: list[tuple[int, bool]]
) -> None:
    total = await chat_meter(prompt).total(None, answer)

    assert (len(LONG), False) in counting
    assert (len(LONG), True) not in counting
    assert total.input > count_tokens(prompt, FALLBACK)
    assert total.output == count_tokens(answer, FALLBACK)


async def test_an_encoding_that_must_be_loaded_first_does_not_hold_the_event_loop(
    counting: list[tuple[int, bool]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(meter, "is_loaded", lambda _: False)

    await chat_meter().total(None, "Hello there, friend.")

    assert {held for _, held in counting} == {False}
