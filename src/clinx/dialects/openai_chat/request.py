"""The envelope of a request, read strictly, and what is asked of the upstream so that it reports usage."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec
from msgspec import structs

from clinx.dialects import members
from clinx.dialects.base import Envelope, Inbound
from clinx.dialects.body import JsonBody
from clinx.dialects.openai.inputs import count_prompts
from clinx.dialects.openai_chat.endpoints import NAME
from clinx.dialects.openai_chat.size import prompt_bytes
from clinx.domain.catalog import UsageInStream
from clinx.domain.operation import Operation
from clinx.errors import InvalidRequest

MAX_CHOICES: Final = 128
MAX_OUTPUT: Final = 2**30
MAX_MESSAGES: Final = 100_000
MOST_CHECKED: Final = 64 * 1024
"""Bytes of messages that are checked one by one; of more, only the first message is, for checking costs time."""

BOUNDS: Final = ("max_tokens", "max_completion_tokens")
"""The members that bound an answer; of a caller who sends neither, the first is what every server understands."""

_ROLE: Final = b'"role"'
_SHORTEST_MESSAGE: Final = len(b'{"role":"tool"},')
_NO_BODY: Final = JsonBody.parse(b"{}")


class _Object(msgspec.Struct, frozen=True, gc=False):
    """Any JSON object; nothing of it is kept."""


_OBJECTS: Final = msgspec.json.Decoder(list[_Object])
_ELEMENTS: Final = msgspec.json.Decoder(list[msgspec.Raw])


def open_request(operation: Operation, inbound: Inbound) -> Envelope:
    """Read the envelope of any operation of this dialect.

    Raises:
        InvalidRequest: see `members`; members that are not read here are the upstream's to judge.
    """
    if not operation.is_billed:
        return _local(operation, inbound)
    body = JsonBody.parse(inbound.body)
    members.check_spelling(body)
    model = members.model(body)
    if operation is Operation.CHAT:
        _check_messages(body)
        prompts, size = 1, prompt_bytes(body)
    else:
        prompts, size = count_prompts(body, "prompt"), len(body.data)
    stream = members.boolean(body, "stream")
    options = members.members_of(body, "stream_options")
    if options is not None:
        members.check_spelling(options)
    return Envelope(
        dialect=NAME,
        operation=operation,
        model=model,
        stream=stream,
        body=body,
        max_output_tokens=_max_output(body),
        choices=_choices(body) * prompts,
        prompt_bytes=size,
        wants_usage=options is not None and members.boolean(options, "include_usage") and stream,
    )


def _local(operation: Operation, inbound: Inbound) -> Envelope:
    """Return the envelope of a question that this gateway answers itself."""
    return Envelope(NAME, operation, inbound.match.get("model", ""), False, _NO_BODY, None, 1, 0, False)


def _check_messages(body: JsonBody) -> None:
    """Check that messages are objects, and not absurdly many."""
    text = members.array(body, "messages")
    if len(text) <= MOST_CHECKED:
        _check_elements(text)
    elif members.kind(first := members.first(text)) != "an object":
        raise members.wrong_type("messages[0]", "an object", first)
    if len(text) > _SHORTEST_MESSAGE * MAX_MESSAGES and _has_more_roles(body.data):
        raise InvalidRequest(
            f"Invalid value for 'messages': expected an array with at most {MAX_MESSAGES} elements.", param="messages"
        )


def _check_elements(text: memoryview) -> None:
    try:
        _OBJECTS.decode(text)
    except msgspec.ValidationError:
        messages = enumerate(_ELEMENTS.decode(text))
        place, message = next(pair for pair in messages if members.kind(pair[1]) != "an object")
        raise members.wrong_type(f"messages[{place}]", "an object", message) from None


def _has_more_roles(data: bytes) -> bool:
    """Whether more messages name their role than there may be: counted by searching, for nothing is made of them."""
    place = len(data)
    for _ in range(MAX_MESSAGES + 1):
        place = data.rfind(_ROLE, 0, place)
        if place < 0:
            return False
    return True


def _choices(body: JsonBody) -> int:
    """Return the answers generated for one prompt: ``n``, or ``best_of`` where more are drawn than returned.

    Raises:
        InvalidRequest: no integer or out of range, or fewer drawn than returned.
    """
    names = body.names
    if "n" not in names and "best_of" not in names:
        return 1
    wanted = members.integer(body, "n", 1, MAX_CHOICES) or 1
    drawn = members.integer(body, "best_of", 1, MAX_CHOICES) or wanted
    if drawn < wanted:
        raise InvalidRequest("Invalid value for 'best_of': expected at least as many as 'n'.", param="best_of")
    return drawn


def _max_output(body: JsonBody) -> int | None:
    """Return the bound on one answer; the larger one of two, for we do not know which the upstream obeys."""
    names, longest = body.names, None
    for name in BOUNDS:
        bound = members.integer(body, name, 1, MAX_OUTPUT) if name in names else None
        if bound is not None:
            longest = bound if longest is None else max(longest, bound)
    return longest


def bounded(envelope: Envelope, tokens: int) -> Envelope:
    """Return the request with each answer bounded, in the member its caller used; a lower bound of the caller's stays.

    Raises:
        ValueError: no room for even one token.
    """
    if tokens < 1:
        raise ValueError("an answer has at least one token")
    asked = {name: members.integer(envelope.body, name, 1, MAX_OUTPUT) for name in BOUNDS}
    given = {name: bound for name, bound in asked.items() if bound is not None} or {BOUNDS[0]: MAX_OUTPUT}
    changes = {name: str(tokens).encode() for name, bound in given.items() if bound > tokens}
    body = JsonBody.parse(envelope.body.patched(changes))
    return structs.replace(envelope, body=body, max_output_tokens=min(tokens, max(given.values())))


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
