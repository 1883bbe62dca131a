import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinx.graphql.errors import Problem
from clinx.graphql.ids import key_of, key_or_name, number_of, split_id, to_id

KEYS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=60)


@given(KEYS)
def test_an_id_leads_back_to_what_it_was_made_of(key: str) -> None:
    id_ = to_id("Channel", key)

    assert split_id(id_) == ("Channel", key)
    assert key_of(id_, "Channel") == key
    assert "=" not in id_


@given(st.text(max_size=40))
def test_whatever_is_sent_is_an_id_of_ours_or_refused(sent: str) -> None:
    try:
        found = to_id(*split_id(sent))
    except Problem as problem:
        found = problem.code

    assert found in {sent, "invalid_id"}


def test_an_id_of_one_type_is_none_of_another() -> None:
    with pytest.raises(Problem) as caught:
        key_of(to_id("User", 1), "Token")

    assert caught.value.code == "invalid_id"


@pytest.mark.parametrize("name", ["main", "req_1", "", "a:b", "é", "x" * 600])
def test_a_name_may_stand_for_an_id(name: str) -> None:
    assert key_or_name(name, "Channel") == name


def test_an_id_stands_for_its_key_and_one_of_another_type_for_nothing() -> None:
    assert key_or_name(to_id("Channel", "main"), "Channel") == "main"
    with pytest.raises(Problem, match="not an id"):
        key_or_name(to_id("User", 1), "Channel")


@pytest.mark.parametrize(("key", "number"), [("0", 0), ("7", 7), (2**63 - 1, 2**63 - 1)])
def test_a_number_is_that_of_a_row(key: str | int, number: int) -> None:
    assert number_of(to_id("User", key), "User") == number


@pytest.mark.parametrize("key", ["", "-1", "+1", "1.0", " 1", "one", "\u0661", "1\0", 2**63, "9" * 5000])
def test_what_is_no_number_of_a_row_is_refused(key: str | int) -> None:
    with pytest.raises(Problem, match="not an id"):
        number_of(to_id("User", key), "User")


@pytest.mark.parametrize("changed", [lambda id_: id_ + "=", lambda id_: id_ + "A", lambda id_: id_[:-1], str.lower])
def test_an_id_is_written_in_one_way(changed) -> None:
    with pytest.raises(Problem):
        split_id(changed(str(to_id("User", 12))))
