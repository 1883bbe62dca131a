"""``balance`` of a provider to `clinx.domain.provider_balance.BalanceRule`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from clinx.config.provider_context import ProviderContext, headers_of, templates
from clinx.config.provider_schema import BalanceShape
from clinx.domain.provider_balance import BalanceQuestion, BalanceRule, Figure, Steps
from clinx.policies.path import Each, parse_path

_CODE: Final = re.compile(r"[A-Z]{3}")
_SLIP: Final = re.compile(r"[A-Za-z]{3}")
_NOWHERE: Final[Steps] = ("",)
"""Stands in for a place that is none; its provider is not served."""


def balance_rule(context: ProviderContext) -> BalanceRule | None:
    """Return how the provider is asked what is left; what is wrong with that is in the context's findings."""
    shape = context.shape.balance
    if shape is None:
        return None
    minus = shape.minus
    asked = _question(context, ("balance",), shape.method, shape.path, shape.query)
    return BalanceRule(
        question=asked,
        value=_figure(context, ("balance",), shape.value, shape.per),
        currency=_currency(context, shape),
        minus=None if minus is None else _figure(context, ("balance", "minus"), minus.value, minus.per),
        minus_question=_other_question(context, shape),
    )


def _question(
    context: ProviderContext, place: tuple[str, ...], method: str, path: str, query: Mapping[str, str]
) -> BalanceQuestion:
    shape, none = context.shape.balance, frozenset[str]()
    headers = shape.headers if shape is not None else {}
    # Both questions send the headers: their faults are reported at one place, and so once.
    sent = headers_of(context, ("balance", "headers"), headers, frozenset({"key"}))
    [(_, address)] = templates(context, place, {"path": path}, none)
    return BalanceQuestion(method, address, tuple(templates(context, (*place, "query"), query, none)), tuple(sent))


def _other_question(context: ProviderContext, shape: BalanceShape) -> BalanceQuestion | None:
    minus = shape.minus
    if minus is None or minus.path is None:
        if minus is not None and minus.query:
            mark = context.node.key_at(("balance", "minus", "query"))
            context.found.append(mark.finding("E303", '"query" without "path"', "say where that is asked for"))
        return None
    return _question(context, ("balance", "minus"), shape.method, minus.path, minus.query)


def _figure(context: ProviderContext, place: tuple[str, ...], value: str, per: int) -> Figure:
    rest = per
    for factor in (2, 5):
        while rest % factor == 0:
            rest //= factor
    if rest != 1:
        message = '"per" must have no factors but 2 and 5, or the amount has no end: 100, 1000, 500000'
        context.found.append(context.mark(*place, "per").finding("E303", message))
    return Figure(_steps(context, (*place, "value"), value), per)


def _currency(context: ProviderContext, shape: BalanceShape) -> str | Steps:
    if _CODE.fullmatch(shape.currency):
        return shape.currency
    if _SLIP.fullmatch(shape.currency):
        mark = context.mark("balance", "currency")
        hint = f'did you mean "{shape.currency.upper()}"?'
        context.found.append(mark.finding("E303", "a currency is written in capitals", hint))
        return shape.currency
    return _steps(context, ("balance", "currency"), shape.currency)


def _steps(context: ProviderContext, place: tuple[str, ...], text: str) -> Steps:
    """Read where something stands; what is no single place is a finding."""
    try:
        path = parse_path(text)
    except ValueError:
        path = None
    if path is not None and path.is_single:
        return tuple(step for step in path.steps if not isinstance(step, Each))
    message, hint = f'"{place[-1]}" is no place in an answer', "such as data.balance or balance_infos[0].total_balance"
    context.found.append(context.mark(*place).finding("E303", message, hint))
    return _NOWHERE
