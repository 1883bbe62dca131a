import getpass

import pytest

from clinx.cli.actor import actor, cause


def test_who_runs_a_command_is_named(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(getpass, "getuser", lambda: "ann")
    assert actor() == "cli:ann"


@pytest.mark.parametrize("error", [KeyError("uid not found"), OSError("no user")])
def test_a_user_without_a_name_is_unknown(monkeypatch: pytest.MonkeyPatch, error: Exception):
    def fail() -> str:
        raise error

    monkeypatch.setattr(getpass, "getuser", fail)
    assert actor() == "cli:unknown"


def test_without_a_key_each_cause_has_one_of_its_own():
    assert cause("why").key != cause("why").key
    assert (cause("why", "mine").key, cause("why", "mine").reason) == ("mine", "why")
    with pytest.raises(ValueError, match="a key has"):
        cause("why", "")
