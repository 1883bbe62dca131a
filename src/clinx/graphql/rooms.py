"""What the console is wired to, once for the life of a process."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from clinx.accounts.keys import Keys
from clinx.accounts.throttle import Throttle
from clinx.config.current import Current
from clinx.graphql.accounts import Accounts
from clinx.graphql.engine import Engine
from clinx.graphql.errors import Refusal
from clinx.graphql.hub import Hub
from clinx.graphql.task_source import NO_TASKS, TaskSource
from clinx.storage.database import Database
from clinx.telemetry.tasks import Supervisor


@dataclass(frozen=True, slots=True)
class Services:
    """The rooms that resolvers call."""

    database: Database
    logs: Database
    """Where request logs are: the same, unless they have a database of their own."""
    current: Current
    keys: Keys
    throttle: Throttle
    """Counts what people try: to sign in, to redeem codes."""
    now: Callable[[], datetime]
    new_id: Callable[[], str]
    node: str
    """This process, in journals and among workers."""
    supervisor: Supervisor
    open_schema: bool
    """Whether strangers may introspect the schema: in development."""
    engine: Engine | None = None
    """What relays here; None in a process that only shows."""
    tasks: TaskSource = NO_TASKS
    desk: Accounts | None = None
    """Where people sign in; None in a process that only shows."""
    hub: Hub | None = None
    """What subscriptions share; None where nothing can be followed."""

    @property
    def live(self) -> Hub:
        """What subscriptions share.

        Raises:
            Refusal: ``unavailable``: nothing can be followed here.
        """
        if self.hub is None:
            raise Refusal("Nothing can be followed here.", "unavailable")
        return self.hub

    @property
    def accounts(self) -> Accounts:
        """Where people sign in.

        Raises:
            Refusal: ``unavailable``: nobody can here.
        """
        if self.desk is None:
            raise Refusal("Nobody can sign in here.", "unavailable")
        return self.desk

    @property
    def running(self) -> Engine:
        """What relays here.

        Raises:
            Refusal: ``unavailable``: nothing does.
        """
        if self.engine is None:
            raise Refusal("This process relays nothing.", "unavailable")
        return self.engine
