import pytest

from clinx.policies.verdict import SILENT, Verdict


@pytest.mark.parametrize(
    ("verdict", "is_rewritten"), [(SILENT, False), (Verdict(model="o3"), True), (Verdict(changes={"stop": None}), True)]
)
def test_a_request_is_rewritten_by_another_model_or_another_body(verdict: Verdict, *, is_rewritten: bool) -> None:
    assert verdict.is_rewritten is is_rewritten
