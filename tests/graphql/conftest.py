from collections.abc import Iterator
from typing import Any

import pytest

from clinx.graphql import places
from support.abuse import town
from support.database import _migrated_database, _migrated_file, clock, database, database_url
from support.operations import api
from support.placeless import Seen

__all__ = ["_migrated_database", "_migrated_file", "api", "clock", "database", "database_url", "town"]


@pytest.fixture(autouse=True)
def _every_failure_says_where(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Whatever mutation of whatever test fails, its path names a field, unless there is a reason that none can."""
    seen, place = Seen(), places.place

    def noted(error: Any, type_: Any, given: Any) -> list[str]:
        path = place(error, type_, given)
        seen.note(error, type_, path)
        return path

    monkeypatch.setattr(places, "place", noted)
    yield
    assert seen.without == []
