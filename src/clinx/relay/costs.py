"""What an exchange costs us: a channel that says what we pay is paid for the usage that its caller is charged for.

No multiplier, no rule and no discount is in it. Where the channel says nothing, the cost is not known, which is not
nothing. Attempts that failed are no part of it, although a vendor may bill them.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Final

from clinx.billing.estimate import Cover, least_prompt
from clinx.domain.catalog import Channel
from clinx.domain.ledger import Unresolved
from clinx.domain.money import Amount
from clinx.domain.pricing import Rates
from clinx.domain.usage import Usage

_ONCE: Final = Fraction(1)


def if_killed(channel: Channel, prompt_bytes: int, cover: Cover, made: int = 0) -> Amount | None:
    """Return what a call costs us whose process dies after so many tokens of its answer: it is charged for the same.

    As `clinx.billing.recovery` charges it: for what was metered, though for no more than is held; for all that is held;
    or for nothing, and then nobody knows what the vendor bills.
    """
    rates = channel.cost
    if rates is None:
        return None
    match channel.unresolved:
        case Unresolved.METERED:
            prompt = min(least_prompt(prompt_bytes), cover.prompt)
            return rates.cost(Usage(input=prompt, output=min(made, cover.output), call=1))
        case Unresolved.HOLD:
            return _most(rates, Usage(input=cover.prompt, output=cover.output, call=1))
        case Unresolved.VOID:
            return None


def _most(rates: Rates, usage: Usage) -> Amount | None:
    try:
        return rates.most(usage, _ONCE)
    except OverflowError:
        return None
