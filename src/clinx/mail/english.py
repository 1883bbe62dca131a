"""Letters in English."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from clinx.mail.template import Code, Lines, Link, Template

ENGLISH: Final[Mapping[str, Template]] = MappingProxyType(
    {
        "verify_email": Template(
            "{service}: confirm your e-mail address",
            (
                "Hello {name},",
                "please confirm that this e-mail address is yours.",
                Link("Confirm the address"),
                Code("Or enter this code where you were asked for it"),
                "If you did not ask for this, you need not do anything. Tell nobody the code.",
            ),
        ),
        "reset_password": Template(
            "{service}: choose a new password",
            (
                "Hello {name},",
                "somebody, you we hope, asked for a new password for your account.",
                Link("Choose a new password"),
                "It works once and for a short time. If it was not you, you need not do anything.",
            ),
        ),
        "email_changed": Template(
            "{service}: your e-mail address was changed",
            (
                "Hello {name},",
                "the e-mail address of your account is {email} from now on.",
                "If it was not you, change your password at once, or write to whoever runs this service.",
            ),
        ),
        "password_changed": Template(
            "{service}: your password was changed",
            (
                "Hello {name},",
                "the password of your account was changed, and all other sessions were ended.",
                "If it was not you, ask for a new password at once, or write to whoever runs this service.",
            ),
        ),
        "low_balance": Template(
            "{service}: your balance is low",
            (
                "Hello {name},",
                "your balance is {balance}, which is less than the {threshold} at which you wanted to be told.",
                Link("Open the console"),
                "You are told again only after it was above that. In the console you choose when you are told.",
            ),
        ),
        "channel_opened": Template(
            "{service}: channel {channel} is not used for now",
            (
                "The circuit of channel {channel} opened: its credential {credential} is not used for {model} for now.",
                "Cause: {reason}.",
                "Calls go to other channels where there are any. `clinx status` shows how it is now.",
            ),
        ),
        "reload_failed": Template(
            "{service}: the configuration was not loaded",
            (
                "Revision {revision} of the configuration was not loaded. What was served before is served still.",
                Lines("diagnostics"),
                "`clinx check` says the same where the files are.",
            ),
        ),
    }
)
"""By template."""
