"""The envelope of a request, read strictly."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

import msgspec

from clinx.dialects import members
from clinx.dialects.anthropic.endpoints import NAME
from clinx.dialects.anthropic.size import prompt_bytes
from clinx.dialects.base import Envelope, Inbound
from clinx.dialects.body import JsonBody
from clinx.dialects.bounds import is_within, rebound
from clinx.domain.operation import Operation
from clinx.errors import InvalidRequest

MAX_OUTPUT: Final = 2**30
MOST_CHECKED: Final = 64 * 1024
"""Bytes of messages that are checked one by one; of more, only the first message is, for checking costs time."""

PASSED_ON: Final = ("anthropic-version", "anthropic-beta")
"""Headers that say how a request is to be read."""

_HEADER: Final = re.compile(r"[ -~]{1,2048}")
_NO_BODY: Final = JsonBody.parse(b"{}")
_LEAST_BUDGETED: Final = 1024
"""Thoughts that are budgeted get at least so many tokens."""


class _Object(msgspec.Struct, frozen=True, gc=False):
    """Any JSON object; nothing of it is kept."""


_OBJECTS: Final = msgspec.json.Decoder(list[_Object])


def open_request(operation: Operation, inbound: Inbound) -> Envelope:
    """Read the envelope of any operation of this dialect.

    Raises:
        InvalidRequest: see `members`; members that are not read here are the upstream's to judge.
    """
    if operation in {Operation.LIST_MODELS, Operation.SHOW_MODEL}:
        return Envelope(NAME, operation, inbound.match.get("model", ""), False, _NO_BODY, None, 1, 0, False)
    body = JsonBody.parse(inbound.body)
    members.check_spelling(body)
    model = members.model(body)
    _check_messages(body)
    counts = operation is Operation.COUNT_TOKENS
    return Envelope(
        dialect=NAME,
        operation=operation,
        model=model,
        stream=not counts and members.boolean(body, "stream"),
        body=body,
        max_output_tokens=0 if counts else _max_output(body),
        choices=1,
        prompt_bytes=prompt_bytes(body),
        wants_usage=True,
        headers=_passed_on(inbound.headers),
    )


def bounded(envelope: Envelope, tokens: int) -> Envelope | None:
    """Return the request with its answer bounded; None where its thoughts are to be longer than that.

    Raises:
        ValueError: no room for even one token.
    """
    if is_within(envelope, tokens):
        return envelope
    if _budget(envelope.body) >= tokens:
        return None
    return rebound(envelope, tokens, {"max_tokens": str(tokens).encode()})


def _check_messages(body: JsonBody) -> None:
    """Check that messages are objects; of many, only the first."""
    text = members.array(body, "messages")
    if len(text) > MOST_CHECKED:
        if members.kind(first := members.first(text)) != "an object":
            raise members.wrong_type("messages[0]", "an object", first)
        return
    try:
        _OBJECTS.decode(text)
    except msgspec.ValidationError as error:
        raise InvalidRequest("Invalid type for 'messages': expected an array of objects.", param="messages") from error


def _max_output(body: JsonBody) -> int:
    """Return the bound of the answer, which this format demands; 0 only fills the cache."""
    bound = members.integer(body, "max_tokens", 0, MAX_OUTPUT)
    if bound is None:
        raise members.missing("max_tokens")
    return bound


def _budget(body: JsonBody) -> int:
    """Return the least tokens the answer must have for its thoughts to fit."""
    try:
        thinking = members.members_of(body, "thinking")
        budget = None if thinking is None else thinking.value("budget_tokens")
    except InvalidRequest:
        return MAX_OUTPUT  # It is the upstream's to refuse.
    return budget if isinstance(budget, int) else 0


def _passed_on(headers: Mapping[str, str]) -> Mapping[str, str]:
    """Return the caller's headers an upstream must see.

    Raises:
        InvalidRequest: one is absurdly long, or holds what a header cannot.
    """
    found = {name: value for name in PASSED_ON if (value := headers.get(name))}
    for name, value in found.items():
        if _HEADER.fullmatch(value) is None:
            raise InvalidRequest(f"Invalid value for the header '{name}'.", param=name)
    return found
