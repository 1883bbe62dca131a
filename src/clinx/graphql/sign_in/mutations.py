"""What can be done about signing in, and about what proves who one is."""

from __future__ import annotations

import strawberry

from clinx.graphql.permissions import Access
from clinx.graphql.sign_in import entering, factors, password_verbs, profile, proving, registering


@strawberry.type
class SignInMutation(
    entering.EnteringMutation,
    proving.ProvingMutation,
    registering.RegisteringMutation,
    password_verbs.PasswordMutation,
    factors.FactorMutation,
    profile.ProfileMutation,
):
    """Mutations about signing in."""


ACCESS: tuple[Access, ...] = (
    entering.ACCESS,
    proving.ACCESS,
    registering.ACCESS,
    password_verbs.ACCESS,
    factors.ACCESS,
    profile.ACCESS,
)
"""Who may do what, and see what came of it."""
