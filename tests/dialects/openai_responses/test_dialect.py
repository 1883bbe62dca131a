from __future__ import annotations

import json
from typing import Final

import pytest

from clinx.dialects.base import Dialect, Envelope, Inbound, UpstreamProblem
from clinx.dialects.openai_responses.dialect import OpenAIResponses
from clinx.domain.catalog import StreamEnd, UsageInStream
from clinx.domain.operation import Operation
from clinx.errors import InternalError, UpstreamBroken

DIALECT: Final[Dialect] = OpenAIResponses()


def envelope() -> Envelope:
    body = json.dumps({"model": "gpt", "input": "Hello", "stream": True}).encode()
    return DIALECT.open_request(Operation.CHAT, Inbound("POST", "/v1/responses", {}, {}, {}, body))


def test_it_speaks_at_one_path_and_about_what_is_kept() -> None:
    assert [(each.method, each.path, each.dialect, each.operation) for each in DIALECT.endpoints] == [
        ("POST", "/v1/responses", "openai_responses", Operation.CHAT),
        ("GET", "/v1/responses/{response}", "openai_responses", Operation.STORED),
        ("DELETE", "/v1/responses/{response}", "openai_responses", Operation.STORED),
        ("POST", "/v1/responses/{response}/{about:cancel}", "openai_responses", Operation.STORED),
        ("GET", "/v1/responses/{response}/{about:input_items}", "openai_responses", Operation.STORED),
    ]
    assert DIALECT.name == "openai_responses"


def test_requests_are_opened_bounded_and_counted() -> None:
    bounded = DIALECT.bounded(envelope(), 20)

    assert bounded is not None
    assert bounded.max_output_tokens == 20
    assert DIALECT.count_prompt(envelope(), len) == 3 + 3 + 5
    assert DIALECT.stream_patches(envelope(), UsageInStream.ON_REQUEST) == {}


@pytest.mark.parametrize("end", list(StreamEnd))
def test_every_stream_has_its_end(end: StreamEnd) -> None:
    tap = DIALECT.tap(envelope(), end)

    tap.feed(b'data: {"type":"response.completed","response":{}}\n\n')

    assert tap.finished


def test_answers_and_problems_are_read() -> None:
    assert DIALECT.read_answer(envelope(), b'{"output":[]}').text == ()
    assert DIALECT.read_problem(b'{"error":"no"}') == UpstreamProblem("no")


def test_errors_are_rendered() -> None:
    error = UpstreamBroken("It broke.")

    assert DIALECT.render_error(error, "r").status == 502
    assert DIALECT.render_stream_error(error, "r").startswith(b"event: error\n")


def test_what_no_endpoint_asks_for_is_refused() -> None:
    with pytest.raises(InternalError):
        DIALECT.render_count(1)
    with pytest.raises(InternalError):
        DIALECT.render_models(())
