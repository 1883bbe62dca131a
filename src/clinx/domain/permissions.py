"""What may be done in the console, and which role may do it."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from clinx.domain.identity import Role


class Permission(StrEnum):
    """A resource and an action on it."""

    USER_READ = "user:read"
    USER_WRITE = "user:write"
    """Create, disable, set the group, sign out everywhere, reset second factors."""
    USER_SET_ROLE = "user:set_role"
    USER_ADJUST_BALANCE = "user:adjust_balance"
    TOKEN_READ = "token:read"  # noqa: S105  (a permission)
    TOKEN_WRITE = "token:write"  # noqa: S105  (a permission)
    LEDGER_READ = "ledger:read"
    CODE_READ = "code:read"
    CODE_WRITE = "code:write"
    ORDER_READ = "order:read"
    ORDER_WRITE = "order:write"
    """Reconcile and refund."""
    REQUEST_LOG_READ = "request_log:read"
    """Everybody's, with the channels and attempts that callers do not see."""
    USAGE_READ = "usage:read"
    COST_READ = "cost:read"
    """What calls cost the operator, and what is left of their charges."""
    CHANNEL_READ = "channel:read"
    CHANNEL_OPERATE = "channel:operate"
    """Override, reset, test, ask what is left."""
    CONFIG_READ = "config:read"
    CONFIG_OPERATE = "config:operate"
    """Roll back, reload, promote."""
    CONFIG_PROPOSE = "config:propose"
    SYSTEM_READ = "system:read"
    AUDIT_READ = "audit:read"
    TASK_READ = "task:read"
    INTROSPECT = "schema:introspect"
    """Ask what the schema holds, in production."""
    SELF_READ = "self:read"
    """See what is one's own: everybody may, and an access key only if it was given this."""
    SELF_WRITE = "self:write"
    """Change what is one's own; the same."""


OWN: Final = frozenset({Permission.SELF_READ, Permission.SELF_WRITE})


_OPERATORS: Final = frozenset(Permission) - {Permission.USER_SET_ROLE}

ROLES: Final[Mapping[Role, frozenset[Permission]]] = {
    Role.USER: OWN,
    Role.ADMIN: _OPERATORS,
    Role.ROOT: frozenset(Permission),
}
"""What each role brings."""


def permissions_of(role: Role) -> frozenset[Permission]:
    """Return what a role may do beyond its own things."""
    return ROLES[role]
