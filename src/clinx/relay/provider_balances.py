"""Asks vendors what is left on the accounts of a channel's credentials: when an operator wants to know, never else.

A question goes the way that the channel's calls go, with the same key, egress rule and proxy, and is no call: health is
told nothing of it. What was answered last is kept in this process until the channel is asked in another manner.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from http import HTTPStatus
from typing import Final

from clinx.config.snapshot import Snapshot
from clinx.dialects.base import UpstreamProblem
from clinx.dialects.registry import DIALECTS
from clinx.domain.catalog import NO_CREDENTIAL, Channel, Credential
from clinx.domain.inquiry import InquiryError
from clinx.domain.provider_balance import (
    BalanceCode,
    BalanceQuestion,
    BalanceRule,
    ProviderBalance,
    UnreadableAnswer,
    read_balance,
    read_document,
)
from clinx.errors import UpstreamError
from clinx.telemetry.tasks import Supervisor
from clinx.upstream.failures import VendorSaid, cause_in_words
from clinx.upstream.request import RequestBuilder
from clinx.upstream.send import Sender
from clinx.upstream.stages import Stage, StageFailure

PATIENCE: Final = 8.0
"""Seconds that a vendor may take with one credential."""
AT_ONCE: Final = 8
"""Credentials of one channel that are asked with at a time."""
MOST_CREDENTIALS: Final = 24
"""Of one channel that are asked with on one request: those that were not for the longest time."""
MOST: Final = 4
"""Channels that are asked about at a time in one process."""
LONGEST: Final = 64 << 10
"""Bytes of an answer."""

Key = tuple[str, str, str]
"""Channel, its manner, and the credential's fingerprint."""


@dataclass(slots=True)
class ProviderBalances:
    """Asks, and remembers what was answered."""

    sender: Sender
    requests: RequestBuilder
    supervisor: Supervisor
    served: Callable[[], tuple[Snapshot, ...]]
    """Every tree that is: two while one is on trial."""
    now: Callable[[], datetime]
    monotonic: Callable[[], float]
    _known: dict[Key, ProviderBalance] = field(default_factory=dict[Key, ProviderBalance])
    _asking: set[str] = field(default_factory=set[str])

    def known(self, channel: Channel) -> list[ProviderBalance]:
        """Return what was answered last for each credential that was asked with."""
        found = (self._known.get(_key(channel, each)) for each in channel.credentials or (NO_CREDENTIAL,))
        return [each for each in found if each is not None]

    async def refresh(self, channel: Channel, fingerprint: str | None = None) -> None:
        """Ask with the channel's credentials, or with one of them.

        Raises:
            InquiryError: ``not_offered``, ``unknown_credential`` or ``too_many_questions``.
        """
        rule = channel.provider.balance
        if rule is None:
            message = f'The provider "{channel.provider.name}" does not say how it is asked what is left.'
            raise InquiryError("not_offered", message, "channel", provider=channel.provider.name)
        wanted = self._wanted(channel, fingerprint)
        async with self._taken(channel):
            waiting = iter(wanted)
            tasks = [
                self.supervisor.start(self._work(channel, rule, waiting), name=f"balance of {channel.name}")
                for _ in wanted[:AT_ONCE]
            ]
            try:
                for task in tasks:
                    await task
            finally:
                for task in tasks:
                    task.cancel()
                self._forget_others()

    @asynccontextmanager
    async def _taken(self, channel: Channel) -> AsyncGenerator[None]:
        """Let so many in at a time, and about one channel only one."""
        if channel.name in self._asking or len(self._asking) >= MOST:
            message = f"A channel is asked about once at a time, and {MOST} channels at most."
            raise InquiryError("too_many_questions", message, most=MOST)
        self._asking.add(channel.name)
        try:
            yield
        finally:
            self._asking.discard(channel.name)

    def _wanted(self, channel: Channel, fingerprint: str | None) -> Sequence[Credential]:
        credentials = channel.credentials or (NO_CREDENTIAL,)
        if fingerprint is None:
            return sorted(credentials, key=lambda each: self._age(channel, each))[:MOST_CREDENTIALS]
        found = [each for each in credentials if each.fingerprint == fingerprint]
        if not found:
            raise InquiryError("unknown_credential", "The channel has no credential of this fingerprint.", "credential")
        return found

    def _age(self, channel: Channel, credential: Credential) -> tuple[bool, float]:
        known = self._known.get(_key(channel, credential))
        return (False, 0.0) if known is None else (True, known.at.timestamp())

    async def _work(self, channel: Channel, rule: BalanceRule, waiting: Iterator[Credential]) -> None:
        for credential in waiting:
            self._known[_key(channel, credential)] = await self._ask(channel, rule, credential)

    async def _ask(self, channel: Channel, rule: BalanceRule, credential: Credential) -> ProviderBalance:
        """Ask with one credential; whatever goes wrong is the answer."""
        unknown = ProviderBalance(credential.fingerprint, self.now())
        deadline = self.monotonic() + PATIENCE
        try:
            answer = used = await self._answer(channel, rule.question, credential, deadline)
            if rule.minus_question is not None:
                used = await self._answer(channel, rule.minus_question, credential, deadline)
            amount, currency = read_balance(rule, answer, used)
        except _Refused as refused:
            return replace(unknown, code=BalanceCode.REFUSED, cause=str(refused))
        except UnreadableAnswer as error:
            return replace(unknown, code=BalanceCode.UNREADABLE, cause=str(error))
        except UpstreamError as error:
            return replace(unknown, code=_code(error), cause=cause_in_words(error))
        return replace(unknown, amount=amount, currency=currency)

    async def _answer(
        self, channel: Channel, question: BalanceQuestion, credential: Credential, deadline: float
    ) -> object:
        request = self.requests.balance(channel, question, credential, request_id="provider-balance")
        response = await self.sender.send(request, deadline=deadline)
        try:
            body = await response.read(LONGEST)
        finally:
            await response.close()
        if response.status != HTTPStatus.OK:
            raise _Refused(_words(channel, credential, response.status, body))
        return read_document(body)

    def _forget_others(self) -> None:
        """Forget what is in no tree any more, or is asked in another manner."""
        channels = [channel for each in self.served() for channel in each.channels.values()]
        kept = {_key(channel, each) for channel in channels for each in channel.credentials or (NO_CREDENTIAL,)}
        for key in self._known.keys() - kept:
            del self._known[key]


class _Refused(Exception):
    """The vendor answered with a status that is no success; the text may be shown to operators."""


def _key(channel: Channel, credential: Credential) -> Key:
    return channel.name, channel.manner, credential.fingerprint


def _code(error: UpstreamError) -> BalanceCode:
    """Say whether there was an answer that could not be taken whole, or none."""
    cause = error.__cause__
    is_body = isinstance(cause, StageFailure) and cause.stage is Stage.BODY
    return BalanceCode.UNREADABLE if is_body else BalanceCode.UNREACHABLE


def _words(channel: Channel, credential: Credential, status: int, body: bytes) -> str:
    """Return what the vendor says of a refusal, cut short, and without the key should it be repeated there."""
    dialect = next((DIALECTS[each.dialect] for each in channel.provider.endpoints), None)
    problem = UpstreamProblem() if dialect is None else dialect.read_problem(body)

    def hidden(text: str | None) -> str | None:
        return text.replace(credential.secret, "…") if text and credential.secret else text

    said = UpstreamProblem(hidden(problem.message), hidden(problem.type), hidden(problem.code))
    return str(VendorSaid(status, said))
