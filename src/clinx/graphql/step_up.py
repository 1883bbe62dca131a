"""A fresh proof of who one is, before a verb that could not be undone."""

from __future__ import annotations

from clinx.graphql.context import Context
from clinx.graphql.errors import Problem


def require(context: Context) -> None:
    """Let pass who proved a short while ago who they are, with a password, a passkey or a code.

    An access key was made by somebody who had: what it may do, it may do.

    Raises:
        Problem: ``step_up_required``.
    """
    viewer = context.signed_in
    if viewer.session is None:
        return
    last, within = viewer.stepped_up_at, context.snapshot.console.sign_in.step_up
    if last is None or context.now - last > within:
        raise Problem("step_up_required", "Prove again who you are (stepUp), then repeat this.")
