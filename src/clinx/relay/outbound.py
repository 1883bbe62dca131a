"""What a candidate is sent: the caller's own bytes, with only the patches a mapping or a quirk asks for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from clinx.dialects.base import Dialect, Envelope
from clinx.dialects.body import JsonBody
from clinx.domain.catalog import ParamRule
from clinx.policies.verdict import HeaderChange
from clinx.relay.system_prompt import system_patches
from clinx.routing.plan import Candidate


class _Patch:
    """Changes to the top level of a body, gathered rule by rule and applied in one splice."""

    def __init__(self, body: JsonBody) -> None:
        self._body = body
        self.changes: dict[str, bytes | None] = {}
        self.renames: dict[str, str] = {}

    def has(self, name: str) -> bool:
        if name in self.changes:
            return self.changes[name] is not None
        return name in self.renames.values() or (name in self._body.names and name not in self.renames)

    def set(self, name: str, value: bytes) -> None:
        self.drop(name)
        self.changes[name] = value

    def drop(self, name: str) -> None:
        for old, new in list(self.renames.items()):
            if new == name:
                del self.renames[old]
                self.changes[old] = None
        self.changes[name] = None

    def rename(self, old: str, new: str) -> None:
        """Move a member; one that already carries the new name is what the caller meant, and stays."""
        if not self.has(old):
            return
        if self.has(new):
            self.drop(old)
        elif (value := self.changes.pop(old, None)) is not None:
            self.set(new, value)
        else:
            self.renames[old] = new

    def apply(self, rule: ParamRule) -> None:
        for old, new in rule.rename:
            self.rename(old, new)
        for name in rule.drop:
            if self.has(name):
                self.drop(name)
        for name, value in rule.default:
            if not self.has(name):
                self.set(name, value)
        for name, value in rule.set:
            self.set(name, value)


def outbound_headers(own: Mapping[str, str], changes: Sequence[HeaderChange]) -> Mapping[str, str]:
    """Return the headers that go upstream beside the channel's: those of the request, with what rules changed."""
    if not changes:
        return own
    changed = {change.name.lower() for change in changes}
    kept = {name: value for name, value in own.items() if name.lower() not in changed}
    return {**kept, **{change.name: change.value for change in changes if change.value is not None}}


def outbound_body(envelope: Envelope, dialect: Dialect, candidate: Candidate) -> bytes:
    """Return the body for one candidate. Untouched requests come back as the very bytes that arrived."""
    channel = candidate.channel
    patch = _Patch(envelope.body)
    if channel.provider.params:
        facts = _facts(envelope, candidate)
        for rule in channel.provider.params:
            if rule.when is None or rule.when(facts):
                patch.apply(rule)
    if channel.drop or channel.set:
        patch.apply(ParamRule(drop=channel.drop, set=channel.set))
    if channel.system_prompt is not None:
        patch.changes.update(system_patches(envelope, channel.system_prompt))
    if envelope.stream:
        patch.changes.update(dialect.stream_patches(envelope, channel.provider.usage_in_stream))
    if candidate.upstream_model != envelope.model:
        patch.changes.update(envelope.naming(envelope.body, candidate.upstream_model))
    return envelope.body.patched(patch.changes, patch.renames)


def _facts(envelope: Envelope, candidate: Candidate) -> Mapping[str, object]:
    return {"model": candidate.upstream_model, "operation": envelope.operation.value, "stream": envelope.stream}
