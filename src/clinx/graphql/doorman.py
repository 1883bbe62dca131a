"""Finds out who asks: by the cookie of a session, or by an access key. Keys of the relay mean nothing here."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from aiohttp import web

from clinx.accounts import access_keys, sessions
from clinx.graphql.context import Context, Viewer
from clinx.graphql.edge import Edge
from clinx.graphql.permissions import Permission, permissions_of
from clinx.graphql.refused import Refused
from clinx.graphql.rooms import Services

_BEARER: Final = "bearer "
_AGENT: Final = 255


@dataclass(frozen=True, slots=True)
class Doorman:
    """Makes the context of an operation."""

    services: Services
    edge: Edge

    async def context(
        self, request: web.BaseRequest, request_id: str, *, secure: bool, streamed: bool = False
    ) -> Context:
        """Return the context of one request.

        Raises:
            Refused: an access key that is not, or not any more, one of ours.
            GatewayError: the database cannot be read now.
        """
        viewer = await self.viewer(request)
        is_over = viewer is None and bool(self.edge.session_of(request))
        return Context(
            services=self.services,
            snapshot=self.services.current.generation.snapshot,
            viewer=viewer,
            request_id=request_id,
            address=self.edge.address(request),
            agent=_text(request.headers.get("User-Agent", ""))[:_AGENT],
            secure=secure,
            streamed=streamed,
            session_ended=is_over,
            session_secret="" if is_over else None,  # The browser need not send it any more.
        )

    async def viewer(self, request: web.BaseRequest) -> Viewer | None:
        """Return who asks; None for strangers, and for those whose session is over."""
        sent = request.headers.get("Authorization", "")
        if sent[: len(_BEARER)].lower() == _BEARER:
            return await self._of_key(sent[len(_BEARER) :].strip())
        secret = self.edge.session_of(request)
        return None if not secret else await self._of_session(secret)

    async def _of_key(self, secret: str) -> Viewer:
        found = await access_keys.find(self.services.database, secret, at=self.services.now())
        if found is None:
            raise Refused(HTTPStatus.UNAUTHORIZED, "unauthenticated", "That is not a valid access key.")
        key, user = found
        held = frozenset(each for each in Permission if each.value in key.permissions)
        return Viewer(user, held & permissions_of(user.role), access_key=key.id)

    async def _of_session(self, secret: str) -> Viewer | None:
        found = await sessions.find(self.services.database, secret, at=self.services.now())
        if found is None:
            return None
        session, user = found
        return Viewer(user, permissions_of(user.role), session=session.id, stepped_up_at=session.stepped_up_at)


def _text(header: str) -> str:
    """Return a header that can be stored: what is no UTF-8 reads as question marks."""
    return header.encode("utf-8", "replace").decode()
