"""Pages that orders are paid on."""

from __future__ import annotations

from typing import Self

import strawberry

from clinx.graphql.permissions import over
from clinx.graphql.users.whose import REACHED
from clinx.payments.provider import PayPage


@strawberry.type(description="A field that a form posts.")
class PaymentField:
    """A field."""

    name: str
    value: str


@strawberry.type(description="Where an order is paid: a page to open or, where there are fields, to post them to.")
class PaymentPage:
    """A page."""

    url: str
    fields: list[PaymentField]
    link: str = strawberry.field(description="The same as one address to open.")

    @classmethod
    def of(cls, found: PayPage | None) -> Self | None:
        """Return a page as the console shows it, if there is one."""
        if found is None:
            return None
        fields = [PaymentField(name=name, value=value) for name, value in found.params.items()]
        return cls(url=found.url, fields=fields, link=found.link)


ACCESS = {
    **over("PaymentField", REACHED, "name", "value"),
    **over("PaymentPage", REACHED, "url", "fields", "link"),
}
