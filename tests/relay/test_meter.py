import json
import threading
from typing import Any

import pytest

from clinx.counting.encoding import encoding_for
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
def counting(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The thread of every count, in order."""
    threads: list[int] = []

    def watched(text: str, encoding: str) -> int:
        threads.append(threading.get_ident())
        return count_tokens(text, encoding)

    monkeypatch.setattr(meter, "count_tokens", watched)
    return threads


async def test_what_the_upstream_reports_is_taken_as_it_is_and_nothing_is_counted(counting: list[int]) -> None:
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


async def test_a_short_count_is_not_worth_a_thread(counting: list[int]) -> None:
    await chat_meter().total(None, "Hello there, friend.")

    assert set(counting) == {threading.get_ident()}


@pytest.mark.parametrize(("prompt", "answer"), [(LONG, "short"), ("short", LONG), (LONG[:40_000], LONG[:40_000])])
async def test_a_long_count_does_not_hold_the_event_loop(prompt: str, answer: str, counting: list[int]) -> None:
    total = await chat_meter(prompt).total(None, answer)

    assert counting
    assert threading.get_ident() not in counting
    assert total.input > count_tokens(prompt, encoding_for("m"))
    assert total.output == count_tokens(answer, encoding_for("m"))


async def test_counting_again_gives_the_same() -> None:
    again = chat_meter()

    assert await again.total(None, "Hello there.") == await again.total(None, "Hello there.")
