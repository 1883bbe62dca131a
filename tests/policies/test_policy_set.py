from __future__ import annotations

from pathlib import Path

from clinx.policies.policy_set import NO_POLICIES
from support.policies import compile_rules


def test_rules_are_found_by_name_and_those_that_lists_obey_are_known(tmp_path: Path) -> None:
    policies = compile_rules(
        tmp_path, "- {name: a, deny: {}}\n- {name: b, allow: {models: [small]}}\n- {name: c, allow: {days: [mon]}}"
    )

    found = policies.named("b")
    assert found is not None
    assert (found.word, found.place) == ("allow", "policies/rules.yaml:2")
    assert policies.named("x") is None
    assert [rule.name for rule in policies.listing] == ["b"]
    assert NO_POLICIES.rules == ()
