"""Google's embeddings as they are passed through: one content, or a batch of requests that each hold one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, cast

import msgspec

from clinx.dialects import lenient, members
from clinx.dialects.base import CountTokens, Envelope, WholeAnswer
from clinx.dialects.body import JsonBody
from clinx.dialects.google.errors import problem_in
from clinx.dialects.google.naming import PREFIX, as_resource, check_model, one_model, other_model
from clinx.dialects.google.parts import count_parts
from clinx.dialects.google.size import prompt_bytes
from clinx.dialects.google.usage import read_usage
from clinx.dialects.lenient import mapping, sequence
from clinx.dialects.prompts import count_bytes, decoded
from clinx.domain.operation import Operation
from clinx.errors import InvalidRequest, UpstreamBroken

DIALECT: Final = "gemini"
"""What these operations belong to: host, key, errors and models are those of generated content."""

MAX_REQUESTS: Final = 2048
"""The most requests of one batch; the vendor takes 100."""


class _Request:
    """A request of a batch that was looked at."""


_LOOKED_AT: Final = _Request()
_REQUESTS: Final = list[_Request]
_TEXTS: Final = msgspec.json.Decoder(list[msgspec.Raw])


class _Answer(msgspec.Struct, rename="camel"):
    embedding: msgspec.Raw = msgspec.Raw()
    embeddings: list[msgspec.Raw] | None = None
    usage_metadata: object = None
    error: object = None


_ANSWER: Final = msgspec.json.Decoder(_Answer)


def open_embedding(body: JsonBody, name: str) -> Envelope:
    """Read a request for one embedding.

    Raises:
        InvalidRequest: no content, or another model.
    """
    if not members.is_given(body, "content"):
        raise members.missing("content")
    if members.kind(text := body.view("content")) != "an object":
        raise members.wrong_type("content", "an object", text)
    check_model(body, name)
    return Envelope(
        DIALECT, Operation.EMBED, name, False, body, 0, 1, prompt_bytes(body, "content"), True, naming=one_model
    )


def open_batch(body: JsonBody, name: str) -> Envelope:
    """Read a batch of requests.

    Raises:
        InvalidRequest: no requests or too many, one that is no object, or one for another model.
    """
    text = members.array(body, "requests")
    known = {None, name, PREFIX + name}
    count = 0

    def look(_: type, request: object) -> _Request:
        nonlocal count
        if count == MAX_REQUESTS:
            raise InvalidRequest(f"Too many 'requests': expected at most {MAX_REQUESTS}.", param="requests")
        where = f"requests[{count}]"
        count += 1
        if not isinstance(request, dict):
            raise InvalidRequest(f"Invalid type for '{where}': expected an object.", param=where)
        given = cast("Mapping[str, object]", request).get("model")
        if not (given is None or isinstance(given, str)) or given not in known:
            raise other_model(f"{where}.model")
        return _LOOKED_AT

    try:
        msgspec.json.decode(text, type=_REQUESTS, dec_hook=look)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidRequest("Invalid value for 'requests': expected JSON in UTF-8.", param="requests") from error
    size = prompt_bytes(body, "requests")
    return Envelope(DIALECT, Operation.EMBED_BATCH, name, False, body, 0, 1, size, True, naming=_every_model)


def _every_model(body: JsonBody, model: str) -> Mapping[str, bytes | None]:
    requests = [JsonBody.parse(bytes(text)) for text in _TEXTS.decode(body.view("requests"))]
    named = [request.patched({"model": as_resource(model)}) for request in requests]
    return {"requests": b"[" + b",".join(named) + b"]"}


def read_embeddings(body: bytes) -> WholeAnswer:
    """Read an answer without decoding its vectors.

    Raises:
        UpstreamBroken: not JSON, not an answer, or an answer without vectors.
    """
    with lenient.reading_answer():
        answer = _ANSWER.decode(body)
    problem = problem_in(answer.error, body)
    if problem is None and not bytes(answer.embedding) and not answer.embeddings:
        raise UpstreamBroken("The upstream sent an answer without embeddings.")
    return WholeAnswer(read_usage(answer.usage_metadata), (), problem)


def count_contents(body: JsonBody, count: CountTokens) -> int:
    """Count what is to be embedded, and nothing around it: a text costs the same in every format."""
    text = body.raw("requests") or body.raw("content") or b""
    value = decoded(text)
    if value is None:
        return count_bytes(text, count)
    requests = sequence(value)
    contents = [mapping(each).get("content") for each in requests] if isinstance(value, list) else [value]
    return sum(count_parts(mapping(content), count) for content in contents)
