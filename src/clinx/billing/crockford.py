"""Letters and digits that people copy by hand: Crockford's base 32, which has no I, L, O and U."""

from __future__ import annotations

from typing import Final

ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_READ_AS: Final = str.maketrans({"O": "0", "I": "1", "L": "1", "-": None, " ": None})
_MODULUS: Final = 37
"""A prime above 32: one wrong character, or two neighbours exchanged, always change the remainder."""


def encode(number: int, length: int) -> str:
    """Write a number in so many characters, the most significant first."""
    return "".join(ALPHABET[number >> shift & 31] for shift in range(5 * (length - 1), -1, -5))


def compact(text: str) -> str:
    """Return what was typed without hyphens and spaces, in capitals."""
    return text.upper().replace("-", "").replace(" ", "")


def read(text: str) -> str | None:
    """Return what was meant: without hyphens and spaces, in capitals, O as 0, I and L as 1; None with other signs."""
    meant = text.upper().translate(_READ_AS) if text.isascii() else ""
    return meant if meant and all(sign in ALPHABET for sign in meant) else None


def seal(number: int, length: int) -> str | None:
    """Write a number and the character that checks it; None where the check would need a 33rd character."""
    check = number % _MODULUS
    return encode(number, length) + ALPHABET[check] if check < len(ALPHABET) else None


def is_sealed(text: str) -> bool:
    """Say whether the last character checks the others."""
    number = 0
    for sign in text[:-1]:
        number = number << 5 | ALPHABET.index(sign)
    return number % _MODULUS == ALPHABET.index(text[-1])
