"""The schema: composed of the nouns, with the rules of `clinx.graphql.permissions` over every field."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import strawberry
from graphql import lexicographic_sort_schema, print_schema
from strawberry.extensions import MaxTokensLimiter, ParserCache
from strawberry.schema.config import StrawberryConfig
from strawberry.types.graphql import OperationType

from clinx.graphql import audit, places, reach, unreadable
from clinx.graphql.access_keys import mutations as access_key_mutations
from clinx.graphql.access_keys import types as access_key_types
from clinx.graphql.billing import mutations as billing_mutations
from clinx.graphql.billing import queries as billing_queries
from clinx.graphql.catalog import mutations as catalog_mutations
from clinx.graphql.catalog import prices as catalog_prices
from clinx.graphql.catalog import queries as catalog_queries
from clinx.graphql.catalog import subscriptions as catalog_subscriptions
from clinx.graphql.catalog import types as catalog_types
from clinx.graphql.context import Info
from clinx.graphql.dashboard import queries as dashboard_queries
from clinx.graphql.dashboard import types as dashboard_types
from clinx.graphql.errors import UserError
from clinx.graphql.examination import Examination
from clinx.graphql.ids import Node
from clinx.graphql.limits import MOST_TOKENS
from clinx.graphql.live import subscriptions as live_subscriptions
from clinx.graphql.live import watched
from clinx.graphql.nodes import Find, find
from clinx.graphql.paging import Count, PageInfo
from clinx.graphql.permissions import ANYONE, enforce, over, pages
from clinx.graphql.request_logs import queries as request_log_queries
from clinx.graphql.request_logs import types as request_log_types
from clinx.graphql.revisions import explanations as revision_explanations
from clinx.graphql.revisions import mutations as revision_mutations
from clinx.graphql.revisions import plans as revision_plans
from clinx.graphql.revisions import queries as revision_queries
from clinx.graphql.revisions import subscriptions as revision_subscriptions
from clinx.graphql.revisions import types as revision_types
from clinx.graphql.scalars import SCALARS
from clinx.graphql.sign_in import mutations as sign_in_mutations
from clinx.graphql.sign_in import queries as sign_in_queries
from clinx.graphql.sign_in import types as sign_in_types
from clinx.graphql.system import queries as system_queries
from clinx.graphql.system import types as system_types
from clinx.graphql.tasks import queries as task_queries
from clinx.graphql.tasks import subscriptions as task_subscriptions
from clinx.graphql.tasks import types as task_types
from clinx.graphql.tokens import mutations as token_mutations
from clinx.graphql.tokens import queries as token_queries
from clinx.graphql.tokens import types as token_types
from clinx.graphql.users import mutations as users_mutations
from clinx.graphql.users import queries as users_queries
from clinx.graphql.users import types as users_types

ANSWERED: Final = (OperationType.QUERY, OperationType.MUTATION)
"""What a request is answered with at once."""

_KEPT: Final = 256


NODES: Final[Mapping[str, Find]] = {
    **access_key_types.NODES,
    **sign_in_types.NODES,
    **token_queries.NODES,
    **users_queries.NODES,
    **billing_queries.NODES,
    **catalog_queries.NODES,
    **request_log_queries.NODES,
    **revision_queries.NODES,
    **system_queries.NODES,
    **task_queries.NODES,
}
"""How objects are found by their ids."""


@strawberry.type
class Query(
    users_queries.UserQuery,
    sign_in_queries.SignInQuery,
    token_queries.TokenQuery,
    billing_queries.BillingQuery,
    catalog_queries.CatalogQuery,
    dashboard_queries.DashboardQuery,
    request_log_queries.RequestLogQuery,
    revision_explanations.ExplanationQuery,
    revision_plans.PlanQuery,
    revision_queries.RevisionQuery,
    system_queries.SystemQuery,
    task_queries.TaskQuery,
):
    """What can be asked."""

    @strawberry.field(description="Any object by its id; null where there is none for whoever asks.")
    async def node(self, info: Info, id: strawberry.ID) -> Node | None:  # noqa: A002  (Relay's name)
        """Return it."""
        return await find(NODES, info.context, id)


@strawberry.type
class Mutation(
    users_mutations.UserMutation,
    sign_in_mutations.SignInMutation,
    token_mutations.TokenMutation,
    access_key_mutations.AccessKeyMutation,
    billing_mutations.BillingMutation,
    catalog_mutations.CatalogMutation,
    revision_mutations.RevisionMutation,
    revision_plans.ProposalMutation,
):
    """What can be done."""


@strawberry.type
class Subscription(
    catalog_subscriptions.CatalogSubscription,
    live_subscriptions.LiveSubscription,
    revision_subscriptions.RevisionSubscription,
    task_subscriptions.TaskSubscription,
):
    """What can be followed."""


ACCESS: Final = (
    over("Query", ANYONE, "node"),
    over("PageInfo", ANYONE, "hasNextPage", "hasPreviousPage", "startCursor", "endCursor"),
    over("Count", ANYONE, "value", "capped"),
    over("UserError", ANYONE, "code", "message", "path", "parameters"),
    over("ErrorParameter", ANYONE, "name", "value"),
    users_types.ACCESS,
    users_queries.ACCESS,
    users_mutations.ACCESS,
    *sign_in_queries.ACCESS,
    *sign_in_mutations.ACCESS,
    token_types.ACCESS,
    token_queries.ACCESS,
    token_mutations.ACCESS,
    access_key_types.ACCESS,
    access_key_mutations.ACCESS,
    *billing_queries.ACCESS,
    *billing_mutations.ACCESS,
    catalog_mutations.ACCESS,
    catalog_prices.ACCESS,
    catalog_queries.ACCESS,
    catalog_subscriptions.ACCESS,
    catalog_types.ACCESS,
    dashboard_queries.ACCESS,
    dashboard_types.ACCESS,
    live_subscriptions.ACCESS,
    request_log_queries.ACCESS,
    request_log_types.ACCESS,
    revision_explanations.ACCESS,
    revision_mutations.ACCESS,
    revision_plans.ACCESS,
    revision_queries.ACCESS,
    revision_subscriptions.ACCESS,
    revision_types.ACCESS,
    system_queries.ACCESS,
    system_types.ACCESS,
    task_queries.ACCESS,
    task_subscriptions.ACCESS,
    task_types.ACCESS,
)
"""Who may see or do what, noun by noun. What is only reached through a guarded field needs no guard of its own."""


class Schema(strawberry.Schema):
    """The schema, without a log line for each failure that was foreseen."""

    def process_errors(self, errors: list[Any], execution_context: Any = None) -> None:
        """Do nothing: what nobody foresaw is logged where it is masked."""
        del errors, execution_context

    @property
    def core(self) -> Any:
        """The schema as graphql-core has it."""
        return self._schema


schema: Final = Schema(
    query=Query,
    mutation=Mutation,
    subscription=Subscription,
    types=[Count, PageInfo, UserError],
    config=StrawberryConfig(scalar_map=dict(SCALARS)),
    extensions=[
        lambda: MaxTokensLimiter(max_token_count=MOST_TOKENS),
        lambda: ParserCache(maxsize=_KEPT),
        Examination,
    ],
)
RULES: Final = enforce(schema.core, (*ACCESS, pages(schema.core)))
"""Who may see or do what: ``Type.field`` to its rule."""
LOOSENED: Final = reach.loosen(schema.core, RULES)
"""What may be null because not everybody who reaches its object may see it."""
unreadable.lay(schema.core)
places.lay(schema.core)
audit.lay(schema.core)
watched.lay(schema.core)


def printed() -> str:
    """Return the schema as ``schema.graphql`` holds it."""
    return print_schema(lexicographic_sort_schema(schema.core)) + "\n"
