"""What a rule makes of the headers that an upstream is sent. A caller's credentials are never among them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from clinx.policies.rule import HeaderEdits
from clinx.policies.verdict import HeaderChange

_WRITTEN: Final = re.compile(r"[\t -~\u0080-\u00ff]{0,4096}")
"""What a header may hold: caller text with a line break would begin another."""

_OURS: Final = frozenset(
    {
        "accept",
        "accept-encoding",
        "clinx-channel",
        "connection",
        "content-encoding",
        "content-length",
        "content-type",
        "expect",
        "forwarded",
        "host",
        "http2-settings",
        "keep-alive",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "via",
        "x-request-id",
    }
)
"""Headers of a connection, of the body's form, and of those who stand between: no rule touches them."""
_CREDENTIAL: Final = re.compile(
    r"auth|cookie|secret|token|passw|passphrase|credential|jwt|bearer"
    r"|(^|[-_])pass($|[-_])|(^|[-_])(api)?-?keys?$|^proxy-|^sec-websocket-protocol$"
)
"""Browsers, which cannot set headers of a WebSocket, send a key as its protocol."""


class Readable(Mapping[str, str]):
    """A caller's headers as rules see them: without those that may hold a credential."""

    __slots__ = ("_headers",)

    def __init__(self, headers: Mapping[str, str]) -> None:
        """Take all of them; they look names up whatever their case."""
        self._headers = headers

    def __getitem__(self, name: str) -> str:
        """Return what a header says.

        Raises:
            KeyError: there is none, or it is not for rules.
        """
        found = self._headers[name]
        if is_credential(name):
            raise KeyError(name)
        return found

    def get(self, key: str, default: object = None) -> object:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Return what a header says, or something else where there is none for rules."""
        found = self._headers.get(key)
        return default if found is None or is_credential(key) else found

    def __iter__(self) -> Iterator[str]:
        """Walk the names."""
        return (name for name in self._headers if not is_credential(name))

    def __len__(self) -> int:
        """Count the names."""
        return sum(1 for _ in self)


def is_credential(name: str) -> bool:
    """Tell whether a header may hold a credential, so that rules do not even read it."""
    return _CREDENTIAL.search(name.lower()) is not None


def is_protected(name: str) -> bool:
    """Tell whether a header may not be touched by rules: it belongs to the connection, or may hold a credential."""
    return name.lower() in _OURS or is_credential(name)


def edited(edits: HeaderEdits, headers: Mapping[str, str], scope: Mapping[str, object]) -> Iterator[HeaderChange]:
    """Yield the changes, those that set a header last; what cannot be written is left out."""
    for name in edits.delete:
        yield HeaderChange(name, None)
    for name in edits.passed:
        yield from _written(name, headers.get(name))
    for source, target in edits.copy:
        yield from _written(target, headers.get(source))
    for name, value in edits.set:
        yield from _written(name, value(scope))


def _written(name: str, value: object) -> Iterator[HeaderChange]:
    text = str(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else None
    if text is not None and _WRITTEN.fullmatch(text):
        yield HeaderChange(name, text)
