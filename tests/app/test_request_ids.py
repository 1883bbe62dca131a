import random
from types import SimpleNamespace

import pytest

from clinx.app import request_ids as ids
from clinx.app.request_ids import request_ids


def test_ids_are_unique_and_sort_by_the_millisecond(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(range(1_893_456_000_000, 1_893_456_010_000))
    monkeypatch.setattr(ids, "time", SimpleNamespace(time_ns=lambda: next(clock) * 1_000_000 + 999_999))
    new_id = request_ids(random.Random(7))

    made = [new_id() for _ in range(10_000)]

    assert made == sorted(made)
    assert len(set(made)) == 10_000
    assert {len(each) for each in made} == {32}
    assert made[0].startswith(f"req_{1_893_456_000_000:012x}")


def test_ids_of_one_millisecond_and_of_two_processes_differ(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ids, "time", SimpleNamespace(time_ns=lambda: 1_893_456_000_000_000_000))
    one, other = request_ids(random.Random(1)), request_ids(random.Random(2))

    assert len({make() for make in [one, other] * 1000}) == 2000
