"""What is followed in this process: one producer for each kind of news, and a seat for each who follows."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from clinx.graphql.following.purses import Purses
from clinx.graphql.following.seats import Seats
from clinx.graphql.following.tail import Tail
from clinx.storage.announcements import Topic
from clinx.storage.database import Database
from clinx.telemetry.tasks import Supervisor


class Hub:
    """Everything that subscriptions share."""

    def __init__(
        self, database: Database, logs: Database, supervisor: Supervisor, *, now: Callable[[], datetime]
    ) -> None:
        """Wire it; it does nothing before somebody follows."""
        self.tail = Tail(logs, supervisor, now=now)
        self.purses = Purses(database, supervisor)
        self.seats = Seats(database, supervisor, now=now)

    def hear(self, topic: str, subject: str) -> None:
        """Take what any process announces: see `clinx.storage.announcements`."""
        if topic == Topic.FUNDS:
            self.purses.wake()
        elif topic == Topic.USER:
            self.seats.disturb(subject)
