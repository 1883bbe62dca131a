import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinx.billing import crockford

numbers = st.integers(0, 2**130 - 1)
texts = numbers.map(lambda number: crockford.seal(number, 26)).filter(bool).map(str)


def test_a_number_is_written_in_so_many_characters():
    assert crockford.encode(0, 3) == "000"
    assert crockford.encode(32 * 32 + 31, 4) == "010Z"


def test_what_was_meant_is_read_whatever_its_hyphens_and_capitals():
    assert crockford.read("ab-O i l-Zz") == "AB011ZZ"
    assert crockford.compact("clx-ab cd") == "CLXABCD"


@pytest.mark.parametrize("text", ["", "-", "AU", "A*", "A\n", "ß", "é", "٣"])
def test_other_signs_are_none(text: str):
    assert crockford.read(text) is None


def test_a_check_that_is_no_letter_or_digit_is_not_written():
    assert [crockford.seal(number, 2) for number in (31, 32, 36, 37)] == ["0ZZ", None, None, "150"]


@given(texts)
def test_a_sealed_text_is_sound(text: str):
    assert len(text) == 27
    assert crockford.is_sealed(text)


@given(texts, st.integers(0, 26), st.sampled_from(crockford.ALPHABET))
def test_one_wrong_character_is_noticed(text: str, place: int, sign: str):
    wrong = text[:place] + sign + text[place + 1 :]

    assert crockford.is_sealed(wrong) is (wrong == text)


@given(texts, st.integers(0, 25))
def test_two_neighbours_exchanged_are_noticed(text: str, place: int):
    wrong = text[:place] + text[place + 1] + text[place] + text[place + 2 :]

    assert crockford.is_sealed(wrong) is (wrong == text)
