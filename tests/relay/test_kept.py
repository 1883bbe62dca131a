from __future__ import annotations

from clinx.domain.request_log import Keeper
from clinx.relay.kept import KeptAnswers

FIRST, SECOND = Keeper("first", "a", "m"), Keeper("second", "b", "m")


def test_an_answer_is_known_to_the_user_it_was_made_for_only() -> None:
    kept = KeptAnswers()
    kept.remember(1, "resp_1", FIRST)

    assert (kept.keeper(1, "resp_1"), kept.keeper(2, "resp_1"), kept.keeper(1, "resp_2")) == (FIRST, None, None)


def test_what_was_asked_for_least_recently_is_forgotten_first() -> None:
    kept = KeptAnswers(most=2)
    kept.remember(1, "a", FIRST)
    kept.remember(1, "b", SECOND)
    kept.keeper(1, "a")
    kept.remember(1, "c", FIRST)

    assert (kept.keeper(1, "a"), kept.keeper(1, "b"), kept.keeper(1, "c")) == (FIRST, None, FIRST)
