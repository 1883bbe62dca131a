"""A request for embeddings and its answer that belong to no dialect.

What becomes one vector is an `Input`. What is asked for beside it (size, task, title) stands with it, for a format may
say it for each; a format that says it once for all loses what differs. Never streamed.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TypeAlias

from msgspec import Raw, Struct, field

from clinx.canonical.content import Text, Unknown
from clinx.canonical.request import Extra, Extras
from clinx.domain.usage import Usage

Vector: TypeAlias = Raw
"""The JSON text of an array of numbers: they are many, and the way they are written is never changed on the way."""


class Tokens(Struct, frozen=True, tag="tokens"):
    """A text as the numbers of its tokens; which text that is, only the model's own vendor can tell."""

    payload: Raw
    """The JSON text of an array of whole numbers."""


class Input(Struct, frozen=True, omit_defaults=True):
    """What becomes one vector."""

    parts: tuple[Text | Tokens | Unknown, ...]
    """Several texts are one, without anything between them."""
    dimensions: int | None = None
    """Numbers of the vector; None: as many as the model likes."""
    task: str | None = None
    """What the vector is for, in the vendor's word."""
    title: str | None = None
    """Of the document that the text is from."""
    extras: Extras = field(default_factory=dict[str, dict[str, Extra]])


class Encoding(StrEnum):
    """How a caller wants vectors written."""

    FLOAT = "float"
    """As numbers."""
    BASE64 = "base64"
    """As the base64 of 32-bit floats, the least significant byte first."""


class EmbeddingRequest(Struct, frozen=True, omit_defaults=True):
    """Everything a caller asks for."""

    model: str
    """The name the caller used."""
    inputs: tuple[Input, ...]
    encoding: Encoding | None = None
    """None: not said, which is as numbers."""
    user: str | None = None
    """Who of the caller's users asks."""
    extras: Extras = field(default_factory=dict[str, dict[str, Extra]])


class EmbeddingResponse(Struct, frozen=True):
    """What a model answered."""

    vectors: tuple[Vector, ...]
    """In the order of the inputs."""
    usage: Usage | None = None
