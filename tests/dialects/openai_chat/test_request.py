from __future__ import annotations

import json
from collections.abc import Mapping

import pytest

from clinx.dialects.base import Envelope, Inbound
from clinx.dialects.openai_chat.request import MAX_MESSAGES, MOST_CHECKED, bounded, open_request, stream_patches
from clinx.domain.catalog import UsageInStream
from clinx.domain.operation import Operation
from clinx.errors import InvalidRequest
from dialects import golden

CHAT = '"model":"gpt-4o","messages":[{"role":"user","content":"Hi"}]'
COMPLETE = '"model":"davinci-002","prompt":"Hi"'


def post(body: str | bytes) -> Inbound:
    data = body if isinstance(body, bytes) else body.encode()
    return Inbound(method="POST", path="/v1/chat/completions", match={}, query={}, headers={}, body=data)


def as_text(patches: Mapping[str, bytes | None]) -> dict[str, str | None]:
    return {name: None if value is None else value.decode() for name, value in patches.items()}


@pytest.mark.parametrize("name", golden.cases("openai_chat", "requests"))
def test_the_envelope_of(name: str) -> None:
    body, expected = golden.read("openai_chat", "requests", name)

    envelope = open_request(Operation(expected["operation"]), post(body))

    assert {
        "operation": envelope.operation.value,
        "model": envelope.model,
        "stream": envelope.stream,
        "max_output_tokens": envelope.max_output_tokens,
        "choices": envelope.choices,
        "prompt_bytes": envelope.prompt_bytes,
        "wants_usage": envelope.wants_usage,
        "on_request": as_text(stream_patches(envelope, UsageInStream.ON_REQUEST)),
        "automatic": as_text(stream_patches(envelope, UsageInStream.AUTOMATIC)),
    } == expected
    assert stream_patches(envelope, UsageInStream.NEVER) == stream_patches(envelope, UsageInStream.AUTOMATIC)
    assert envelope.dialect == "openai_chat"
    assert envelope.body.patched({}) == body


@pytest.mark.parametrize(
    ("operation", "body", "param"),
    [
        (Operation.CHAT, "[]", None),
        (Operation.CHAT, '{"messages":[{}]}', "model"),
        (Operation.CHAT, '{"model":7,"messages":[{}]}', "model"),
        (Operation.CHAT, '{"model":"m"}', "messages"),
        (Operation.CHAT, '{"model":"m","messages":null}', "messages"),
        (Operation.CHAT, '{"model":"m","messages":[]}', "messages"),
        (Operation.CHAT, '{"model":"m","messages":"Hi"}', "messages"),
        (Operation.CHAT, '{"model":"m","messages":{}}', "messages"),
        (Operation.CHAT, '{"model":"m","messages":[{},"Hi"]}', "messages[1]"),
        (Operation.CHAT, '{"model":"m","messages":[null]}', "messages[0]"),
        *[
            (Operation.CHAT, f'{{{CHAT},"{name}":{value}}}', name)
            for name, value in [
                ("stream", "1"),
                ("stream", '"true"'),
                ("stream_options", "true"),
                ("stream_options", "[]"),
                ("stream_options", f'{{"a":"{"b" * 4096}"}}'),
                ("stream_options", "{" + ",".join(f'"{place}":0' for place in range(33)) + "}"),
                ("n", "0"),
                ("n", "129"),
                ("n", "-1"),
                ("n", "true"),
                ("n", "1.0"),
                ("n", "1e2"),
                ("n", '"2"'),
                ("best_of", "0"),
                ("max_tokens", "0"),
                ("max_tokens", "-1"),
                ("max_tokens", "1e2"),
                ("max_tokens", "false"),
                ("max_tokens", "1073741825"),
                ("max_tokens", "9" * 400),
                ("max_completion_tokens", "0"),
                ("max_completion_tokens", "1e999"),
            ]
        ],
        (Operation.CHAT, f'{{{CHAT},"stream_options":{{"include_usage":"yes"}}}}', "include_usage"),
        (Operation.CHAT, f'{{{CHAT},"n":NaN}}', None),
        (Operation.COMPLETE, '{"model":"m"}', "prompt"),
        (Operation.COMPLETE, '{"model":"m","prompt":null}', "prompt"),
        (Operation.COMPLETE, '{"model":"m","prompt":7}', "prompt"),
        (Operation.COMPLETE, '{"model":"m","prompt":{}}', "prompt"),
        (Operation.COMPLETE, '{"model":"m","prompt":[]}', "prompt"),
        (Operation.COMPLETE, '{"model":"m","prompt":["a",1]}', "prompt"),
        (Operation.COMPLETE, '{"model":"m","prompt":[1,"a"]}', "prompt"),
        (Operation.COMPLETE, '{"model":"m","prompt":[1.5]}', "prompt"),
        (Operation.COMPLETE, '{"model":"m","prompt":[-1]}', "prompt"),
        (Operation.COMPLETE, '{"model":"m","prompt":[[1],[true]]}', "prompt"),
        (Operation.COMPLETE, '{"model":"m","prompt":[{}]}', "prompt"),
        (Operation.COMPLETE, '{"model":"m","prompt":[null]}', "prompt"),
        (Operation.COMPLETE, '{"model":"m","prompt":[[]]}', "prompt"),
        (Operation.COMPLETE, f'{{{COMPLETE},"n":3,"best_of":2}}', "best_of"),
    ],
)
def test_what_the_gateway_relies_on_is_read_strictly(operation: Operation, body: str, param: str | None) -> None:
    with pytest.raises(InvalidRequest) as refused:
        open_request(operation, post(body))

    assert refused.value.param == param


