from __future__ import annotations

import pytest

from clinx.config.choices import ChoiceError
from clinx.domain.inquiry import InquiryError
from clinx.graphql.errors import Problem, Refusal
from clinx.graphql.revisions.asking import objecting, refusing


@pytest.mark.parametrize(
    "error", [InquiryError("odd", "It is odd.", "path", most=3), Problem("odd", "It is odd.", "path", most=3)]
)
def test_a_query_fails_at_the_top_with_the_same_code(error: Exception) -> None:
    with pytest.raises(Refusal) as refused, refusing():
        raise error

    assert refused.value.message == "It is odd."
    assert refused.value.extensions == {"code": "odd", "parameters": {"most": 3}}


def test_a_mutation_fails_in_its_payload_with_the_path() -> None:
    with pytest.raises(Problem) as refused, objecting():
        raise InquiryError("odd", "It is odd.", "documents", "0", most=3)

    problem = refused.value
    assert (problem.code, problem.message, problem.path) == ("odd", "It is odd.", ("documents", "0"))
    assert problem.parameters == {"most": 3}


def test_a_choice_that_is_none_is_about_the_revision() -> None:
    with pytest.raises(Problem) as refused, objecting():
        raise ChoiceError("nothing_before", "nothing was served before")

    assert (refused.value.code, refused.value.path) == ("nothing_before", ("revision",))
