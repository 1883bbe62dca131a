"""The envelope of a request, read strictly."""

from __future__ import annotations

from typing import Final

import msgspec

from clinx.dialects import members
from clinx.dialects.base import Envelope, Inbound
from clinx.dialects.body import JsonBody
from clinx.dialects.bounds import is_within, rebound
from clinx.dialects.openai_responses.endpoints import NAME
from clinx.dialects.openai_responses.size import prompt_bytes
from clinx.dialects.openai_responses.stored import continued, open_stored, referred
from clinx.domain.operation import Operation
from clinx.errors import InvalidRequest

MAX_OUTPUT: Final = 2**30
LEAST_OUTPUT: Final = 16
"""The vendor takes no lower bound of an answer."""
MOST_CHECKED: Final = 64 * 1024
"""Bytes of items that are checked one by one; of more, only the first item is, for checking costs time."""
STORED_TOKENS: Final = 400_000
"""What a conversation counts that is stored at the vendor: as much as the context of most models holds."""

STORED: Final = ("previous_response_id", "prompt")
"""Members that stand for a prompt which is not in the body."""

_OWN: Final = frozenset({"max_output_tokens", "background", "instructions", "conversation", "store", *STORED})
"""Names the gateway decides by in this format, beside those of all formats."""
_LONGEST_NAME: Final = 64


class _Object(msgspec.Struct, frozen=True, gc=False):
    """Any JSON object; nothing of it is kept."""


_OBJECTS: Final = msgspec.json.Decoder(list[_Object])


def open_request(operation: Operation, inbound: Inbound) -> Envelope:
    """Read the envelope.

    Raises:
        InvalidRequest: see `members`; or the answer is to be made in the background, or part of a conversation.
        ResponseNotFound: it is about an answer whose id cannot be one.
    """
    if operation is Operation.STORED:
        return open_stored(inbound)
    body = JsonBody.parse(inbound.body)
    members.check_spelling(body)
    _check_spelling(body)
    model = members.model(body)
    stored = [name for name in STORED if members.is_given(body, name)]
    _check_input(body, is_required=not stored)
    if members.boolean(body, "background"):
        raise InvalidRequest(
            "Answers are not made in the background here.", hint="Ask without 'background'.", param="background"
        )
    if members.is_given(body, "conversation"):
        raise InvalidRequest(
            "Conversations are not kept here.", hint="Continue with 'previous_response_id'.", param="conversation"
        )
    return Envelope(
        dialect=NAME,
        operation=operation,
        model=model,
        stream=members.boolean(body, "stream"),
        body=body,
        max_output_tokens=members.integer(body, "max_output_tokens", 1, MAX_OUTPUT),
        choices=1,
        prompt_bytes=prompt_bytes(body) + (STORED_TOKENS if stored else 0),
        wants_usage=True,
        continues=continued(body),
        refers=referred(body),
    )


def bounded(envelope: Envelope, tokens: int) -> Envelope | None:
    """Return the request with its answer bounded; None where the bound would be lower than the format allows.

    Raises:
        ValueError: no room for even one token.
    """
    if is_within(envelope, tokens):
        return envelope
    if tokens < LEAST_OUTPUT:
        return None
    return rebound(envelope, tokens, {"max_output_tokens": str(tokens).encode()})


def _check_spelling(body: JsonBody) -> None:
    """Refuse a member that only folding makes one the gateway decides by; some servers fold."""
    for name in body.names:
        if name not in _OWN and len(name) <= _LONGEST_NAME and (meant := name.casefold()) in _OWN:
            raise InvalidRequest(f"Unknown parameter: '{name}'.", hint=f"Did you mean '{meant}'?", param=name)


def _check_input(body: JsonBody, *, is_required: bool) -> None:
    """Check that the input is a text or items, and not empty where nothing else stands for the prompt."""
    if not members.is_given(body, "input"):
        if is_required:
            raise members.missing("input")
        return
    text = body.view("input")
    found = members.kind(text)
    if found == "an array":
        if not members.is_empty(text):
            _check_items(text)
        elif is_required:
            members.array(body, "input")
    elif found != "a string":
        raise members.wrong_type("input", "a string or an array", text)


def _check_items(text: memoryview) -> None:
    """Check that items are objects; of many, only the first."""
    if len(text) > MOST_CHECKED:
        if members.kind(first := members.first(text)) != "an object":
            raise members.wrong_type("input[0]", "an object", first)
        return
    try:
        _OBJECTS.decode(text)
    except msgspec.ValidationError as error:
        raise InvalidRequest("Invalid type for 'input': expected an array of objects.", param="input") from error
