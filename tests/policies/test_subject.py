from __future__ import annotations

import pytest

from clinx.policies.subject import Scope, Subject, words


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:aaaa::1", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("nonsense", ""),
        (None, ""),
    ],
)
def test_an_address_is_counted_as_what_one_host_is_given(address: str | None, counted: str) -> None:
    assert Subject(1, 2, "default", "m", address).value(Scope.ADDRESS) == counted


def test_several_scopes_count_each_combination_apart() -> None:
    caller = Subject(7, 70, "vip", "gpt-4o", "192.0.2.1", "azure")

    assert caller.key(()) == ""
    assert caller.key((Scope.USER, Scope.MODEL)) == "user=7,model=gpt-4o"
    assert caller.key(tuple(Scope)) == "user=7,token=70,group=vip,model=gpt-4o,address=192.0.2.1,channel=azure"


def test_people_are_told_whom_a_rule_counts() -> None:
    assert words((Scope.USER, Scope.MODEL)) == "this user and model"
    assert words(()) == "all callers together"
