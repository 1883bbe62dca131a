"""What a body asks for, read leniently: an upstream ignores what it does not know."""

from __future__ import annotations

from typing import Annotated, Any, TypeVar, cast

import msgspec

Positive = Annotated[int, msgspec.Meta(ge=1)]

FEWEST_DIMENSIONS = 8
MOST_DIMENSIONS = 1536


class BadAsk(ValueError):
    """The body is not what the endpoint takes; the text says why."""


class Part(msgspec.Struct):
    """One part of a message."""

    type: str
    text: str = ""


class Message(msgspec.Struct):
    """One turn."""

    role: str
    content: str | list[Part] | None = None

    @property
    def text(self) -> str:
        """Its text, without what is no text."""
        if self.content is None or isinstance(self.content, str):
            return self.content or ""
        return "".join(part.text for part in self.content)


class StreamOptions(msgspec.Struct):
    """How to stream."""

    include_usage: bool = False


class Function(msgspec.Struct):
    """A function a model may call."""

    name: str


class Tool(msgspec.Struct):
    """A tool a model may use."""

    function: Function


class Ask(msgspec.Struct):
    """What text endpoints have in common."""

    model: str
    stream: bool = False
    stream_options: StreamOptions | None = None
    n: Positive | None = None
    max_tokens: Positive | None = None

    @property
    def wants_usage(self) -> bool:
        """Whether a stream should end with its usage."""
        return self.stream_options is not None and self.stream_options.include_usage


class ChatAsk(Ask, kw_only=True):
    """POST /v1/chat/completions."""

    messages: Annotated[list[Message], msgspec.Meta(min_length=1)]
    max_completion_tokens: Positive | None = None
    tools: list[Tool] | None = None
    tool_choice: str | Tool | None = None

    @property
    def limit(self) -> int | None:
        """Most tokens of one answer."""
        return self.max_completion_tokens or self.max_tokens

    @property
    def forced_tool(self) -> str | None:
        """The name of the function that must be called, if one must."""
        if isinstance(self.tool_choice, Tool):
            return self.tool_choice.function.name
        return self.tools[0].function.name if self.tools and self.tool_choice == "required" else None


class CompletionAsk(Ask, kw_only=True):
    """POST /v1/completions."""

    prompt: Any = "<|endoftext|>"

    @property
    def limit(self) -> int | None:
        """Most tokens of one answer."""
        return self.max_tokens

    @property
    def prompts(self) -> list[str]:
        """Every prompt, as text; tokens are shown as their numbers."""
        return texts(self.prompt)


class EmbeddingAsk(msgspec.Struct):
    """POST /v1/embeddings."""

    model: str
    input: Any
    encoding_format: str = "float"
    dimensions: Annotated[int, msgspec.Meta(ge=FEWEST_DIMENSIONS, le=MOST_DIMENSIONS)] = MOST_DIMENSIONS


TextAsk = ChatAsk | CompletionAsk
AnyAsk = TypeVar("AnyAsk", ChatAsk, CompletionAsk, EmbeddingAsk, TextAsk)


def read(body: bytes, kind: type[AnyAsk]) -> AnyAsk:
    """Decode a body.

    Raises:
        BadAsk: not JSON, or a field is missing or of the wrong type.
    """
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        raise BadAsk(str(error)) from error


def texts(value: object) -> list[str]:
    """Read what may be a text, several, the numbers of tokens, or several of those.

    Raises:
        BadAsk: it is none of them, or nothing.
    """
    if isinstance(value, str):
        return [value]
    if isinstance(value, list) and value:
        items = cast("list[object]", value)
        if all(isinstance(item, int) for item in items):
            return [" ".join(str(item) for item in items)]
        return [text for item in items for text in texts(item)]
    raise BadAsk("Expected a text, a list of texts, or tokens.")
