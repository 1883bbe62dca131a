"""What moves money."""

from __future__ import annotations

import strawberry

from clinx.graphql.billing import approvals, buying, code_changes, corrections, invitations
from clinx.graphql.permissions import Access


@strawberry.type
class BillingMutation(
    buying.BuyingMutation,
    code_changes.CodeMutation,
    invitations.InvitationMutation,
    corrections.CorrectionMutation,
    approvals.ApprovalMutation,
):
    """Mutations that move money."""


ACCESS: tuple[Access, ...] = (
    buying.ACCESS,
    code_changes.ACCESS,
    invitations.ACCESS,
    corrections.ACCESS,
    approvals.ACCESS,
)
"""Who may do what, and see what came of it."""
