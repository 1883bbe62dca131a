"""What became of calls: one's own, and everybody's for operators."""

from __future__ import annotations

from functools import partial
from typing import Final

import strawberry

from clinx.graphql.context import Info
from clinx.graphql.ids import key_of
from clinx.graphql.nodes import Find
from clinx.graphql.paging import COUNTED, Connection, Cursors, checked, page
from clinx.graphql.permissions import Permission, over
from clinx.graphql.request_logs.addresses import Format, export_path
from clinx.graphql.request_logs.types import KIND, RequestLogNode, find_request_log
from clinx.graphql.request_logs.wanted import RequestLogFilter, wanted
from clinx.graphql.users.whose import either
from clinx.storage import search
from clinx.storage.codec import instant, micros
from clinx.storage.search import Place

strawberry.enum(Format, name="ExportFormat", description="How an export is written.")


@strawberry.type
class RequestLogQuery:
    """Queries about request logs."""

    @strawberry.field(description=f"Calls that have ended, the latest first; at most {search.MOST} on a page.")
    async def request_logs(
        self,
        info: Info,
        first: int,
        filter: RequestLogFilter,  # noqa: A002
        after: str | None = None,
    ) -> Connection[RequestLogNode]:
        """Return a page of them."""
        logs, asked = info.context.services.logs, wanted(info.context, filter)
        cursors, limit = Cursors(info.context.services.keys.cursors, "requestLogs"), checked(first, search.MOST)
        place = cursors.read(after, int, str)
        found = await search.search(
            logs, asked, after=None if place is None else Place(instant(place[0]), place[1]), limit=limit + 1
        )
        return page(
            found,
            limit,
            RequestLogNode.of,
            cursors,
            lambda each: (micros(each.at), each.id),
            after=after,
            count=partial(search.count, logs, asked, most=COUNTED + 1),
        )

    @strawberry.field(description="A call by its id; null where there is none for whoever asks.")
    async def request_log(self, info: Info, id: strawberry.ID) -> RequestLogNode | None:  # noqa: A002
        """Return it."""
        return await find_request_log(info.context, key_of(id, KIND))

    @strawberry.field(
        description="Where all of them can be fetched as a file, with the same session or access key: a path here."
    )
    def request_log_export_url(
        self,
        info: Info,
        filter: RequestLogFilter,  # noqa: A002
        format: Format = Format.CSV,  # noqa: A002
    ) -> str:
        """Return the path."""
        wanted(info.context, filter)
        return export_path(filter, format)


NODES: Final[dict[str, Find]] = {KIND: find_request_log}
"""How request logs are found by their ids."""

ACCESS = over("Query", either(Permission.REQUEST_LOG_READ), "requestLogs", "requestLog", "requestLogExportUrl")
