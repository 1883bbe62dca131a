"""The tables of what operators say and processes serve. As private as `models`."""

from __future__ import annotations

from typing import ClassVar

from tortoise import fields
from tortoise.indexes import Index
from tortoise.models import Model


class OverrideRow(Model):
    """What an operator says of a channel for a while."""

    id: fields.Field[int] = fields.BigIntField(primary_key=True)
    channel = fields.CharField(max_length=128)
    aspect = fields.CharField(max_length=16)
    value: fields.Field[int] = fields.BigIntField()
    reason = fields.CharField(max_length=500)
    actor = fields.CharField(max_length=64)
    at: fields.Field[int] = fields.BigIntField()
    until: fields.Field[int] = fields.BigIntField()
    dropped_at: fields.Field[int | None] = fields.BigIntField(null=True)
    dropped_by = fields.CharField(max_length=64, null=True)

    class Meta(Model.Meta):
        """Table name, and how those in force are found."""

        table = "channel_override"
        indexes: ClassVar = [Index(fields=("until",))]


class RejectionRow(Model):
    """A revision that is not to be served, and which is instead."""

    id: fields.Field[int] = fields.BigIntField(primary_key=True)
    revision = fields.CharField(max_length=64)
    instead = fields.CharField(max_length=64)
    reason = fields.CharField(max_length=500)
    actor = fields.CharField(max_length=64)
    at: fields.Field[int] = fields.BigIntField()
    lifted_at: fields.Field[int | None] = fields.BigIntField(null=True)
    lifted_by = fields.CharField(max_length=64, null=True)

    class Meta(Model.Meta):
        """Table name, and how what is said of a revision is found."""

        table = "rejection"
        indexes: ClassVar = [Index(fields=("revision",))]


class ServedRow(Model):
    """What a process says of itself: the revision it serves, and how its last look at the tree ended."""

    node = fields.CharField(max_length=64, primary_key=True)
    host = fields.CharField(max_length=255)
    url = fields.CharField(max_length=255)
    revision = fields.CharField(max_length=64)
    commit_id = fields.CharField(max_length=64, null=True)
    since: fields.Field[int] = fields.BigIntField()
    ok: fields.Field[int] = fields.IntField()
    tree = fields.CharField(max_length=64, null=True)
    diagnostics = fields.TextField()
    error = fields.TextField(null=True)
    seen_at: fields.Field[int] = fields.BigIntField()
    trial = fields.TextField(null=True)
    answered = fields.CharField(max_length=64, null=True)

    class Meta(Model.Meta):
        """Table name."""

        table = "served_revision"
