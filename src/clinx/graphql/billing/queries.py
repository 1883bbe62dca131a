"""What can be asked about money."""

from __future__ import annotations

import strawberry

from clinx.graphql.billing import adjustments, balance, buying, codes, entries, orders, pages, spending
from clinx.graphql.nodes import Find
from clinx.graphql.permissions import Access


@strawberry.type
class BillingQuery(
    entries.LedgerQuery,
    buying.BuyingQuery,
    orders.OrderQuery,
    codes.CodeQuery,
    spending.SpendQuery,
    adjustments.AdjustmentQuery,
):
    """Queries about money."""


NODES: dict[str, Find] = {
    entries.KIND: entries.find_entry,
    orders.KIND: orders.find_order,
    codes.KIND: codes.find_code,
    codes.BATCH: codes.find_batch,
    adjustments.KIND: adjustments.find_adjustment,
}
"""How objects are found by their ids."""

ACCESS: tuple[Access, ...] = (
    balance.ACCESS,
    entries.ACCESS,
    orders.ACCESS,
    pages.ACCESS,
    codes.ACCESS,
    spending.ACCESS,
    adjustments.ACCESS,
)
"""Who may see what."""
