from __future__ import annotations

import pytest

from clinx.dialects.base import Loss, Severity
from clinx.dialects.losses import harmless, severe
from clinx.errors import UnsupportedByModel
from clinx.relay.losses import losses_header, refuse_severe


def test_losses_are_named_once_and_safely() -> None:
    def lost(*paths: str) -> list[Loss]:
        return [Loss(path, Severity.HARMLESS, "") for path in paths]

    assert losses_header([]) == {}
    assert losses_header(lost("")) == {"Clinx-Losses": "?"}
    assert losses_header(lost("n", "messages[0].content[1]", "n")) == {"Clinx-Losses": "n, messages[0].content[1]"}
    assert losses_header(lost("a\r\nSet-Cookie: é", "x" * 99)) == {"Clinx-Losses": f"a??Set-Cookie???, {'x' * 64}"}
    assert losses_header(lost(*map(str, range(20))))["Clinx-Losses"].endswith("14, 15, ...")


def test_a_severe_loss_is_refused_by_its_name() -> None:
    refuse_severe([harmless("user", "A label.")])

    with pytest.raises(UnsupportedByModel, match=r"'input': Texts only\.") as refused:
        refuse_severe([harmless("user", "A label."), severe("input", "Texts only.")])

    assert refused.value.param == "input"
