"""The visit of whoever asks: where from, which session, and letting somebody in."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

from clinx.accounts.failures import NotFound
from clinx.accounts.sessions import Opened, Visitor
from clinx.domain.session import Session
from clinx.graphql.context import Context, Viewer
from clinx.graphql.errors import InPerson, SignInFirst
from clinx.graphql.permissions import permissions_of


def visitor(context: Context) -> Visitor:
    """Return where somebody asks from."""
    return Visitor(context.address, context.agent)


async def let_in(context: Context, opened: Opened) -> None:
    """Give the browser its new session, and take whoever signed in for whoever asks from now on.

    The session that the browser had before ends: nobody has its secret any more.

    Mutations that do so are `POSTED`.

    Raises:
        StorageUnavailable: the database cannot be written now.
    """
    assert not context.streamed, "a rule lets nobody sign in where no cookie can be set"  # noqa: S101
    before, session = context.viewer, opened.session
    if before is not None and before.session is not None:
        with suppress(NotFound):
            await context.services.accounts.sessions.end(before.user, before.session)
    context.session_secret = opened.secret
    permissions = permissions_of(opened.user.role)
    context.viewer = Viewer(opened.user, permissions, session=session.id, stepped_up_at=session.stepped_up_at)


async def session_of_viewer(context: Context) -> Session:
    """Return the session of whoever asks.

    Raises:
        InPerson: they ask by an access key.
        SignInFirst: it has ended meanwhile.
        StorageUnavailable: the database cannot be read now.
    """
    viewer = context.signed_in
    if viewer.session is None:
        raise InPerson
    for session in await context.services.accounts.sessions.of_user(viewer.user):
        if session.id == viewer.session:
            return session
    raise SignInFirst


def stepped_up(context: Context) -> None:
    """Take note for the rest of the operation that whoever asks has just proved who they are."""
    context.viewer = replace(context.signed_in, stepped_up_at=context.now)
