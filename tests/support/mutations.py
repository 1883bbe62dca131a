"""Bodies and streams made wrong: the same seed always makes the same wrong thing."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

ODD: Sequence[Any] = (
    *(None, True, False, 0, -1, 1, 0.5, 1e308, 2**31, 2**63, 2**70, -(2**70)),
    *("", "x", " ", "\x00", "\ud800", "\udfffx", "é😀", "null", "{}", "</think>", "<think>", "9" * 400, "x" * 70_000),
    *([], {}, [[]], [None], [{}], {"": ""}, {"type": None}, {"text": 1}, {"type": "text"}, {"type": "novel", "x": 1}),
    *(["a"] * 300, {"a": {"b": {"c": [{"d": None}]}}}),
)
NAMES: Sequence[str] = (
    *("type", "text", "content", "role", "index", "id", "name", "arguments", "input", "delta", "message", "usage"),
    *(
        "tool_calls",
        "function",
        "parts",
        "functionCall",
        "finish_reason",
        "stop_reason",
        "output",
        "error",
        "signature",
    ),
    *("thinking", "citations", "annotations", "logprobs", "groundingMetadata", "candidates", "choices", "system"),
)
_DEEP = "(deep)"
"""Stands for more levels than a document could be written with."""


def wrong_json(value: Any, rng: Random) -> Any:
    """Change one place in a document."""
    places = list(_places(value))
    if not places:
        return rng.choice(ODD)
    container, key = rng.choice(places)
    changes: Sequence[Callable[[Any, Any, Random], None]] = (_drop, _replace, _replace, _wrap, _double, _rename, _swap)
    rng.choice(changes)(container, key, rng)
    return value


def _places(value: Any) -> Any:
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in list(children):
        yield value, key
        yield from _places(child)


def _drop(container: Any, key: Any, rng: Random) -> None:
    del container[key]


def _replace(container: Any, key: Any, rng: Random) -> None:
    container[key] = rng.choice(ODD)


def _wrap(container: Any, key: Any, rng: Random) -> None:
    value = container[key]
    container[key] = rng.choice([[value], {rng.choice(NAMES): value}, _DEEP])


def _double(container: Any, key: Any, rng: Random) -> None:
    if isinstance(container, list):
        container.insert(key, container[key])
    else:
        container[rng.choice(NAMES)] = container[key]


def _rename(container: Any, key: Any, rng: Random) -> None:
    if isinstance(container, dict):
        container[rng.choice(NAMES)] = container.pop(key)
    else:
        container.reverse()


def _swap(container: Any, key: Any, rng: Random) -> None:
    keys = list(container) if isinstance(container, dict) else range(len(container))
    other = rng.choice(list(keys))
    container[key], container[other] = container[other], container[key]


def wrong_bytes(data: bytes, rng: Random) -> bytes:
    """Change a few bytes, or cut."""
    place = rng.randrange(len(data) + 1)
    before, after = data[:place], data[place:]
    odd = rng.choice([b"\xff\xfe", b"\x00", b'"', b"{", b"]", b"\\", b"\\ud83d", bytes([rng.randrange(256)])])
    return rng.choice(
        [
            before,
            before + odd + after,
            before + odd + after[1:],
            before + after[rng.randrange(1, 9) :],
            before + after[:40] + before[-40:] + after,
        ]
    )


def wrong_body(data: bytes, rng: Random) -> bytes:
    """Change a body in one to three places."""
    for _ in range(rng.randrange(1, 4)):
        try:
            document = json.loads(data)
        except (ValueError, RecursionError):
            document = None
        if document is None or rng.random() < 0.2:
            data = wrong_bytes(data, rng)
        else:
            data = _dumped(wrong_json(document, rng), rng)
    return data


def _dumped(document: Any, rng: Random) -> bytes:
    text = json.dumps(document, ensure_ascii=rng.choice([True, False])).encode("utf-8", "surrogatepass")
    levels = rng.randrange(2500)
    return text.replace(f'"{_DEEP}"'.encode(), b"[" * levels + b'{"a":' + b"1}" + b"]" * levels)


def wrong_stream(data: bytes, rng: Random) -> bytes:
    """Change a stream of events in one to three places."""
    for _ in range(rng.randrange(1, 4)):
        events = data.split(b"\n\n")
        place = rng.randrange(len(events))
        match rng.randrange(8):
            case 0:
                del events[place]
            case 1:
                events.insert(place, events[place])
            case 2:
                other = rng.randrange(len(events))
                events[place], events[other] = events[other], events[place]
            case 3:
                return wrong_bytes(data, rng)
            case _:
                head, mark, said = events[place].partition(b"data:")
                events[place] = head + mark + wrong_body(said.strip() or b"{}", rng)
        data = b"\n\n".join(events)
    return data


def pieces(data: bytes, rng: Random) -> list[bytes]:
    """Cut into a few pieces, anywhere."""
    cuts = sorted(rng.randrange(len(data) + 1) for _ in range(rng.randrange(5)))
    return [data[start:stop] for start, stop in zip([0, *cuts], [*cuts, len(data)], strict=True)]
