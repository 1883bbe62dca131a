"""What a channel says of its failures, its limits and its tests, as values of the domain."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from clinx.config.channel_schema import ChannelTestShape, CircuitShape, LimitsShape, RetryShape, SystemPromptShape
from clinx.config.declared import Entry
from clinx.config.diagnostics import Diagnostic, did_you_mean
from clinx.config.schema import ChannelShape
from clinx.domain.catalog import Provider, SystemMode, SystemPrompt
from clinx.domain.operation import Operation
from clinx.domain.resilience import Answers, ChannelLimits, ChannelTest, CircuitRule, RetryRule
from clinx.routing.pattern import is_pattern

_NO_STATUS: Final[frozenset[int]] = frozenset()


def retry_rule(shape: RetryShape) -> RetryRule:
    """Return when another channel is tried."""
    on = None if shape.on is None else _NO_STATUS.union(*shape.on)
    return RetryRule(shape.attempts, on, _lowered(shape.texts))


def circuit_rule(shape: CircuitShape) -> CircuitRule:
    """Return when a circuit opens, and for how long."""
    return CircuitRule(
        failures=shape.failures,
        rate=shape.rate,
        window=shape.window,
        volume=shape.volume,
        cooldown=shape.cooldown,
        longest=shape.longest,
        open_on=Answers(_NO_STATUS.union(*shape.open_on.statuses), _lowered(shape.open_on.texts)),
    )


def limits(shape: LimitsShape | None) -> ChannelLimits | None:
    """Return how much a channel takes; None when it does not say."""
    return None if shape is None else ChannelLimits(shape.rpm, shape.tpm, shape.concurrency)


def system_prompt(shape: SystemPromptShape | None) -> SystemPrompt | None:
    """Return what a channel tells its models."""
    return None if shape is None else SystemPrompt(shape.text, SystemMode(shape.mode))


def status_map(shape: Mapping[str, int]) -> dict[int, int]:
    """Return what other status an answer's is read as."""
    return {int(status): read_as for status, read_as in shape.items()}


def channel_test(shape: ChannelTestShape | None) -> ChannelTest | None:
    """Return how a channel is tried out."""
    if shape is None:
        return None
    return ChannelTest(shape.every, shape.model, None if shape.operation is None else Operation(shape.operation))


def check_rules(
    entry: Entry[ChannelShape], shape: ChannelShape, provider: Provider | None, models: Mapping[str, str]
) -> Iterator[Diagnostic]:
    """Find what each rule by itself does not show to be wrong."""
    if shape.circuit.longest < shape.circuit.cooldown:
        mark = entry.node.at(("circuit",))
        yield mark.finding("E303", '"longest" is shorter than "cooldown"', "say how long a circuit stays open at most")
    if shape.test is not None:
        yield from _check_test(entry, shape.test, provider, models)


def _check_test(
    entry: Entry[ChannelShape], test: ChannelTestShape, provider: Provider | None, models: Mapping[str, str]
) -> Iterator[Diagnostic]:
    names = [name for name in models if not is_pattern(name)]
    if test.model is not None and test.model not in names:
        mark = entry.node.at(("test", "model"))
        yield mark.finding("E303", f'this channel has no model "{test.model}" to test', did_you_mean(test.model, names))
    elif models and not names:
        yield entry.node.at(("test",)).finding("E303", "a channel of patterns has no model to test", "list one model")
    if provider is None or test.operation is None:
        return
    wanted = Operation(test.operation)
    if all(endpoint.operation is not wanted for endpoint in provider.endpoints):
        mark = entry.node.at(("test", "operation"))
        yield mark.finding("E303", f'provider "{provider.name}" does not take the operation "{wanted}"')


def _lowered(texts: Sequence[str]) -> tuple[str, ...]:
    return tuple(text.lower() for text in texts)
