"""What operators are told of circuits: an event and a figure for every one that opens or closes."""

from __future__ import annotations

import logging

from clinx.routing.circuit import State
from clinx.routing.way import Transition
from clinx.telemetry.logs import say
from clinx.telemetry.metrics import Metrics

log = logging.getLogger("clinx.routing")


class Notices:
    """Says and counts transitions."""

    def __init__(self, metrics: Metrics) -> None:
        """Take where they are counted."""
        self._metrics = metrics

    def __call__(self, transition: Transition) -> None:
        """Tell one."""
        cause = "" if transition.cause is None else transition.cause.value
        self._metrics.circuits.add((transition.channel, transition.state.value, cause))
        is_closed = transition.state is State.CLOSED
        fields = {
            "channel": transition.channel,
            "credential": transition.credential,
            "upstream_model": transition.model[:100],
            "cause": cause or None,
        }
        if is_closed:
            say(log, "channel.closed", fields)
            return
        waits_for = "a test, an operator or another key" if transition.held else None
        say(log, "channel.opened", {**fields, "seconds": transition.seconds, "waits_for": waits_for})
