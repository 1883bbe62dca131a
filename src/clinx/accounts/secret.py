"""The secret of a token: made here, shown once, kept only as a digest."""

from __future__ import annotations

import hashlib
import secrets
import string
from typing import Final

PREFIX: Final = "sk-"
LENGTH: Final = 48
LONGEST: Final = 256
"""Longer credentials are refused unread."""
_ALPHABET: Final = string.digits + string.ascii_letters


def generate() -> str:
    """Make a secret: ``sk-`` and 48 random letters and digits, 285 bits."""
    return PREFIX + "".join(secrets.choice(_ALPHABET) for _ in range(LENGTH))


def digest(secret: str) -> str:
    """Return what is stored and looked up: the SHA-256 of the whole secret, in hexadecimal.

    A secret is random and long, so a fast hash without salt gives nothing away, and an index can find it.
    """
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def hint(secret: str) -> str:
    """Return what people tell tokens apart by: the first and the last characters."""
    return f"{secret[:5]}…{secret[-4:]}"
