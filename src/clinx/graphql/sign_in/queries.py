"""What can be asked about signing in, and about whoever asks."""

from __future__ import annotations

import strawberry

from clinx.graphql.permissions import Access
from clinx.graphql.sign_in import options, types, viewer


@strawberry.type
class SignInQuery(options.OptionsQuery, viewer.ViewerQuery):
    """Queries about signing in."""


ACCESS: tuple[Access, ...] = (options.ACCESS, types.ACCESS, viewer.ACCESS)
"""Who may see what."""
