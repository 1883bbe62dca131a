"""Answers the console's questions about the gateway."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from msgspec import structs
from multidict import CIMultiDict

from clinx.config.diagnostics import did_you_mean
from clinx.config.snapshot import Snapshot
from clinx.dialects.body import JsonBody
from clinx.domain.catalog import Channel
from clinx.domain.inquiry import (
    Document,
    InquiryError,
    PatchTold,
    PlanTold,
    RequestTold,
    RouteTold,
    RouteWish,
    Tested,
    TryoutEvent,
    TryoutWish,
)
from clinx.domain.operation import Operation
from clinx.domain.override import Override
from clinx.domain.provider_balance import ProviderBalance
from clinx.errors import GatewayError
from clinx.relay.inquiries import again, log_story
from clinx.relay.inquiries.case_story import Over
from clinx.relay.inquiries.planning import Planner
from clinx.relay.inquiries.told import told
from clinx.relay.inquiries.tryout import Tryouts
from clinx.relay.provider_balances import ProviderBalances
from clinx.relay.rehearsal import NO_TOKEN, NOBODY, Case, rehearse
from clinx.routing.overrides import Overlay
from clinx.storage import request_logs, tokens, users
from clinx.storage.database import Database

LONGEST_BODY: Final = 256 * 1024
"""Bytes of a body that is asked about."""


@dataclass(slots=True)
class Inquirer:
    """The console's way to what only the relay knows."""

    database: Database
    logs: Database
    served: Callable[[], Snapshot]
    overlay: Overlay
    planner: Planner
    tryouts: Tryouts
    balances: ProviderBalances
    now: Callable[[], datetime]

    async def explain_request(self, request_id: str) -> RequestTold | None:
        """Tell what became of a request; None where no log of it is kept (any more).

        Raises:
            StorageUnavailable: the database cannot be read now.
        """
        log = await request_logs.find(self.logs, request_id)
        if log is None:
            return None
        user = await users.get(self.database, log.user_id) if log.user_id is not None else None
        owned = await tokens.get(self.database, log.token_id) if log.token_id is not None else None
        snapshot, active = self._overridden()
        now = again.again(snapshot, log, user, owned.token if owned is not None else None)
        told_now = None if now is None else told(now, log.usage, Over(active), snapshot.revision.id)
        text = log_story.as_text(structs.replace(log, cost=None), user)  # Not all who may read it may see that.
        return RequestTold(log, user, text, told_now)

    def explain_route(self, wish: RouteWish) -> RouteTold:
        """Tell what would become of a request that nobody has sent.

        Raises:
            InquiryError: ``unknown_operation``, ``unknown_dialect``, ``unknown_group`` or ``invalid_body``.
        """
        snapshot, active = self._overridden()
        operation = _operation(snapshot, wish.operation)
        if wish.group is not None and wish.group not in snapshot.groups:
            raise _unknown("group", wish.group, snapshot.groups)
        case = Case(
            model=wish.model,
            user=wish.user or NOBODY,
            token=replace(NO_TOKEN, group=wish.group),
            operation=operation,
            dialect=_dialect(snapshot, operation, wish.dialect),
            stream=wish.stream,
            body=_body(wish),
            headers=CIMultiDict(wish.headers),
            address=wish.address,
            at=wish.at or self.now(),
        )
        return told(rehearse(snapshot, case), wish.usage, Over(active), snapshot.revision.id)

    def as_called(self) -> Snapshot:
        """Return what is served with what is overridden of channels laid over: as calls find it."""
        return self._overridden()[0]

    async def plan(self, documents: Sequence[Document], replay: timedelta | None) -> PlanTold:
        """Tell what it would mean to serve the tree on disk with other documents; see `Planner.plan`."""
        return await self.planner.plan(documents, replay)

    async def propose(self, path: str, value: str | None) -> PatchTold:
        """Tell how one value of the tree on disk is changed; see `Planner.propose`."""
        return await self.planner.propose(path, value)

    def try_out(self, wish: TryoutWish) -> AsyncGenerator[TryoutEvent]:
        """Send a small request through a channel and tell what happens; see `Tryouts.run`."""
        return self.tryouts.run(self.served(), wish)

    def last_test(self, channel: str) -> Tested | None:
        """Return how the last test of a channel ended in this process; None where there was none."""
        tests = self.tryouts.tests
        if (last := tests.last.get(channel)) is None:
            return None
        at = self.now() - timedelta(seconds=tests.monotonic() - last.at)
        return Tested(last.trial.credential.fingerprint, last.trial.model, last.outcome, at)

    def provider_balances(self, channel: Channel) -> Sequence[ProviderBalance]:
        """Return what a vendor answered this process last of what is left; see `ProviderBalances.known`."""
        return self.balances.known(channel)

    async def refresh_balances(self, channel: Channel, credential: str | None) -> None:
        """Ask a vendor what is left; see `ProviderBalances.refresh`."""
        await self.balances.refresh(channel, credential)

    def _overridden(self) -> tuple[Snapshot, Sequence[Override]]:
        """Return what is served with what is overridden laid over, as calls find it."""
        snapshot, active = self.served(), self.overlay.active()
        return replace(snapshot, routes=self.overlay.routes(snapshot.routes, snapshot.channels)), active


def _operation(snapshot: Snapshot, name: str) -> Operation:
    known = {endpoint.operation.value for endpoint in snapshot.endpoints}
    if name not in known:
        raise _unknown("operation", name, known)
    return Operation(name)


def _dialect(snapshot: Snapshot, operation: Operation, name: str | None) -> str:
    known = list(dict.fromkeys(each.dialect for each in snapshot.endpoints if each.operation is operation))
    if name is not None and name not in known:
        raise _unknown("dialect", name, known)
    return name or known[0]


def _unknown(kind: str, name: str, known: Iterable[str]) -> InquiryError:
    hint = did_you_mean(name, known)
    return InquiryError(f"unknown_{kind}", f"There is no such {kind}{f'; {hint}' if hint else ''}.", kind)


def _body(wish: RouteWish) -> JsonBody:
    sent = (wish.body or "{}").encode("utf-8", "replace")
    if len(sent) > LONGEST_BODY:
        raise InquiryError("invalid_body", f"At most {LONGEST_BODY} bytes.", "body", most=LONGEST_BODY)
    wished = {"model": json.dumps(wish.model).encode(), **({"stream": b"true"} if wish.stream else {})}
    try:
        members = JsonBody.parse(sent)
        lacking = {name: value for name, value in wished.items() if members.raw(name) is None}
        return JsonBody.parse(members.patched(lacking))
    except GatewayError as error:
        raise InquiryError("invalid_body", error.message, "body") from None
