"""Tries one channel out because an operator wants to see it: the small request of a channel test, told as it goes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Final

from clinx.config.snapshot import Snapshot
from clinx.domain.catalog import NO_CREDENTIAL, Channel, Credential
from clinx.domain.inquiry import InquiryError, TryoutEvent, TryoutStage, TryoutWish
from clinx.domain.usage import Usage
from clinx.relay.channel_tests import ChannelTests, Trial, endpoint_for
from clinx.routing.pattern import Pattern, is_pattern
from clinx.telemetry.tasks import Supervisor
from clinx.upstream.failures import Failure, cause_in_words

MOST: Final = 4
"""Tests that operators may have running in one process."""


@dataclass(slots=True)
class Tryouts:
    """Runs them; health is told what came of each, as of any test."""

    tests: ChannelTests
    supervisor: Supervisor
    _running: int = 0

    async def run(self, snapshot: Snapshot, wish: TryoutWish) -> AsyncGenerator[TryoutEvent]:
        """Test one way upstream, and yield what happens; who stops listening ends it.

        Raises:
            InquiryError: ``not_found``, ``unknown_credential``, ``unknown_model``, ``not_testable``, or
                ``too_many_tests``.
        """
        trial = chosen(snapshot, wish)
        if self._running >= MOST:
            raise InquiryError("too_many_tests", f"{MOST} tests are running already.", most=MOST)
        self._running += 1
        watch = _Watch(self.tests, trial)
        testing = self.supervisor.start(self._test(trial, watch), name=f"tryout of {trial.channel.name}", endless=True)
        try:
            while (event := await watch.events.get()) is not None:
                yield event
        finally:
            self._running -= 1
            testing.cancel()

    async def _test(self, trial: Trial, watch: _Watch) -> None:
        try:
            watch.tell(TryoutStage.STARTED)
            outcome = await self.tests.test(trial, watch)
            if outcome == "ok":
                watch.tell(TryoutStage.SUCCEEDED)
            elif outcome == "full":
                watch.tell(TryoutStage.FAILED, code="channel_full")
        finally:
            watch.events.put_nowait(None)


@dataclass(slots=True)
class _Watch:
    """Keeps what a test tells until somebody wants it."""

    tests: ChannelTests
    trial: Trial
    events: asyncio.Queue[TryoutEvent | None] = field(default_factory=asyncio.Queue[TryoutEvent | None])
    status: int | None = None
    usage: Usage | None = None
    began: float = field(init=False)

    def __post_init__(self) -> None:
        self.began = self.tests.monotonic()

    def answered(self, status: int) -> None:
        self.status = status
        self.tell(TryoutStage.ANSWERED)

    def read(self, usage: Usage | None) -> None:
        self.usage = usage
        self.tell(TryoutStage.READ)

    def failed(self, failure: Failure) -> None:
        self.tell(TryoutStage.FAILED, code=failure.error.code, cause=cause_in_words(failure.error))

    def tell(self, stage: TryoutStage, *, code: str | None = None, cause: str | None = None) -> None:
        trial = self.trial
        event = TryoutEvent(
            stage=stage,
            channel=trial.channel.name,
            credential=trial.credential.fingerprint,
            model=trial.model,
            operation=trial.endpoint.operation.value,
            dialect=trial.endpoint.dialect,
            after=timedelta(seconds=self.tests.monotonic() - self.began),
            status=self.status,
            usage=self.usage,
        )
        self.events.put_nowait(replace(event, code=code, cause=cause))


def chosen(snapshot: Snapshot, wish: TryoutWish) -> Trial:
    """Return the way upstream that is meant.

    Raises:
        InquiryError: there is none such, or no small request for it.
    """
    channel = snapshot.channels.get(wish.channel)
    if channel is None:
        raise InquiryError("not_found", "There is no such channel.", "channel", kind="channel")
    public, upstream = _model(channel, wish.model)
    endpoint = endpoint_for(channel, public)
    if endpoint is None:
        raise InquiryError("not_testable", "There is no small request for any endpoint of this channel.", "channel")
    return Trial(channel, _credential(channel, wish.credential), upstream, endpoint)


def _credential(channel: Channel, fingerprint: str | None) -> Credential:
    credentials = channel.credentials or (NO_CREDENTIAL,)
    if fingerprint is None:
        return credentials[0]
    found = next((each for each in credentials if each.fingerprint == fingerprint), None)
    if found is None:
        raise InquiryError("unknown_credential", "The channel has no credential of this fingerprint.", "credential")
    return found


def _model(channel: Channel, wish: str | None) -> tuple[str, str]:
    """Return the public and the upstream's name of the model."""
    name = wish or (channel.test.model if channel.test is not None else None)
    name = name or next((each for each in channel.models if not is_pattern(each)), None)
    if name is None:
        raise InquiryError("unknown_model", "The channel lists patterns only: name a model.", "model")
    if name in channel.models and not is_pattern(name):
        return name, channel.models[name]
    patterns = sorted((Pattern.parse(each) for each in channel.models if is_pattern(each)), key=lambda each: each.order)
    found = next((each for each in patterns if each.matches(name)), None)
    if found is None or is_pattern(name):
        raise InquiryError("unknown_model", "The channel does not serve this model.", "model")
    upstream = channel.models[found.text]
    return name, name if upstream == found.text else upstream
