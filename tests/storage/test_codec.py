from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinx.storage.codec import clean, decode_json, encode_json, instant, micros


@given(st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=45))])))
def test_instants_come_back_exactly(moment: datetime):
    assert instant(micros(moment)) == moment


def test_an_instant_without_a_zone_is_a_defect():
    with pytest.raises(TypeError):
        micros(datetime(2030, 1, 1))  # noqa: DTZ001  (that is the point)


@given(st.text(alphabet=st.characters(codec=None)))
def test_any_text_becomes_storable(text: str):
    cleaned = clean(text, 100)
    assert len(cleaned) <= 100
    assert "\x00" not in cleaned
    assert cleaned.encode().decode() == cleaned


def test_ordinary_text_stays_as_it_is():
    assert clean("gpt-4o ünï 😀", 100) == "gpt-4o ünï 😀"
    assert clean("abcdef", 3) == "abc"


def test_json_round_trip():
    assert decode_json(encode_json({"a": [1, "ü", None]})) == {"a": [1, "ü", None]}
