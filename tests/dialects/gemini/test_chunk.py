from __future__ import annotations

import pytest

from clinx.dialects.gemini.chunk import Candidate, Chunk, Content, read_chunk, read_source, says_something, text_of
from clinx.dialects.gemini.usage import Counts


def test_a_chunk_is_read_as_it_should_be() -> None:
    chunk = read_chunk(
        b'{"candidates":[{"content":{"parts":[{"text":"Hi"}]},"finishReason":"STOP","index":1}],'
        b'"usageMetadata":{"promptTokenCount":3},"responseId":"r","modelVersion":"m","more":{}}'
    )

    assert chunk == Chunk(
        candidates=[Candidate(Content([{"text": "Hi"}]), "STOP", 1)],
        usage_metadata=Counts(prompt_token_count=3),
    )


@pytest.mark.parametrize(
    ("data", "source"),
    [
        (b'{"responseId":"r","modelVersion":"m","more":{}}', ("r", "m")),
        (b'{"responseId":7,"modelVersion":null}', ("", "")),
        (b'{"responseId":"\\ud83d"}', ("?", "")),
        (b"[]", ("", "")),
    ],
)
def test_where_an_answer_comes_from_is_read(data: bytes, source: tuple[str, str]) -> None:
    assert read_source(data) == source


@pytest.mark.parametrize(
    ("data", "chunk"),
    [
        (b"{}", Chunk()),
        (b'{"candidates":{},"usageMetadata":[],"promptFeedback":1}', Chunk()),
        (
            b'{"candidates":[1,{"content":[],"index":"2","finishReason":3}]}',
            Chunk([Candidate(Content([])), Candidate(Content([]))]),
        ),
        (
            b'{"candidates":[{"content":{"parts":[1,{"text":"Hi"}]},"index":true}],"responseId":7}',
            Chunk([Candidate(Content([{"text": "Hi"}]))]),
        ),
        (b'{"usageMetadata":{"promptTokenCount":"3"},"error":"no"}', Chunk(error="no")),
        (b'{"candidates":[{"index":-3}]}', Chunk([Candidate(Content([]))])),
        (b'{"usageMetadata":{"promptTokenCount":-3},"candidates":[]}', Chunk([])),
        (
            b'{"usageMetadata":{"promptTokenCount":3},"candidates":0}',
            Chunk(usage_metadata=Counts(prompt_token_count=3)),
        ),
        (
            b'{"candidates":[{"content":{"parts":[{"text":"\\ud83d"}]}}]}',
            Chunk([Candidate(Content([{"text": "?"}]))]),
        ),
    ],
)
def test_what_has_an_odd_type_is_left_out(data: bytes, chunk: Chunk) -> None:
    assert read_chunk(data) == chunk


@pytest.mark.parametrize("data", [b"", b"[]", b"7", b"<html>", b'{"a"', b"[" * 100_000])
def test_what_is_no_object_is_no_chunk(data: bytes) -> None:
    with pytest.raises(ValueError):
        read_chunk(data)


@pytest.mark.parametrize(
    ("feedback", "blocked"),
    [
        (b'{"blockReason":"SAFETY"}', "SAFETY"),
        (b'{"blockReason":""}', None),
        (b'{"blockReason":1}', None),
        (b"{}", None),
    ],
)
def test_a_blocked_prompt_says_why(feedback: bytes, blocked: str | None) -> None:
    assert read_chunk(b'{"promptFeedback":' + feedback + b"}").blocked == blocked


def test_a_candidate_without_content_has_no_parts() -> None:
    assert Candidate().parts == Candidate(Content()).parts == []


@pytest.mark.parametrize(
    ("part", "says", "text"),
    [
        ({"text": "Hi"}, True, "Hi"),
        ({"text": "", "thoughtSignature": "x"}, False, ""),
        ({"text": None}, False, ""),
        ({"functionCall": {"name": "f", "args": {"city": "Zürich"}}}, True, 'f{"city": "Zürich"}'),
        ({"functionCall": {"name": "f"}}, True, "f"),
        ({"functionCall": {"name": 1, "args": []}}, True, ""),
        ({"functionCall": "f"}, True, ""),
        ({"executableCode": {"code": "1+1"}}, True, "1+1"),
        ({"codeExecutionResult": {"output": "2"}}, True, ""),
        ({"inlineData": {"data": "QUJD"}}, True, ""),
        ({"unknown": 1}, False, ""),
    ],
)
def test_what_was_generated_of_a_part(part: dict[str, object], says: bool, text: str) -> None:
    assert (says_something(part), text_of(part)) == (says, text)
