"""A request that is no operation: it is answered with a status of its own."""

from __future__ import annotations

from http import HTTPStatus


class Refused(Exception):
    """What is answered instead."""

    def __init__(self, status: HTTPStatus, code: str, message: str) -> None:
        """Keep it."""
        super().__init__(message)
        self.status, self.code, self.message = status, code, message
