import pytest

from clinx.accounts.sessions import Visitor
from clinx.domain.permissions import OWN, Permission
from clinx.graphql.errors import InPerson, SignInFirst
from clinx.graphql.sign_in.visit import let_in, session_of_viewer, stepped_up, visitor
from support.database import START
from support.operations import ADDRESS, AGENT, Api


async def test_somebody_asks_from_somewhere(api: Api):
    assert visitor(api.context(None)) == Visitor(ADDRESS, AGENT)


async def test_whoever_is_let_in_is_whoever_asks_from_now_on(api: Api):
    ann, context = await api.user("ann"), api.context(None)
    opened = await api.accounts.sessions.open(ann, "password", visitor(context), lifetime=START - START)

    await let_in(context, opened)

    assert context.session_secret == opened.secret
    viewer = context.signed_in
    assert (viewer.user, viewer.session, viewer.permissions) == (ann, opened.session.id, OWN)
    assert viewer.stepped_up_at == START


async def test_the_session_of_before_ends(api: Api):
    ann, bob = await api.user("ann"), await api.user("bob")
    context = await api.visit(ann)
    before = context.signed_in.session
    lasts = api.snapshot.console.sign_in.session
    opened = await api.accounts.sessions.open(bob, "password", visitor(context), lifetime=lasts)

    await let_in(context, opened)

    assert before is not None
    assert await api.accounts.sessions.of_user(ann) == []
    assert await session_of_viewer(context) == opened.session


async def test_a_session_that_has_ended_asks_nothing_more(api: Api):
    ann = await api.user("ann")
    context = await api.visit(ann)
    await api.accounts.sessions.end_all(ann)

    with pytest.raises(SignInFirst):
        await session_of_viewer(context)
    with pytest.raises(InPerson):
        await session_of_viewer(api.by_key(ann, Permission.SELF_READ))


async def test_a_proof_counts_for_the_rest_of_the_operation(api: Api):
    context = api.stale(await api.user("ann"))

    stepped_up(context)

    assert context.signed_in.stepped_up_at == START
