"""An admin's key may name the channel that is to serve its calls: ``sk-…-<channel>``, or the header `HEADER`."""

from __future__ import annotations

from typing import Final

from clinx.accounts.secret import LENGTH, PREFIX
from clinx.domain.identity import Principal, Role
from clinx.errors import PermissionDenied

HEADER: Final = "Clinx-Channel"

_KEY: Final = len(PREFIX) + LENGTH


def split(secret: str) -> tuple[str, str | None]:
    """Return the key proper, and the channel that is named behind it.

    No key of ours has a hyphen behind its prefix, so where it ends is beyond doubt, whatever a channel is called.
    """
    if (
        len(secret) > _KEY + 1
        and secret[_KEY] == "-"
        and secret.startswith(PREFIX)
        and "-" not in secret[len(PREFIX) : _KEY]
    ):
        return secret[:_KEY], secret[_KEY + 1 :]
    return secret, None


def check_pin(role: Role) -> None:
    """Let an admin choose a channel.

    Raises:
        PermissionDenied: it is somebody else.
    """
    if role is Role.USER:
        raise PermissionDenied(
            "This API key may not choose a channel.", hint=f"Use it without a channel's name, and without {HEADER}."
        )


def pinned_channel(principal: Principal, header: str | None) -> str | None:
    """Return the name of the only channel that may serve a call; None when any may. The header wins over the key.

    Raises:
        PermissionDenied: the caller is no admin.
    """
    if header:
        check_pin(principal.user.role)
        return header
    return principal.pinned
