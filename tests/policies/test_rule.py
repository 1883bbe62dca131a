from clinx.policies.rule import Allow
from clinx.routing.pattern import Pattern


def test_an_allow_that_names_no_models_allows_all() -> None:
    assert not Allow().names_models
    assert Allow().has_model("anything")


def test_an_allow_has_the_models_it_names_and_those_of_its_patterns() -> None:
    allow = Allow(models=frozenset({"o3"}), patterns=(Pattern.parse("gpt-*"),))

    assert allow.names_models
    assert [allow.has_model(name) for name in ("o3", "gpt-5", "o3-mini")] == [True, True, False]
