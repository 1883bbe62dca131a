"""What holds for every dialect of the registry."""

from __future__ import annotations

import json

import httpx2
import openai
import pytest
from openai import APIError, APIStatusError, InternalServerError, OpenAI, Stream

from clinx.dialects.base import Dialect, Rendered
from clinx.dialects.registry import DIALECTS
from dialects.error_tree import codes, example
from dialects.golden import GOLDENS

SDK_CLASSES = {
    400: openai.BadRequestError,
    401: openai.AuthenticationError,
    403: openai.PermissionDeniedError,
    404: openai.NotFoundError,
    422: openai.UnprocessableEntityError,
    429: openai.RateLimitError,
}

every_dialect = pytest.mark.parametrize("dialect", DIALECTS.values(), ids=DIALECTS)
every_code = pytest.mark.parametrize("code", codes())


@every_dialect
def test_no_golden_error_is_of_an_unknown_code(dialect: Dialect) -> None:
    assert golden_errors(dialect).keys() == codes().keys()


@every_dialect
@every_code
def test_every_error_code_renders(dialect: Dialect, code: str) -> None:
    error = example(codes()[code])

    whole = dialect.render_error(error, "req_1")
    event = dialect.render_stream_error(error, "req_1")

    assert {
        "status": whole.status,
        "headers": dict(whole.headers),
        "body": json.loads(whole.body),
        "event": event.decode(),
    } == golden_errors(dialect)[code]


def golden_errors(dialect: Dialect) -> dict[str, object]:
    return json.loads((GOLDENS / dialect.name / "errors.json").read_bytes())


@every_code
def test_the_official_sdk_raises_the_class_that_fits(code: str) -> None:
    error = example(codes()[code])
    rendered = DIALECTS["openai_chat"].render_error(error, "req_1")
    expected = SDK_CLASSES.get(rendered.status, InternalServerError if rendered.status >= 500 else APIStatusError)

    raised = ask(rendered, stream=False)

    assert rendered.status == error.http_status
    assert type(raised) is expected
    assert raised.body == json.loads(rendered.body)["error"]


@every_code
def test_the_official_sdk_raises_for_an_error_in_the_middle_of_a_stream(code: str) -> None:
    event = DIALECTS["openai_chat"].render_stream_error(example(codes()[code]), "req_1")

    raised = ask(Rendered(200, {"Content-Type": "text/event-stream"}, event), stream=True)

    assert type(raised) is APIError
    assert raised.message == json.loads(event.removeprefix(b"data: "))["error"]["message"]


def ask(answer: Rendered, *, stream: bool) -> APIError:
    """What the official SDK raises when it is answered like this."""

    def respond(_: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(answer.status, headers=dict(answer.headers), content=answer.body)

    transport = httpx2.Client(transport=httpx2.MockTransport(respond))
    client = OpenAI(api_key="sk", base_url="http://127.0.0.1/v1", max_retries=0, http_client=transport)
    with client, pytest.raises(APIError) as raised:
        exchange(client, stream=stream)
    return raised.value


def exchange(client: OpenAI, *, stream: bool) -> None:
    answer = client.chat.completions.create(model="m", messages=[{"role": "user", "content": "Hi"}], stream=stream)
    if isinstance(answer, Stream):
        list(answer)
