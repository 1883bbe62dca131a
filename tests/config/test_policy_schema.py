from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from clinx.config.policy_schema import VERBS, RuleShape

PARAMETERS: dict[str, dict[str, Any]] = {
    "allow": {"models": ["m"]},
    "deny": {},
    "limit": {"requests": 1, "per": "1m"},
    "budget": {"amount": "1", "per": "day"},
    "rewrite": {"set": {"a": 1}},
    "route": {"require": ["eu"]},
    "affinity": {"key": "token.id"},
    "guard": {"words": ["x"]},
    "retry": {"attempts": 1},
    "multiply": {"price": "1"},
}


def test_every_verb_is_a_key_of_a_rule() -> None:
    assert set(VERBS) == PARAMETERS.keys()
    assert set(VERBS) <= RuleShape.model_fields.keys()


@pytest.mark.parametrize("verb", VERBS)
def test_a_rule_has_one_verb(verb: str) -> None:
    shape = RuleShape.model_validate({"name": "a", verb: PARAMETERS[verb]})

    assert getattr(shape, verb) is not None


@pytest.mark.parametrize("verbs", [(), ("deny", "retry")])
def test_a_rule_with_no_verb_or_two_is_none(verbs: tuple[str, ...]) -> None:
    with pytest.raises(ValidationError, match="exactly one verb"):
        RuleShape.model_validate({"name": "a", **{verb: PARAMETERS[verb] for verb in verbs}})
