"""The envelope of a request, read strictly, and what is asked of the upstream so that it reports usage."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final

import msgspec

from clinx.dialects import members
from clinx.dialects.base import Envelope, Inbound
from clinx.dialects.body import JsonBody
from clinx.dialects.openai_chat.endpoints import NAME
from clinx.dialects.openai_chat.prompt import prompt_bytes
from clinx.domain.catalog import UsageInStream
from clinx.domain.operation import Operation
from clinx.errors import InvalidRequest

MAX_CHOICES: Final = 128
MAX_OUTPUT: Final = 2**30
MOST_CHECKED: Final = 1024 * 1024
"""Bytes of messages that are checked one by one; of more, only the first message is, for checking costs time."""

_NO_BODY: Final = JsonBody.parse(b"{}")
_ELEMENTS: Final = msgspec.json.Decoder(list[msgspec.Raw])
_TokenId = Annotated[int, msgspec.Meta(ge=0)]
_PROMPTS: Final[Mapping[str, msgspec.json.Decoder[list[Any]]]] = {
    "a string": msgspec.json.Decoder(list[str]),
    "a number": msgspec.json.Decoder(list[_TokenId]),
    "an array": msgspec.json.Decoder(list[list[_TokenId]]),
}


def open_request(operation: Operation, inbound: Inbound) -> Envelope:
    """Read the envelope of any operation of this dialect.

    Raises:
        InvalidRequest: see `members`; members that are not read here are the upstream's to judge.
    """
    if not operation.is_billed:
        return _local(operation, inbound)
    body = JsonBody.parse(inbound.body)
    model = members.model(body)
    prompts = _check_messages(body) if operation is Operation.CHAT else count_prompts(body, "prompt")
    stream = members.boolean(body, "stream")
    options = members.members_of(body, "stream_options")
    return Envelope(
        dialect=NAME,
        operation=operation,
        model=model,
        stream=stream,
        body=body,
        max_output_tokens=_max_output(body),
        choices=_choices(body) * prompts,
        prompt_bytes=prompt_bytes(body),
        wants_usage=options is not None and members.boolean(options, "include_usage") and stream,
    )


def _local(operation: Operation, inbound: Inbound) -> Envelope:
    """Return the envelope of a question that this gateway answers itself."""
    return Envelope(NAME, operation, inbound.match.get("model", ""), False, _NO_BODY, None, 1, 0, False)


def _check_messages(body: JsonBody) -> int:
    """Check that messages are objects; return how many prompts they are: one."""
    text = members.array(body, "messages")
    messages = _ELEMENTS.decode(text) if len(text) <= MOST_CHECKED else [members.first(text)]
    for place, message in enumerate(messages):
        if members.kind(message) != "an object":
            raise members.wrong_type(f"messages[{place}]", "an object", message)
    return 1


def count_prompts(body: JsonBody, name: str) -> int:
    """Return how many prompts a member holds: a string or an array of tokens is one; arrays of these are many.

    Raises:
        InvalidRequest: absent, an empty array, or an array of anything else or of mixed things.
    """
    if not members.is_given(body, name):
        raise members.missing(name)
    text = body.view(name)
    if members.kind(text) == "a string":
        return 1
    if members.kind(text) != "an array":
        raise members.wrong_type(name, "a string or an array", text)
    first = members.kind(members.first(members.array(body, name)))
    try:
        prompts = _PROMPTS[first].decode(text)
    except (KeyError, msgspec.DecodeError, UnicodeDecodeError) as error:
        expected = "an array of strings, of tokens, or of arrays of tokens"
        raise InvalidRequest(f"Invalid type for '{name}': expected {expected}.", param=name) from error
    return 1 if first == "a number" else len(prompts)


def _choices(body: JsonBody) -> int:
    """Return the answers generated for one prompt: ``n``, or ``best_of`` where more are drawn than returned.

    Raises:
        InvalidRequest: no integer or out of range, or fewer drawn than returned.
    """
    wanted = members.integer(body, "n", 1, MAX_CHOICES) or 1
    drawn = members.integer(body, "best_of", 1, MAX_CHOICES) or wanted
    if drawn < wanted:
        raise InvalidRequest("Invalid value for 'best_of': expected at least as many as 'n'.", param="best_of")
    return drawn


def _max_output(body: JsonBody) -> int | None:
    """Return the bound on one answer; the larger one of two, for we do not know which the upstream obeys."""
    bounds = [members.integer(body, name, 1, MAX_OUTPUT) for name in ("max_tokens", "max_completion_tokens")]
    return max((bound for bound in bounds if bound is not None), default=None)


def stream_patches(envelope: Envelope, usage_in_stream: UsageInStream) -> Mapping[str, bytes | None]:
    """Return the change to ``stream_options`` that makes this upstream report usage, or keeps it from refusing."""
    if not envelope.stream:
        return {}
    options = members.members_of(envelope.body, "stream_options")
    if usage_in_stream is UsageInStream.ON_REQUEST:
        asked = (options or _NO_BODY).patched({"include_usage": b"true"})
        return {} if envelope.wants_usage else {"stream_options": asked}
    if envelope.body.raw("stream_options") is None:
        return {}
    rest = options.patched({"include_usage": None}) if options else b"{}"
    return {"stream_options": rest if JsonBody.parse(rest).names else None}
