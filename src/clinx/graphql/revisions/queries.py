"""What is served, and what was."""

from __future__ import annotations

import strawberry

from clinx.graphql.context import Context, Info
from clinx.graphql.nodes import Find
from clinx.graphql.paging import Connection, Cursors, checked, page
from clinx.graphql.permissions import Permission, needs, over
from clinx.graphql.revisions.types import ConfigNode, RevisionNode, history
from clinx.storage.codec import micros


@strawberry.type
class RevisionQuery:
    """Queries about the configuration."""

    @strawberry.field(description="What the process that answers serves.")
    def config(self, info: Info) -> ConfigNode:
        """Return it."""
        return ConfigNode.of(info.context)

    @strawberry.field(description="Trees that were served on this machine, the one served last first.")
    async def revisions(self, info: Info, first: int, after: str | None = None) -> Connection[RevisionNode]:
        """Return a page of the history."""
        cursors = Cursors(info.context.services.keys.cursors, "revisions")
        wanted, place = checked(first), cursors.read(after, int, str)
        found = sorted(await history(info.context), key=_place, reverse=True)
        left = found if place is None else [each for each in found if _place(each) < place]

        async def count() -> int:
            return len(found)

        return page(
            left[: wanted + 1],
            wanted,
            lambda node: node,
            cursors,
            _place,
            after=after,
            count=count,
        )


def _place(node: RevisionNode) -> tuple[int, str]:
    return micros(node.served_at), node.revision


async def find_revision(context: Context, key: str) -> RevisionNode | None:
    """Return one of the history."""
    if not context.may(Permission.CONFIG_READ):
        return None
    return next((each for each in await history(context) if each.revision == key), None)


NODES: dict[str, Find] = {"Revision": find_revision}
"""How revisions are found."""

_READ = needs(Permission.CONFIG_READ)
ACCESS = over("Query", _READ, "config", "revisions")
