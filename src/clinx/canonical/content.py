"""The parts that turns and answers are made of, in order.

Texts hold no lone surrogates. Binary content is base64 text without line breaks, whatever the wire format has.
"""

from __future__ import annotations

from typing import Final, Literal, TypeAlias

import msgspec
from msgspec import Raw, Struct

CacheTtl: TypeAlias = Literal["5m", "1h"]
"""How long what comes before and including the marked part, tool or system text is to be kept in the vendor's cache."""

EMPTY_OBJECT: Final = Raw(b"{}")
_OBJECT: Final = msgspec.json.Decoder(dict[str, Raw])


class Signature(Struct, frozen=True):
    """An opaque proof that a vendor gave with a part and wants back, unchanged, with the same part.

    Encoders of other dialects leave it out, which is no loss.
    """

    dialect: str
    value: str


class Inline(Struct, frozen=True, tag="inline"):
    """Content that is in the message itself."""

    media_type: str
    """``image/png``; lower case, without parameters."""
    data: str
    """Base64."""


class Remote(Struct, frozen=True, tag="remote", omit_defaults=True):
    """Content behind an address that the vendor fetches."""

    url: str
    media_type: str | None = None


class Uploaded(Struct, frozen=True, tag="uploaded"):
    """Content that was uploaded to a vendor before; the id means nothing in another dialect."""

    dialect: str
    id: str


Source: TypeAlias = Inline | Remote | Uploaded


class Citation(Struct, frozen=True, omit_defaults=True):
    """Where something that was said comes from."""

    url: str | None = None
    title: str | None = None
    quote: str | None = None
    """What the source says there."""
    start: int | None = None
    end: int | None = None
    """The characters of the part's text that it is about; None for all of them."""
    native: Unknown | None = None
    """The vendor's own words for it, for callers of the same format."""


class TokenLogprob(Struct, frozen=True, omit_defaults=True):
    """How likely a token was."""

    token: str
    logprob: float
    bytes: tuple[int, ...] | None = None
    top: tuple[TokenLogprob, ...] = ()
    """The likeliest ones at its place."""


class Text(Struct, frozen=True, tag="text", omit_defaults=True):
    """Plain text."""

    text: str
    cache: CacheTtl | None = None
    signature: Signature | None = None
    citations: tuple[Citation, ...] = ()
    """In answers only."""
    logprobs: tuple[TokenLogprob, ...] = ()
    """In answers only, and only when they were asked for."""


class Refusal(Struct, frozen=True, tag="refusal"):
    """Text in which a model declines."""

    text: str


class Image(Struct, frozen=True, tag="image", omit_defaults=True):
    """A picture."""

    source: Source
    detail: str | None = None
    """``low``, ``high``, ``auto``: how closely it is to be looked at."""
    cache: CacheTtl | None = None
    signature: Signature | None = None


class Audio(Struct, frozen=True, tag="audio", omit_defaults=True):
    """A recording, or generated speech."""

    source: Source | None
    """None when only the id of earlier speech is known."""
    transcript: str = ""
    id: str | None = None
    cache: CacheTtl | None = None


class File(Struct, frozen=True, tag="file", omit_defaults=True):
    """A document, a video, or anything else with a media type. Plain text is a file of ``text/plain``."""

    source: Source
    name: str | None = None
    cache: CacheTtl | None = None


class Thinking(Struct, frozen=True, tag="thinking", omit_defaults=True):
    """What a model thought before it spoke."""

    text: str
    """Empty when it is hidden."""
    signature: Signature | None = None
    redacted: Signature | None = None
    """The encrypted thought itself, where the vendor shows no text (Anthropic) or beside a summary (Responses)."""
    id: str | None = None
    """The item's own name where it has one (Responses)."""


class ToolCall(Struct, frozen=True, tag="tool_call", omit_defaults=True):
    """A call of one of the caller's functions."""

    id: str
    """In a request never empty, and unique; in an answer empty where the vendor gives none."""
    name: str
    arguments: str
    """JSON text as the model wrote it; it may be empty, and it may be no JSON."""
    signature: Signature | None = None
    cache: CacheTtl | None = None


class ToolResult(Struct, frozen=True, tag="tool_result", omit_defaults=True):
    """What a called function returned. It stands in a turn of the user's."""

    call_id: str
    parts: tuple[Part, ...]
    """Text, Image, File, Audio or Unknown."""
    is_error: bool = False
    name: str | None = None
    """The function's name, where the wire says it; `clinx.canonical.request.named_results` adds it."""
    cache: CacheTtl | None = None


class Unknown(Struct, frozen=True, tag="unknown"):
    """Something only one dialect understands, as JSON text."""

    dialect: str
    payload: Raw


Part: TypeAlias = Text | Refusal | Image | Audio | File | Thinking | ToolCall | ToolResult | Unknown


def as_object(arguments: str) -> Raw | None:
    """Return the arguments of a call as the text of a JSON object: of none at all the empty one; None for no object."""
    text = arguments.strip()
    if not text:
        return EMPTY_OBJECT
    try:
        _OBJECT.decode(text)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None
    return Raw(text.encode())
