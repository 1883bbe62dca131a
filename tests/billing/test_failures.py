from __future__ import annotations

import pytest

from clinx.billing import failures
from clinx.billing.failures import KeyReused, MoneyRefused

FAMILIES = {"CodeRefused", "InvitationRefused", "MoneyRefused"}
"""What only groups others, and is never raised."""
RAISED = [each for each in vars(failures).values() if isinstance(each, type) and issubclass(each, MoneyRefused)]


@pytest.mark.parametrize("kind", [each for each in RAISED if each.__name__ not in FAMILIES])
def test_every_failure_has_a_code_of_its_own(kind: type[MoneyRefused]) -> None:
    others = [each for each in RAISED if each is not kind and each.__name__ not in FAMILIES]

    assert kind.code not in {each.code for each in others}


def test_it_says_why_and_what_belongs_into_the_words() -> None:
    error = KeyReused("used before", most=3, what="key")

    assert (str(error), error.code, error.parameters) == ("used before", "key_reused", {"most": 3, "what": "key"})
    assert KeyReused("used before").parameters == {}
