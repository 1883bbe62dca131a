from __future__ import annotations

import json
from typing import Any

import pytest

from clinx.dialects.base import Envelope, Inbound, StoredQuestion
from clinx.dialects.body import JsonBody
from clinx.dialects.density import MOST_VALUES
from clinx.dialects.openai_responses.request import open_request
from clinx.dialects.openai_responses.stored import continued, is_kept, items_of, open_stored, referred, stored_id
from clinx.domain.operation import Operation
from clinx.errors import InvalidRequest, ResponseNotFound


def about(name: str, *, method: str = "GET", rest: str | None = None, **query: str) -> Envelope:
    match = {"response": name, **({"about": rest} if rest else {})}
    return open_request(Operation.STORED, Inbound(method, "/v1/responses/x", match, query, {}, b""))


def body(**members: Any) -> JsonBody:
    return JsonBody.parse(json.dumps(members).encode())


def test_a_question_names_an_answer_and_has_no_body() -> None:
    envelope = about("resp_1", method="DELETE")

    assert envelope.stored == StoredQuestion("resp_1", "DELETE", "", ())
    assert (envelope.operation, envelope.model, envelope.stream, envelope.body.data) == (
        Operation.STORED,
        "",
        False,
        b"{}",
    )


def test_what_the_vendor_knows_of_the_query_is_passed_on_and_a_key_is_not() -> None:
    envelope = about("resp_1", rest="input_items", limit="5", order="asc", key="sk-clinx")

    assert envelope.stored == StoredQuestion("resp_1", "GET", "/input_items", (("limit", "5"), ("order", "asc")))


@pytest.mark.parametrize(
    ("method", "rest", "stream", "expected"),
    [
        ("GET", None, "true", True),
        ("GET", None, "True", True),
        ("GET", None, "false", False),
        ("GET", "input_items", "true", False),
        ("POST", "cancel", "true", False),
    ],
)
def test_only_the_answer_itself_is_streamed(method: str, rest: str | None, stream: str, expected: bool) -> None:
    assert about("resp_1", method=method, rest=rest, stream=stream).stream is expected


@pytest.mark.parametrize("name", ["", "..", "a/b", "resp 1", "x" * 201, "resp\n", "ü", "a?b=c"])
def test_what_cannot_be_an_id_is_not_found(name: str) -> None:
    assert stored_id(name) is None
    with pytest.raises(ResponseNotFound):
        about(name)


@pytest.mark.parametrize("query", [{"after": "x" * 257}])
def test_absurd_parameters_are_refused(query: dict[str, str]) -> None:
    with pytest.raises(InvalidRequest):
        open_stored(Inbound("GET", "/v1/responses/x", {"response": "resp_1"}, query, {}, b""))


@pytest.mark.parametrize(("members", "expected"), [({}, True), ({"store": True}, True), ({"store": False}, False)])
def test_an_answer_is_kept_unless_the_caller_says_otherwise(members: dict[str, Any], expected: bool) -> None:
    assert is_kept(body(**members)) is expected


def test_a_request_may_continue_an_answer() -> None:
    assert continued(body(previous_response_id="resp_1")) == "resp_1"
    assert continued(body(previous_response_id=None)) is None
    with pytest.raises(InvalidRequest) as refused:
        continued(body(previous_response_id=7))
    assert refused.value.param == "previous_response_id"


def test_conversations_are_refused() -> None:
    asked = json.dumps({"model": "m", "input": "Hi", "conversation": "conv_1"}).encode()
    with pytest.raises(InvalidRequest) as refused:
        open_request(Operation.CHAT, Inbound("POST", "/v1/responses", {}, {}, {}, asked))
    assert refused.value.param == "conversation"


@pytest.mark.parametrize(
    "item",
    [
        {"type": "item_reference", "id": "msg_1"},
        {"type": "item_reference", "id": "msg_1", "content": "x"},
        {"id": "msg_1"},
        {"id": "msg_1", "type": None, "content": None},
        {"id": "msg_1", "role": "user"},
        {"id": "msg_1", "type": "image_generation_call", "status": "completed"},
    ],
)
def test_an_item_that_stands_for_one_that_the_vendor_keeps_is_seen(item: dict[str, Any]) -> None:
    asked = body(input=[{"role": "user", "content": "Hi"}, item])

    assert referred(asked) == ("msg_1",)


def test_it_is_seen_however_it_is_written() -> None:
    escaped = rb'{"input": [{"type": "item\u005freference", "\u0069d": "msg\u005f1"}]}'
    far = body(input=[{"role": "user", "content": "x" * 100_000}, {"type": "item_reference", "id": "msg_1"}])

    assert referred(JsonBody.parse(escaped)) == referred(far) == ("msg_1",)


@pytest.mark.parametrize(
    "given",
    [
        "msg_1",
        [],
        None,
        [{"id": "msg_1", "role": "user", "content": "Hi"}],
        [{"id": "msg_1", "type": "message", "role": "assistant", "content": []}],
        [{"id": "fc_1", "type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"}],
        [{"id": "ig_1", "type": "image_generation_call", "result": "aGk="}],
        [{"role": "user", "content": [{"type": "item_reference", "id": "msg_1"}]}],
    ],
)
def test_an_item_that_says_what_it_is_stands_for_itself(given: Any) -> None:
    assert referred(body(input=given)) == ()


def test_what_cannot_be_an_id_is_named_and_known_to_nobody() -> None:
    assert referred(body(input=[{"type": "item_reference", "id": "a b"}, {"type": "item_reference"}])) == ("a b",)


def test_a_list_of_nothing_but_items_is_not_taken_apart() -> None:
    with pytest.raises(InvalidRequest) as refused:
        referred(body(input=[{"id": "msg_1"}, *[{}] * MOST_VALUES]))
    assert refused.value.param == "input"


def test_an_answer_names_its_items() -> None:
    assert items_of({"output": [{"id": "rs_1"}, {"id": "msg_1"}, {"id": 7}, {}, "x"]}) == ("rs_1", "msg_1")
    assert items_of({"output": None}) == items_of(None) == ()
