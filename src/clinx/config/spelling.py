"""Values that the tree was compiled to, written as the tree could have said them: with their units."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import timedelta
from fractions import Fraction
from typing import Any, Final, cast, get_args

from pydantic import BaseModel, PlainValidator
from pydantic.fields import FieldInfo

from clinx.config.quantities import FOREVER, read_duration, read_retention, read_share, read_size

_MIB: Final = 2**20


def spelled(shape: type[BaseModel] | None, keys: Sequence[str], value: object) -> str:
    """Write a value that stands at these keys of a shape; where the shape does not say what it is, as it is."""
    field, below = _place(shape, keys)
    return _written(field, below, value)


def absent(shape: type[BaseModel] | None, keys: Sequence[str]) -> str | None:
    """Say what it means that nothing stands at these keys, where that is more than nothing."""
    field, _ = _place(shape, keys)
    return FOREVER if field is not None and read_retention in _readers(field) else None


def _place(shape: type[BaseModel] | None, keys: Sequence[str]) -> tuple[FieldInfo | None, type[BaseModel] | None]:
    """Return the last of these keys, and the shape of what lies under it."""
    field = None
    for key in keys:
        field = _field(shape, key)
        shape = _below(field)
    return field, shape


def _written(field: FieldInfo | None, shape: type[BaseModel] | None, value: object) -> str:
    write = _writer(field) if field is not None else None
    if write is not None and isinstance(value, int | float):
        return write(value)
    if shape is not None and is_dataclass(value):
        parts = ((each.name, getattr(value, each.name)) for each in fields(value) if each.repr)
        inner = ((name, _field(shape, name), part) for name, part in parts if part is not None)
        return _map_text((name, _written(below, _below(below), part)) for name, below, part in inner)
    return _plain(value)


def _plain(value: object) -> str:
    match value:
        case bool():
            return str(value).lower()
        case Fraction() | float() | timedelta():
            return _term(value) if isinstance(value, timedelta) else f"{float(value):.12g}"
        case Mapping():
            pairs = cast("Mapping[object, object]", value).items()
            return _map_text((key, _plain(part)) for key, part in pairs if part is not None)
        case _ if is_dataclass(value):
            parts = ((each.name, getattr(value, each.name)) for each in fields(value) if each.repr)
            return _map_text((name, _plain(part)) for name, part in parts if part is not None)
        case frozenset() | tuple() | list():
            return f"[{', '.join(sorted(map(_plain, cast('Iterable[object]', value))))}]"
        case _:
            return str(value)


def _map_text(pairs: Iterable[tuple[object, str]]) -> str:
    return f"{{{', '.join(f'{key}: {text}' for key, text in pairs)}}}"


def _field(shape: type[BaseModel] | None, key: str) -> FieldInfo | None:
    if shape is None:
        return None
    return next((field for name, field in shape.model_fields.items() if key in {name, field.alias}), None)


def _below(field: FieldInfo | None) -> type[BaseModel] | None:
    """Return the shape of what lies under a key, where only one can."""
    if field is None:
        return None
    shapes = [each for each in _choices(field) if isinstance(each, type) and issubclass(each, BaseModel)]
    return shapes[0] if len(shapes) == 1 else None


def _choices(field: FieldInfo) -> tuple[Any, ...]:
    return get_args(field.annotation) or (field.annotation,)


def _writer(field: FieldInfo) -> Callable[[Any], str] | None:
    """Return what writes a value with its unit; None where it has none."""
    return next((write for read in _readers(field) if (write := _WRITERS.get(read)) is not None), None)


def _readers(field: FieldInfo) -> Iterator[Callable[..., Any]]:
    yield from (each.func for each in field.metadata if isinstance(each, PlainValidator))
    for choice in _choices(field):
        yield from (each.func for each in getattr(choice, "__metadata__", ()) if isinstance(each, PlainValidator))


def _duration(seconds: float) -> str:
    exact = Fraction(seconds).limit_denominator(1000)
    for unit, size in (("h", 3600), ("m", 60), ("s", 1)):
        if (whole := exact / size).denominator == 1:
            return f"{whole}{unit}"
    return f"{float(exact * 1000):.12g}ms"


def _term(term: timedelta) -> str:
    days, rest = divmod(term, timedelta(days=1))
    return _duration(term.total_seconds()) if rest else f"{days}d"


def _share(share: float) -> str:
    return f"{share * 100:.12g}%"


def _size(size: int) -> str:
    """Write bytes, or tokens: of these nobody has a whole number of MiB."""
    return f"{size // _MIB}MiB" if size % _MIB == 0 else str(size)


_WRITERS: Final[Mapping[Callable[..., Any], Callable[[Any], str]]] = {
    read_duration: _duration,
    read_share: _share,
    read_size: _size,
}
