"""Objects by their ids: what kinds there are, and how each is found for whoever asks."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from clinx.graphql.context import Context
from clinx.graphql.ids import Node, split_id

Find = Callable[[Context, str], Awaitable[Node | None]]
"""Takes the context and the key behind an id; what is there but not for whoever asks is None too."""


async def find(nodes: Mapping[str, Find], context: Context, id_: str) -> Node | None:
    """Return the object of an id, if whoever asks may see it.

    Raises:
        Problem: ``invalid_id``: it is not one of ours.
    """
    kind, key = split_id(id_)
    finder = nodes.get(kind)
    return None if finder is None else await finder(context, key)
