import pytest

from clinx.domain.resilience import Answers, RetryRule


def test_an_answer_is_meant_by_its_status_or_by_words_in_any_case() -> None:
    answers = Answers(frozenset({403}), ("balance is too low",))

    assert answers.fit(403, "")
    assert answers.fit(400, "Your credit Balance is too LOW.")
    assert not answers.fit(400, "no")
    assert not Answers().fit(None, "anything")


@pytest.mark.parametrize(
    ("rule", "status", "message", "expected"),
    [
        (RetryRule(), 500, "x", None),
        (RetryRule(on=frozenset({500})), 500, "x", True),
        (RetryRule(on=frozenset({500})), 502, "x", False),
        (RetryRule(on=frozenset({500})), None, "x", None),
        (RetryRule(on=frozenset(), texts=("try again",)), 400, "Please TRY AGAIN", True),
        (RetryRule(texts=("try again",)), 400, "no", None),
    ],
)
def test_a_rule_says_after_which_answers_another_channel_is_tried(
    rule: RetryRule, status: int | None, message: str, expected: bool | None
) -> None:
    assert rule.wants(status, message) is expected
