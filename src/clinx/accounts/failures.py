"""What an operator may ask for in vain. Callers of the relay meet `clinx.errors` instead."""

from __future__ import annotations


class AccountError(Exception):
    """A request about users or tokens that cannot be met; the message says why."""
