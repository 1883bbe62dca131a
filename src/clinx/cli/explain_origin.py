"""Where a value of the tree comes from, as people and programs read it. Secrets are fingerprints."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from clinx.config.provenance import Origin, Said
from clinx.domain.figures import printable

Keys = Sequence[tuple[str, str]]
"""References of a channel's keys, with fingerprints."""


def as_text(found: Origin, keys: Keys, unread: str | None) -> str:
    """Tell it to people."""
    return "\n".join(printable(line) for line in _lines(found, keys, unread))


def _lines(found: Origin, keys: Keys, unread: str | None) -> Iterator[str]:
    yield f"{found.path} = {found.value}"
    yield from (f"  {_place(each)}{each.who}{_said(each, found.value)}" for each in found.chain)
    yield from (f"  {reference} is {fingerprint}" for reference, fingerprint in keys)
    if unread is not None:
        yield f"  overrides were not looked at: {unread}"


def _said(said: Said, value: str) -> str:
    """Write what one place says; a map or a list that has just been written is not written again."""
    return "" if said.value == value and value.startswith(("{", "[")) else f": {said.value}"


def _place(said: Said) -> str:
    return f"{said.mark.file}:{said.mark.line}:{said.mark.column} " if said.mark is not None else ""


def as_json(found: Origin, keys: Keys, unread: str | None) -> dict[str, Any]:
    """Tell it to programs."""
    return {
        "path": found.path,
        "value": found.value,
        "chain": [
            {
                "who": each.who,
                "file": each.mark.file if each.mark is not None else None,
                "line": each.mark.line if each.mark is not None else None,
                "column": each.mark.column if each.mark is not None else None,
                "value": each.value,
            }
            for each in found.chain
        ],
        "keys": [{"reference": reference, "fingerprint": fingerprint} for reference, fingerprint in keys],
        "overrides_unread": unread,
    }
