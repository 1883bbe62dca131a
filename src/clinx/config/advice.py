"""Warnings about what may be said and is probably not meant."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from clinx.billing.estimate import DEFAULT_MAX_OUTPUT
from clinx.config.declared import Declared
from clinx.config.diagnostics import Diagnostic
from clinx.domain.catalog import Model
from clinx.domain.pricing import Price
from clinx.domain.usage import ANSWER_UNITS

SMALL_BODY: Final = 1024
"""Bytes below which hardly a request fits: a factor was forgotten."""


def advise(declared: Declared, models: Mapping[str, Model]) -> Iterator[Diagnostic]:
    """Yield warnings about single values; ``models`` are those that compiled."""
    yield from _unbounded(declared, models)
    if declared.root.server.max_body < SMALL_BODY:
        mark = declared.root_node.at(("server", "max_body"))
        message = f'"max_body" is {declared.root.server.max_body} bytes: hardly any request fits'
        yield mark.finding("W309", message, "name a factor, such as 32MiB")


def idle(declared: Declared) -> Iterator[Diagnostic]:
    """Warn of a good tree without channels: callers can be told of no model at all."""
    if not declared.channels:
        mark = declared.root_node.key_at(("channels",))
        yield mark.finding("W214", "there are no channels: nothing can be called", 'list them under "channels"')


def _unbounded(declared: Declared, models: Mapping[str, Model]) -> Iterator[Diagnostic]:
    for name, model in models.items():
        if model.max_output is None and _prices_answers(model.price):
            message = f'model "{name}" has no max_output: {DEFAULT_MAX_OUTPUT:,} tokens are held for each answer'
            hint = "say how long its longest answer is, such as max_output: 16k"
            yield declared.models[name].mark.finding("W307", message, hint)


def _prices_answers(price: Price) -> bool:
    """Whether a rate is named for generated tokens; a model without one most likely only embeds."""
    rows = (*price.tiers, *(case.rates for case in price.cases))
    return any(unit in row.by_unit and row.by_unit[unit].amount for row in rows for unit in ANSWER_UNITS)
