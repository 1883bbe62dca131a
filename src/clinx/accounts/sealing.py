"""Secrets that must be read again are kept sealed: AES-256-GCM, bound to what they are and whose they are.

A sealed text that is moved to another row, or taken for something else, does not open.
"""

from __future__ import annotations

import base64
import secrets
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from clinx.accounts.failures import Unsealable

_VERSION: Final = "v1."
_NONCE: Final = 12


class Sealer:
    """Seals and opens texts."""

    def __init__(self, key: bytes) -> None:
        """Take a key of 32 bytes: `Keys.sealing`."""
        self._cipher = AESGCM(key)

    def seal(self, text: str, purpose: str, owner: int) -> str:
        """Seal a text for a purpose (a constant word) and the user it belongs to."""
        nonce = secrets.token_bytes(_NONCE)
        sealed = self._cipher.encrypt(nonce, text.encode("utf-8", "surrogatepass"), _bound(purpose, owner))
        return _VERSION + base64.urlsafe_b64encode(nonce + sealed).decode()

    def open(self, sealed: str, purpose: str, owner: int) -> str:
        """Open what was sealed for that purpose and that user.

        Raises:
            Unsealable: it was sealed with another key, for another purpose or user, or it is damaged.
        """
        try:
            raw = _raw(sealed)
            text = self._cipher.decrypt(raw[:_NONCE], raw[_NONCE:], _bound(purpose, owner))
        except (InvalidTag, ValueError) as error:
            raise Unsealable("what was sealed does not open: was the gateway's key replaced?") from error
        return text.decode("utf-8", "surrogatepass")


def _raw(sealed: str) -> bytes:
    if not sealed.startswith(_VERSION):
        raise ValueError("sealed in a way that is not known")
    return base64.b64decode(sealed.removeprefix(_VERSION), altchars=b"-_", validate=True)


def _bound(purpose: str, owner: int) -> bytes:
    return f"{purpose}:{owner}".encode()
