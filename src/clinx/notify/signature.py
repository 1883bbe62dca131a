"""How a receiver knows that a notice is ours and new: two signatures of the body under a secret that both know."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from typing import Final

SIGNATURE: Final = "X-Clinx-Signature"
"""``t=…,v1=…``: seconds since 1970, and the HMAC-SHA256 of ``t.body`` in hexadecimal."""
PLAIN_SIGNATURE: Final = "X-Webhook-Signature"
"""The HMAC-SHA256 of the body alone, as new-api sends it: it does not tell an old notice from a new one."""


def sign(secret: str, body: bytes, seconds: int) -> Mapping[str, str]:
    """Return the headers; none where there is no secret."""
    if not secret:
        return {}
    key = secret.encode()
    dated = hmac.digest(key, b"%d.%b" % (seconds, body), "sha256").hex()
    return {SIGNATURE: f"t={seconds},v1={dated}", PLAIN_SIGNATURE: hmac.digest(key, body, "sha256").hex()}
