"""A device with passkeys, in software: it answers ceremonies as browsers do."""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass, field
from typing import Any

import cbor2
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

_PRESENT, _VERIFIED, _ATTESTED = 0x01, 0x04, 0x40


@dataclass
class Authenticator:
    """One passkey. ``count`` is what it says of how often it signed; None keeps it at nought, as phones do."""

    id: bytes = b"passkey-1"
    origin: str = "https://console.example.org"
    host: str = "console.example.org"
    count: int | None = 1
    verifies: bool = True
    """Whether it asks its holder for a finger."""
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    def register(self, options: str) -> str:
        """Answer the options of a registration."""
        numbers = self.key.public_key().public_numbers()
        public = {1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32, "big"), -3: numbers.y.to_bytes(32, "big")}
        credential = bytes(16) + len(self.id).to_bytes(2, "big") + self.id + cbor2.dumps(public)
        attested = cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": self._data(_ATTESTED) + credential})
        return self._answer(
            {"clientDataJSON": _b64(self._client("webauthn.create", options)), "attestationObject": _b64(attested)}
        )

    def sign(self, options: str) -> str:
        """Answer the options of an authentication."""
        if self.count is not None:
            self.count += 1
        client, data = self._client("webauthn.get", options), self._data(0)
        signature = self.key.sign(data + hashlib.sha256(client).digest(), ec.ECDSA(SHA256()))
        return self._answer(
            {"clientDataJSON": _b64(client), "authenticatorData": _b64(data), "signature": _b64(signature)}
        )

    def _data(self, flags: int) -> bytes:
        flags |= _PRESENT | (_VERIFIED if self.verifies else 0)
        return hashlib.sha256(self.host.encode()).digest() + bytes([flags]) + (self.count or 0).to_bytes(4, "big")

    def _client(self, kind: str, options: str) -> bytes:
        challenge = json.loads(options)["challenge"]
        return json.dumps({"type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": False}).encode()

    def _answer(self, response: dict[str, Any]) -> str:
        shown = _b64(self.id)
        return json.dumps({"id": shown, "rawId": shown, "type": "public-key", "response": response})


def _b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
