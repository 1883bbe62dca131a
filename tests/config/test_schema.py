from __future__ import annotations

import pytest
from pydantic import ValidationError

from clinx.config.schema import (
    ChannelShape,
    FlatPrice,
    GatewayShape,
    ModelShape,
    PriceTier,
    RatioPrice,
    UnitRates,
)
from clinx.domain.usage import Unit


def test_a_price_may_name_every_unit_and_no_other() -> None:
    assert list(UnitRates.model_fields) == [unit.value for unit in Unit]


@pytest.mark.parametrize(
    ("price", "kind"),
    [("free", str), ({"call": "1"}, FlatPrice), ([{"call": "1"}], list)],
)
def test_the_forms_of_a_price_are_told_apart_by_their_shape(price: object, kind: type) -> None:
    assert isinstance(ModelShape.model_validate({"price": price}).price, kind)


def test_each_form_is_checked_as_itself() -> None:
    for price, form in (("fre", "free"), ({"upto": 1}, "rates"), ([{"when": []}], "tiers"), (5, "free")):
        with pytest.raises(ValidationError) as caught:
            ModelShape.model_validate({"price": price})
        assert {error["loc"][1] for error in caught.value.errors()} == {form}


def test_a_model_entry_is_a_name_or_a_map() -> None:
    channel = ChannelShape.model_validate({"name": "c", "models": ["a", {"b": "c", "d": "e"}]})

    assert channel.models == ["a", {"b": "c", "d": "e"}]
    with pytest.raises(ValidationError):
        ChannelShape.model_validate({"name": "c", "models": [{}]})


@pytest.mark.parametrize("name", ["", "a b", "-a", "a/b", "é", "a" * 65])
def test_names_are_fit_for_labels_and_logs(name: str) -> None:
    with pytest.raises(ValidationError):
        ChannelShape.model_validate({"name": name})


@pytest.mark.parametrize("name", ["gpt-4o", "meta-llama/Llama-3.1:8b", "模型", "gpt-*-mini*", "a+b@c"])
def test_model_names_are_what_vendors_call_them(name: str) -> None:
    assert list(GatewayShape.model_validate({"models": {name: {}}}).models) == [name]


@pytest.mark.parametrize("name", ["", "a b", "a?", "[a]", "a\n", "x" * 201])
def test_model_names_hold_no_spaces_and_no_other_wildcards(name: str) -> None:
    with pytest.raises(ValidationError):
        GatewayShape.model_validate({"models": {name: {}}})


@pytest.mark.parametrize("value", ["a\nb", "a\rb", "a\x00b"])
def test_a_header_cannot_smuggle_another(value: str) -> None:
    with pytest.raises(ValidationError):
        ChannelShape.model_validate({"name": "c", "headers": {"X-A": value}})
    with pytest.raises(ValidationError):
        ChannelShape.model_validate({"name": "c", "headers": {value: "x"}})


def test_documents_are_frozen_and_closed() -> None:
    tier = PriceTier()
    with pytest.raises(ValidationError):
        tier.per = 1  # type: ignore[misc]
    with pytest.raises(ValidationError):
        RatioPrice.model_validate({"model": 1, "other": 2})
