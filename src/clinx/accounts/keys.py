"""The gateway's own key, and those that are derived from it: one for each use, so that none serves two."""

from __future__ import annotations

import base64
import os
import secrets
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

FILE: Final = "console.key"
LEAST: Final = 32
"""Characters of a key that is given."""
_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class Keys:
    """32 bytes for each use."""

    sealing: bytes = field(repr=False)
    """Of what is kept and must be read again: see `sealing`."""
    cursors: bytes = field(repr=False)
    """Signs where a page of a list begins."""
    links: bytes = field(repr=False)
    """Signs addresses that are handed out."""

    @classmethod
    def derive(cls, master: bytes) -> Keys:
        """Derive the keys of a master key; the same for the same."""
        return cls(_derived(master, b"sealing"), _derived(master, b"cursors"), _derived(master, b"links"))


def load_key(state_dir: Path, given: str | None) -> Keys:
    """Return the keys of this gateway: of the key that is given, else of the one in the state folder.

    That one is made by whoever needs it first, whole or not at all, readable for its owner alone. All processes over
    one database need the same key: those on other machines have to be given it.

    Raises:
        ValueError: the given key is too short, or the file holds none.
        OSError: the file can be neither read nor made.
    """
    if given:
        if len(given) < LEAST:
            raise ValueError(f"the secret key needs at least {LEAST} characters")
        return Keys.derive(given.encode())
    return Keys.derive(_kept(state_dir / FILE))


def _kept(path: Path) -> bytes:
    if not path.exists():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _make(path)
    text = path.read_text(encoding="ascii").strip()
    if len(text) < LEAST:
        raise ValueError(f"{path} holds no key: restore it, or remove it and lose what is sealed with it")
    return text.encode()


def _make(path: Path) -> None:
    """Write a new key beside the file, and link it there unless another process was faster."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    opened = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(opened, "wb") as file:
            file.write(base64.urlsafe_b64encode(secrets.token_bytes(_BYTES)) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):
            os.link(draft, path)
    finally:
        draft.unlink()


def _derived(master: bytes, use: bytes) -> bytes:
    return HKDF(SHA256(), _BYTES, salt=None, info=b"clinx " + use).derive(master)
