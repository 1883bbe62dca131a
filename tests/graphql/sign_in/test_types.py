from clinx.graphql.ids import to_id
from clinx.graphql.permissions import Permission
from support.operations import ADDRESS, AGENT, Api

SESSION = """
query ($id: ID!) { node(id: $id) { id ... on Session {
    method address agent createdAt seenAt expiresAt isCurrent
} } }"""


async def test_a_session_is_shown_to_whom_it_belongs(api: Api):
    ann, bob = await api.user("ann"), await api.user("bob")
    context, other = await api.visit(ann), await api.visit(ann)
    id_ = to_id("Session", context.signed_in.session or 0)

    seen = await api.ask(context, SESSION, id=id_)

    assert seen["node"] == {
        "id": id_,
        "method": "password",
        "address": ADDRESS,
        "agent": AGENT,
        "createdAt": "2030-01-01T00:00:00Z",
        "seenAt": "2030-01-01T00:00:00Z",
        "expiresAt": "2030-01-31T00:00:00Z",
        "isCurrent": True,
    }
    assert (await api.ask(other, SESSION, id=id_))["node"]["isCurrent"] is False
    for who in (await api.visit(bob), None, api.by_key(ann, Permission.SELF_READ)):
        assert await api.ask(who, SESSION, id=id_) == {"node": None}
