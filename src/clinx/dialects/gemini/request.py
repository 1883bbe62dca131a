"""The envelope of a request, read strictly. What of it is in the path is there already; the body holds the rest."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from clinx.dialects import members
from clinx.dialects.base import Envelope, Inbound
from clinx.dialects.body import JsonBody
from clinx.dialects.bounds import is_within, rebound
from clinx.dialects.embeddings.contents import open_batch, open_embedding
from clinx.dialects.framing import Framing
from clinx.dialects.gemini.endpoints import NAME
from clinx.dialects.google import names
from clinx.dialects.google.naming import check_model, check_name, naming_within, one_model
from clinx.dialects.google.size import prompt_bytes
from clinx.domain.operation import Operation
from clinx.errors import InvalidRequest

MAX_CHOICES: Final = 128
MAX_OUTPUT: Final = 2**30
MOST_CHECKED: Final = 64 * 1024
"""Bytes of contents that are checked one by one; of more, only the first content is, for checking costs time."""

CONFIG: Final = "generationConfig"
WRAPPED: Final = "generateContentRequest"
"""Where a question how many tokens a prompt is may hold a whole request."""

_STREAMED: Final = "streamGenerateContent"
_KNOWN: Final = names.folded(("contents", CONFIG, "systemInstruction", "tools", "toolConfig", "model", WRAPPED))
_KNOWN_IN_CONFIG: Final = names.folded(("maxOutputTokens", "candidateCount", "thinkingConfig"))
_NO_BODY: Final = JsonBody.parse(b"{}")


class _Object(msgspec.Struct, frozen=True, gc=False):
    """Any JSON object; nothing of it is kept."""


_OBJECTS: Final = msgspec.json.Decoder(list[_Object])


def open_request(operation: Operation, inbound: Inbound) -> Envelope:
    """Read the envelope of any operation of this dialect.

    Raises:
        InvalidRequest: see `members`; members that are not read here are the upstream's to judge.
    """
    name = inbound.match.get("model", "")
    if operation in {Operation.LIST_MODELS, Operation.SHOW_MODEL}:
        return Envelope(NAME, operation, name, False, _NO_BODY, None, 1, 0, True)
    check_name(name)
    body = JsonBody.parse(inbound.body)
    match operation:
        case Operation.EMBED:
            return open_embedding(body, name)
        case Operation.EMBED_BATCH:
            return open_batch(body, name)
        case Operation.COUNT_TOKENS:
            return _open_count(body, name)
        case _:
            return _open_chat(body, name, inbound)


def config_of(body: JsonBody) -> JsonBody:
    """Return the generation config of a request; empty when absent.

    Raises:
        InvalidRequest: not an object, or with a bound in two spellings.
    """
    config = names.members_of(body, CONFIG) or _NO_BODY
    names.check_spelling(config, _KNOWN_IN_CONFIG)
    return config


def bounded(envelope: Envelope, tokens: int) -> Envelope | None:
    """Return the request with each answer bounded; None where its thoughts are to be longer than that.

    Raises:
        ValueError: no room for even one token.
    """
    if is_within(envelope, tokens):
        return envelope
    config = config_of(envelope.body)
    if _budget(config) >= tokens:
        return None
    bound = {names.spelled(config, "maxOutputTokens"): str(tokens).encode()}
    return rebound(envelope, tokens, {names.spelled(envelope.body, CONFIG): config.patched(bound)})


def _open_chat(body: JsonBody, name: str, inbound: Inbound) -> Envelope:
    names.check_spelling(body, _KNOWN)
    check_model(body, name)
    check_contents(body)
    config = config_of(body)
    stream = inbound.match.get("method") == _STREAMED
    return Envelope(
        dialect=NAME,
        operation=Operation.CHAT,
        model=name,
        stream=stream,
        body=body,
        max_output_tokens=members.integer(config, names.spelled(config, "maxOutputTokens"), 1, MAX_OUTPUT),
        choices=members.integer(config, names.spelled(config, "candidateCount"), 1, MAX_CHOICES) or 1,
        prompt_bytes=prompt_bytes(body),
        wants_usage=True,
        naming=one_model,
        framing=_framing(inbound.query) if stream else Framing.EVENTS,
    )


def _open_count(body: JsonBody, name: str) -> Envelope:
    names.check_spelling(body, _KNOWN)
    check_model(body, name)
    wrapped = names.members_of(body, WRAPPED)
    if wrapped is not None:
        check_model(wrapped, name)
    check_contents(wrapped or body)
    naming = one_model if wrapped is None else naming_within(names.spelled(body, WRAPPED))
    return Envelope(
        NAME, Operation.COUNT_TOKENS, name, False, body, 0, 1, prompt_bytes(wrapped or body), True, naming=naming
    )


def check_contents(body: JsonBody) -> None:
    """Check that there are contents, and that they are objects; of many, only the first is looked at.

    A single content need not be in an array.

    Raises:
        InvalidRequest: they are missing, empty, or something else.
    """
    if members.is_given(body, "contents") and members.kind(body.view("contents")) == "an object":
        return
    text = members.array(body, "contents")
    if len(text) > MOST_CHECKED:
        if members.kind(first := members.first(text)) != "an object":
            raise members.wrong_type("contents[0]", "an object", first)
        return
    members.decoded(text, "contents", _OBJECTS)


def _framing(query: Mapping[str, str]) -> Framing:
    """Return how a stream is written: the clients of this format take a comment for a broken event."""
    alt = query.get("alt") or query.get("$alt", "json")
    return Framing.SILENT if alt == "sse" else Framing.ARRAY


def _budget(config: JsonBody) -> int:
    """Return the least tokens the answer must have for its thoughts to fit."""
    try:
        thinking = names.members_of(config, "thinkingConfig")
        budget = None if thinking is None else thinking.value(names.spelled(thinking, "thinkingBudget"))
    except InvalidRequest:
        return MAX_OUTPUT  # It is the upstream's to refuse.
    return budget if isinstance(budget, int) else 0