def test_of_very_long_messages_only_the_first_is_checked() -> None:
    long = f'{{"content":"{"x" * MOST_CHECKED}"}}'

    envelope = open_request(Operation.CHAT, post(f'{{"model":"m","messages":[ {long},7]}}'))
    with pytest.raises(InvalidRequest) as refused:
        open_request(Operation.CHAT, post(f'{{"model":"m","messages":[7,{long}]}}'))

    assert envelope.prompt_bytes == len(envelope.body.data)
    assert refused.value.param == "messages[0]"


def test_a_prompt_with_bytes_that_are_no_text_is_the_upstreams_to_judge() -> None:
    body = b'{"model":"m","prompt":["\xff"]}'

    assert open_request(Operation.COMPLETE, post(body)).body.patched({}) == body


def test_messages_beyond_any_conversation_are_refused() -> None:
    message = '{"role":"user","content":""}'
    most = f'{{"model":"m","messages":[{",".join([message] * MAX_MESSAGES)}]}}'

    with pytest.raises(InvalidRequest) as refused:
        open_request(Operation.CHAT, post(most.replace("]", f",{message}]")))

    assert open_request(Operation.CHAT, post(most)).prompt_bytes == len(most)
    assert (refused.value.message, refused.value.param) == (
        f"Invalid value for 'messages': expected an array with at most {MAX_MESSAGES} elements.",
        "messages",
    )


@pytest.mark.parametrize(
    ("odd", "meant"),
    [
        ("Model", "model"),
        ("MAX_TOKENS", "max_tokens"),
        ("Max_Completion_Tokens", "max_completion_tokens"),
        ("N", "n"),
        ("Stream", "stream"),
        ("\u017ftream", "stream"),
        ("to\u017fool", None),
        ("best_Of", "best_of"),
        ("Messages", "messages"),
        ("max_to\u212aens", "max_tokens"),
        ("Temperature", None),
        ("\u017f", None),
    ],
)
def test_a_name_that_other_servers_take_for_a_known_one_is_refused(odd: str, meant: str | None) -> None:
    texts = [json.dumps({"model": "m", "messages": [{}], odd: 1}, ensure_ascii=escaped) for escaped in (True, False)]

    for text in texts:
        if meant is None:
            assert open_request(Operation.CHAT, post(text)).body.data == text.encode()
            continue
        with pytest.raises(InvalidRequest) as refused:
            open_request(Operation.CHAT, post(text))
        assert (refused.value.message, refused.value.hint, refused.value.param) == (
            f"Unknown parameter: '{odd}'.",
            f"Did you mean '{meant}'?",
            odd,
        )


def test_the_same_holds_for_stream_options() -> None:
    with pytest.raises(InvalidRequest) as refused:
        open_request(
            Operation.CHAT, post(f'{{{CHAT},"stream_options":{{"include_usage":true,"Include_Usage":false}}}}')
        )

    assert refused.value.param == "Include_Usage"


def test_a_message_with_bytes_that_are_no_text_is_the_upstreams_to_judge() -> None:
    body = b'{"model":"m","messages":[{"role":"user","content":"\xff"}]}'

    assert open_request(Operation.CHAT, post(body)).body.patched({}) == body


@pytest.mark.parametrize(
    ("operation", "match", "model"),
    [(Operation.LIST_MODELS, {}, ""), (Operation.SHOW_MODEL, {"model": "openai/gpt-4o"}, "openai/gpt-4o")],
)
def test_a_question_about_models_needs_no_body(operation: Operation, match: dict[str, str], model: str) -> None:
    inbound = Inbound(method="GET", path="/v1/models", match=match, query={}, headers={}, body=b"")

    envelope = open_request(operation, inbound)

    assert envelope == Envelope("openai_chat", operation, model, False, envelope.body, None, 1, 0, False)
    assert stream_patches(envelope, UsageInStream.ON_REQUEST) == {}


@pytest.mark.parametrize(
    ("sent", "told", "bound"),
    [
        ("", ',"max_tokens":40', 40),
        (',"max_tokens":null', ',"max_tokens":40', 40),
        (',"max_completion_tokens":null', ',"max_completion_tokens":null,"max_tokens":40', 40),
        (', "max_tokens" : 900', ', "max_tokens" : 40', 40),
        (',"max_completion_tokens":900', ',"max_completion_tokens":40', 40),
        (',"max_tokens":900,"max_completion_tokens":30', ',"max_tokens":40,"max_completion_tokens":30', 40),
        (',"max_tokens":900,"max_completion_tokens":901', ',"max_tokens":40,"max_completion_tokens":40', 40),
        (',"max_tokens":30', ',"max_tokens":30', 30),
    ],
)
@pytest.mark.parametrize(("operation", "body"), [(Operation.CHAT, CHAT), (Operation.COMPLETE, COMPLETE)])
def test_a_bound_is_said_where_the_caller_would_and_never_raised(
    operation: Operation, body: str, sent: str, told: str, bound: int
) -> None:
    envelope = open_request(operation, post(f"{{{body}{sent}}}"))

    shorter = bounded(envelope, 40)

    assert shorter.body.data.decode() == f"{{{body}{told}}}"
    assert shorter.max_output_tokens == bound
    again = open_request(operation, post(shorter.body.data))
    assert (again.max_output_tokens, again.choices) == (bound, envelope.choices)
    assert (shorter.prompt_bytes, shorter.choices) == (envelope.prompt_bytes, envelope.choices)


def test_an_answer_of_nothing_cannot_be_asked_for() -> None:
    with pytest.raises(ValueError, match="at least one token"):
        bounded(open_request(Operation.CHAT, post(f"{{{CHAT}}}")), 0)
