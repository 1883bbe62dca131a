"""`ContentCodec`: Google's embeddings to canonical and back, one content at a time or many."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

import msgspec
from msgspec import Raw

from clinx.canonical.content import Text, Unknown
from clinx.canonical.embedding import EmbeddingRequest, EmbeddingResponse, Input, Tokens
from clinx.canonical.request import Extra, Extras
from clinx.dialects import lenient, members
from clinx.dialects.base import Encoded, Envelope, Loss, Target
from clinx.dialects.body import JsonBody
from clinx.dialects.embeddings.contents import DIALECT
from clinx.dialects.embeddings.vectors import read_vector
from clinx.dialects.google.names import get, is_one_of
from clinx.dialects.google.naming import as_resource
from clinx.dialects.google.usage import read_usage
from clinx.dialects.losses import extra_losses, harmless, severe
from clinx.domain.operation import Operation

_READ: Final = ("model", "content", "taskType", "title", "outputDimensionality")
_NOTHING: Final = b"null"


class _Content(msgspec.Struct, frozen=True):
    parts: list[dict[str, Raw]] | dict[str, Raw] | None = None


class _Embedding(msgspec.Struct):
    values: Raw


class _Answer(msgspec.Struct, rename="camel"):
    embedding: _Embedding | None = None
    embeddings: list[_Embedding] | None = None
    usage_metadata: object = None


_ANSWER: Final = msgspec.json.Decoder(_Answer)
_CONTENT: Final = msgspec.json.Decoder(_Content)
_REQUESTS: Final = msgspec.json.Decoder(list[dict[str, Raw]])
_TEXT: Final = msgspec.json.Decoder(str)
_SIZE: Final = msgspec.json.Decoder(int)


class ContentCodec:
    """Google's embeddings to canonical and back; an `EmbeddingCodec`."""

    __slots__ = ()

    def decode_request(self, envelope: Envelope) -> EmbeddingRequest:
        """Read a request for one vector, or a batch of them."""
        body = envelope.body
        members.check_encoding(body)
        if envelope.operation is Operation.EMBED:
            return EmbeddingRequest(envelope.model, (_input(_members(body), ""),))
        requests = members.decoded(body.view("requests"), "requests", _REQUESTS)
        inputs = tuple(_input(each, f"requests[{place}].") for place, each in enumerate(requests))
        return EmbeddingRequest(envelope.model, inputs, extras=_extras(_members(body), ("model", "requests")))

    def takes_many(self, operation: Operation) -> bool:
        """A batch does."""
        return operation is Operation.EMBED_BATCH

    def encode_request(self, request: EmbeddingRequest, target: Target, operation: Operation) -> Encoded:
        """Write a request for one vector, or a batch of them."""
        losses = {loss.path: loss for loss in _losses(request, operation)}
        written = [_written(each, target) for each in request.inputs]
        body = written[0] if operation is Operation.EMBED else {"requests": written, **_own(request.extras)}
        return Encoded(msgspec.json.encode(body), tuple(losses.values()))

    def decode_answer(self, body: bytes) -> EmbeddingResponse:
        """Read an answer to either."""
        with lenient.reading_answer():
            answer = _ANSWER.decode(body)
        found = [answer.embedding] if answer.embedding is not None else answer.embeddings or ()
        return EmbeddingResponse(tuple(read_vector(each.values) for each in found), read_usage(answer.usage_metadata))

    def encode_answer(self, response: EmbeddingResponse, request: EmbeddingRequest, operation: Operation) -> bytes:
        """Write an answer to what was asked for."""
        del request
        vectors = [{"values": vector} for vector in response.vectors]
        found = {"embedding": vectors[0]} if operation is Operation.EMBED else {"embeddings": vectors}
        told = {} if response.usage is None else {"usageMetadata": {"promptTokenCount": response.usage.input_tokens}}
        return msgspec.json.encode({**found, **told})


def _members(body: JsonBody) -> Mapping[str, Raw]:
    return {name: Raw(bytes(body.view(name))) for name in body.names}


def _input(given: Mapping[str, Raw], where: str) -> Input:
    content = get(given, "content")
    if content is None:
        raise members.missing(f"{where}content")
    size, task, title = (get(given, name) for name in ("outputDimensionality", "taskType", "title"))
    return Input(
        parts=tuple(_parts(members.decoded(content, f"{where}content", _CONTENT), f"{where}content")),
        dimensions=None if size is None else members.decoded(size, f"{where}outputDimensionality", _SIZE),
        task=None if task is None else members.decoded(task, f"{where}taskType", _TEXT),
        title=None if title is None else members.decoded(title, f"{where}title", _TEXT),
        extras=_extras(given, _READ),
    )


def _parts(content: _Content, where: str) -> Iterator[Text | Unknown]:
    given = content.parts or []
    for place, part in enumerate(given if isinstance(given, list) else [given]):
        text = get(part, "text")
        if text is None:
            yield Unknown(DIALECT, Raw(msgspec.json.encode(part)))
        else:
            yield Text(members.decoded(text, f"{where}.parts[{place}].text", _TEXT))


def _extras(given: Mapping[str, Raw], read: tuple[str, ...]) -> Extras:
    found = {name: Extra(Raw(bytes(value))) for name, value in given.items() if not is_one_of(name, read)}
    said = {name: extra for name, extra in found.items() if bytes(extra.value) != _NOTHING}
    return {DIALECT: said} if said else {}


def _own(extras: Extras) -> Mapping[str, Raw]:
    return {name: extra.value for name, extra in extras.get(DIALECT, {}).items()}


def _written(asked: Input, target: Target) -> Mapping[str, object]:
    wishes = {"taskType": asked.task, "title": asked.title, "outputDimensionality": asked.dimensions}
    return {
        "model": Raw(as_resource(target.model)),
        "content": {"parts": [*_written_parts(asked)]},
        **{name: wish for name, wish in wishes.items() if wish is not None},
        **_own(asked.extras),
    }


def _written_parts(asked: Input) -> Iterator[Mapping[str, str] | Raw]:
    for part in asked.parts:
        if isinstance(part, Text):
            yield {"text": part.text}
        elif isinstance(part, Unknown) and part.dialect == DIALECT:
            yield part.payload


def _losses(request: EmbeddingRequest, operation: Operation) -> Iterator[Loss]:
    yield from extra_losses(request.extras, DIALECT)
    if request.user is not None:
        yield harmless("user", "This parameter is not known to the model's upstream.")
    for each in request.inputs:
        yield from extra_losses(each.extras, DIALECT)
        if any(isinstance(part, Tokens) for part in each.parts):
            yield severe("input", "The model's upstream takes texts, and not the tokens of another vendor.")
        if any(isinstance(part, Unknown) and part.dialect != DIALECT for part in each.parts):
            yield severe("input", "The model's upstream does not understand this content.")
    if operation is not Operation.EMBED_BATCH and len(request.inputs) > 1:
        yield severe("input", "The model's upstream makes one vector at a time.")
