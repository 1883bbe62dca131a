"""Reading JSON that others wrote carelessly.

The strict parser refuses lone surrogates and bytes that are no UTF-8 in what it decodes. Upstreams send both (an emoji
cut between two tokens), and clients cope, so metering has to cope as well. What is forwarded stays as it came.
"""

from __future__ import annotations

import json
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from typing import Final, Never, TypeVar, cast

import msgspec

from clinx.errors import UpstreamBroken

T = TypeVar("T")

FAULTS: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What a decoder raises that is not lenient."""
_ESCAPE: Final = ord("\\")
_ANYTHING: Final = msgspec.json.Decoder()


def decode(data: bytes | memoryview) -> object:
    """Decode JSON text; what is no UTF-8 becomes replacement characters, lone surrogates stay.

    Raises:
        ValueError: not JSON, NaN or infinite, or nested too deeply.
    """
    try:
        return _ANYTHING.decode(data)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    except (msgspec.DecodeError, UnicodeDecodeError):
        return _decode_slowly(bytes(data))


def decode_clean(data: bytes | memoryview) -> object:
    """Decode JSON text as `decode` does; lone surrogates become question marks, so that it can be encoded again.

    Raises:
        ValueError: not JSON, NaN or infinite, or nested too deeply.
    """
    try:
        return _ANYTHING.decode(data)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    except (msgspec.DecodeError, UnicodeDecodeError):
        return _ANYTHING.decode(_encode_slowly(_decode_slowly(bytes(data))))


def clean(data: bytes) -> bytes:
    """Return JSON text without lone surrogates: as it is where no surrogate is written at all.

    Raises:
        ValueError: as `decode_clean`.
    """
    if _ESCAPE not in data or (b"\\ud" not in data and b"\\uD" not in data):
        return data
    return msgspec.json.encode(decode_clean(data))


def decode_as(decoder: msgspec.json.Decoder[T], data: bytes) -> T:
    """Decode JSON text to the decoder's type, which must hold no `msgspec.Raw`; lenient as `decode`.

    Raises:
        ValueError: not JSON, or not of that type.
    """
    try:
        return decoder.decode(data)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    except msgspec.ValidationError:
        raise
    except (msgspec.DecodeError, UnicodeDecodeError):
        document = _decode_slowly(data)
    try:
        return msgspec.convert(document, decoder.type)
    except UnicodeEncodeError:  # What is of no type of ours, a lone surrogate in it cannot be converted.
        return decoder.decode(_encode_slowly(document))


def encode(document: object) -> bytes:
    """Encode what `decode` returned: a lone surrogate becomes a question mark, what nests too deeply is null."""
    try:
        return msgspec.json.encode(document)
    except (RecursionError, UnicodeEncodeError):
        pass
    try:
        return _encode_slowly(document)
    except ValueError:
        return b"null"


def mapping(value: object) -> Mapping[str, object]:
    """Return what may be an object as one; empty for anything else."""
    return cast("Mapping[str, object]", value) if isinstance(value, dict) else {}


def sequence(value: object) -> Sequence[object]:
    """Return what may be an array as one; empty for anything else."""
    return cast("Sequence[object]", value) if isinstance(value, list) else ()


def member(value: object, name: str) -> object:
    """Return a member of what may be an object; None otherwise."""
    return cast("Mapping[str, object]", value).get(name) if isinstance(value, dict) else None


def text_in(value: object) -> str:
    """Return what may be a text as one; empty for anything else."""
    return value if isinstance(value, str) else ""


def object_in(document: object) -> Mapping[str, object]:
    """Return an object.

    Raises:
        ValueError: it is none.
    """
    if not isinstance(document, dict):
        raise ValueError("not an object")  # noqa: TRY004 - it is the vendor's value that is wrong, not our type
    return cast("Mapping[str, object]", document)


@contextmanager
def reading_answer() -> Generator[None]:
    """Read a whole answer: what cannot be read breaks it.

    Raises:
        UpstreamBroken: the body of the block raised a `ValueError`, or nests too deeply.
    """
    try:
        yield
    except (ValueError, RecursionError) as error:
        raise UpstreamBroken("The upstream sent an answer that cannot be read.") from error


def _encode_slowly(document: object) -> bytes:
    try:
        return json.dumps(document, ensure_ascii=False).encode("utf-8", "replace")
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def _decode_slowly(data: bytes) -> object:
    try:
        return json.loads(data.decode("utf-8", "replace"), parse_constant=_refuse)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def _refuse(constant: str) -> Never:
    raise ValueError(f"{constant} is not JSON")
