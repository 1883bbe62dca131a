"""`InputCodec`: OpenAI's embeddings to canonical and back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import msgspec
from msgspec import Raw

from clinx.canonical.content import Text, Unknown
from clinx.canonical.embedding import EmbeddingRequest, EmbeddingResponse, Encoding, Input, Tokens
from clinx.canonical.request import Extra, Extras
from clinx.dialects import lenient, members
from clinx.dialects.base import Encoded, Envelope, Loss, Target
from clinx.dialects.body import JsonBody
from clinx.dialects.embeddings.endpoints import NAME
from clinx.dialects.embeddings.vectors import as_base64, read_vector
from clinx.dialects.losses import extra_losses, harmless, severe
from clinx.dialects.openai.usage import read_usage
from clinx.domain.operation import Operation
from clinx.errors import UpstreamBroken

MAX_DIMENSIONS: Final = 2**20

_READ: Final = frozenset({"model", "input", "dimensions", "encoding_format", "user"})
_UNKNOWN: Final = "This parameter is not known to the model's upstream."
_TEXT: Final = msgspec.json.Decoder(str)
_TEXTS: Final = msgspec.json.Decoder(list[str])
_RAWS: Final = msgspec.json.Decoder(list[Raw])
_ENCODING: Final = msgspec.json.Decoder(Encoding)
_NOTHING: Final = b"null"


class _Embedding(msgspec.Struct):
    embedding: Raw
    index: int | None = None


class _Answer(msgspec.Struct):
    data: list[_Embedding]
    usage: object = None


_ANSWER: Final = msgspec.json.Decoder(_Answer)


class InputCodec:
    """OpenAI's embeddings to canonical and back; an `EmbeddingCodec`."""

    __slots__ = ()

    def decode_request(self, envelope: Envelope) -> EmbeddingRequest:
        """Read a request, whose ``input`` was looked at when it was opened."""
        body = envelope.body
        members.check_encoding(body)
        dimensions = members.integer(body, "dimensions", 1, MAX_DIMENSIONS)
        return EmbeddingRequest(
            model=envelope.model,
            inputs=tuple(Input((part,), dimensions) for part in _parts(body)),
            encoding=members.typed(body, "encoding_format", _ENCODING),
            user=members.typed(body, "user", _TEXT),
            extras=_extras(body),
        )

    def takes_many(self, operation: Operation) -> bool:
        """Always."""
        del operation  # there is only one
        return True

    def encode_request(self, request: EmbeddingRequest, target: Target, operation: Operation) -> Encoded:
        """Write a request; it has one size for all vectors, and neither tasks nor titles."""
        del operation  # there is only one
        losses = {loss.path: loss for loss in _losses(request)}
        inputs = [_written(each.parts) for each in request.inputs]
        size = request.inputs[0].dimensions
        wishes = {"dimensions": size, "encoding_format": request.encoding, "user": request.user}
        body = {
            "model": target.model,
            "input": inputs[0] if len(inputs) == 1 else inputs,
            **{name: wish for name, wish in wishes.items() if wish is not None},
            **{name: extra.value for name, extra in request.extras.get(NAME, {}).items()},
        }
        return Encoded(msgspec.json.encode(body), tuple(losses.values()))

    def decode_answer(self, body: bytes) -> EmbeddingResponse:
        """Read an answer; vectors without numbers stand where they are.

        Raises:
            UpstreamBroken: it cannot be read, or its numbers leave open which vector is whose.
        """
        with lenient.reading_answer():
            answer = _ANSWER.decode(body)
        vectors = tuple(read_vector(each.embedding) for each in _placed(answer.data))
        return EmbeddingResponse(vectors, read_usage(answer.usage))

    def encode_answer(self, response: EmbeddingResponse, request: EmbeddingRequest, operation: Operation) -> bytes:
        """Write an answer, its vectors as the caller wants them."""
        del operation
        is_packed = request.encoding is Encoding.BASE64
        data = [
            {"object": "embedding", "index": index, "embedding": as_base64(vector) if is_packed else vector}
            for index, vector in enumerate(response.vectors)
        ]
        tokens = 0 if response.usage is None else response.usage.input_tokens
        usage = {"prompt_tokens": tokens, "total_tokens": tokens}
        return msgspec.json.encode({"object": "list", "data": data, "model": request.model, "usage": usage})


def _parts(body: JsonBody) -> Iterator[Text | Tokens]:
    """Return what the input holds: a text, a text as tokens, or several of one kind."""
    text = body.view("input")
    if members.kind(text) == "a string":
        yield Text(members.decoded(text, "input", _TEXT))
        return
    first = members.kind(members.first(text))
    if first == "a string":
        yield from map(Text, members.decoded(text, "input", _TEXTS))
    elif first == "an array":
        yield from (Tokens(Raw(bytes(each))) for each in members.decoded(text, "input", _RAWS))
    else:
        yield Tokens(Raw(bytes(text)))


def _extras(body: JsonBody) -> Extras:
    found = {name: value for name in body.names if name not in _READ and (value := body.raw(name)) != _NOTHING}
    return {NAME: {name: Extra(Raw(value or _NOTHING)) for name, value in found.items()}} if found else {}


def _losses(request: EmbeddingRequest) -> Iterator[Loss]:
    yield from extra_losses(request.extras, NAME)
    for each in request.inputs:
        yield from extra_losses(each.extras, NAME)
        if each.task is not None:
            yield harmless("taskType", _UNKNOWN)
        if each.title is not None:
            yield harmless("title", _UNKNOWN)
        if any(isinstance(part, Unknown) for part in each.parts):
            yield severe("content.parts", "The model's upstream embeds nothing but text.")
    if len({each.dimensions for each in request.inputs}) > 1:
        yield severe("outputDimensionality", "The model's upstream makes all vectors of a request the same size.")


def _written(parts: Sequence[Text | Tokens | Unknown]) -> str | Raw:
    tokens = next((part.payload for part in parts if isinstance(part, Tokens)), None)
    return tokens or "".join(part.text for part in parts if isinstance(part, Text))


def _placed(data: Sequence[_Embedding]) -> Sequence[_Embedding]:
    by_place = {each.index: each for each in data}
    if by_place.keys() <= {None}:
        return data
    if by_place.keys() != set(range(len(data))):
        raise UpstreamBroken("The upstream numbered its embeddings in a way that leaves open which is whose.")
    return [by_place[place] for place in range(len(data))]
