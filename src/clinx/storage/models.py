"""Tables. Private to this package: rows never leave it.

Conventions: amounts are signed 64-bit nano-units; instants are microseconds since 1970 in UTC (the same integer on
every engine, so plain SQL compares and groups them); states are short strings, not enums, so that migrations do not
depend on application classes. ``reservation``, ``entry`` and ``request_log`` name users and tokens without foreign
keys: history outlives them. Docstrings become table comments, which tortoise cuts at semicolons: use none.
"""

from __future__ import annotations

from typing import ClassVar

from tortoise import fields
from tortoise.indexes import Index
from tortoise.models import Model

from clinx.storage.codec import decode_json, encode_json


class UserRow(Model):
    """An account holder."""

    id: fields.Field[int] = fields.BigIntField(primary_key=True)
    name = fields.CharField(max_length=64, unique=True)
    role = fields.CharField(max_length=16)
    status = fields.CharField(max_length=16)
    group = fields.CharField(max_length=64)
    created_at: fields.Field[int] = fields.BigIntField()

    class Meta(Model.Meta):
        """Table name."""

        table = "user"


class TokenRow(Model):
    """An API key: the digest, never the secret."""

    id: fields.Field[int] = fields.BigIntField(primary_key=True)
    user: fields.ForeignKeyRelation[UserRow] = fields.ForeignKeyField(
        "main.UserRow", related_name="tokens", on_delete=fields.RESTRICT
    )
    user_id: int
    name = fields.CharField(max_length=64)
    digest = fields.CharField(max_length=64, unique=True)
    hint = fields.CharField(max_length=16)
    status = fields.CharField(max_length=16)
    expires_at: fields.Field[int | None] = fields.BigIntField(null=True)
    models: fields.Field[list[str]] = fields.JSONField(encoder=encode_json, decoder=decode_json)
    group = fields.CharField(max_length=64, null=True)
    networks: fields.Field[list[str]] = fields.JSONField(encoder=encode_json, decoder=decode_json)
    budget: fields.Field[int | None] = fields.BigIntField(null=True)
    spent: fields.Field[int] = fields.BigIntField(default=0)
    held: fields.Field[int] = fields.BigIntField(default=0)
    tags: fields.Field[dict[str, str]] = fields.JSONField(encoder=encode_json, decoder=decode_json)
    created_at: fields.Field[int] = fields.BigIntField()

    class Meta(Model.Meta):
        """Table name."""

        table = "token"


class AccountRow(Model):
    """Cached sums: ``balance`` = sum of the entries, ``held`` = sum of the open reservations."""

    name = fields.CharField(max_length=64, primary_key=True)
    balance: fields.Field[int] = fields.BigIntField(default=0)
    held: fields.Field[int] = fields.BigIntField(default=0)

    class Meta(Model.Meta):
        """Table name."""

        table = "account"


class EntryRow(Model):
    """A line of the ledger, append-only by trigger."""

    id: fields.Field[int] = fields.BigIntField(primary_key=True)
    event = fields.CharField(max_length=255)
    account = fields.CharField(max_length=64)
    amount: fields.Field[int] = fields.BigIntField()
    kind = fields.CharField(max_length=16)
    at: fields.Field[int] = fields.BigIntField()
    revision = fields.CharField(max_length=64, null=True)
    detail = fields.TextField(null=True)

    class Meta(Model.Meta):
        """Table name, the key that makes a retry harmless, and the order of statements."""

        table = "entry"
        unique_together = (("event", "account"),)
        indexes: ClassVar = [Index(fields=("account", "at"))]


class ReservationRow(Model):
    """A hold: open, then settled, released or expired."""

    id = fields.CharField(max_length=128, primary_key=True)
    user_id: fields.Field[int] = fields.BigIntField()
    token_id: fields.Field[int] = fields.BigIntField()
    amount: fields.Field[int] = fields.BigIntField()
    state = fields.CharField(max_length=16)
    revision = fields.CharField(max_length=64)
    created_at: fields.Field[int] = fields.BigIntField()
    expires_at: fields.Field[int] = fields.BigIntField()
    charge: fields.Field[int | None] = fields.BigIntField(null=True)

    class Meta(Model.Meta):
        """Table name. The sweep's index is partial, which a model cannot say: see the migrations."""

        table = "reservation"


class RequestLogRow(Model):
    """One finished exchange, for people, trimmed by age."""

    id = fields.CharField(max_length=128, primary_key=True)
    at: fields.Field[int] = fields.BigIntField()
    revision = fields.CharField(max_length=64)
    dialect = fields.CharField(max_length=32)
    operation = fields.CharField(max_length=32)
    outcome = fields.CharField(max_length=64)
    status = fields.IntField()
    user_id: fields.Field[int | None] = fields.BigIntField(null=True)
    token_id: fields.Field[int | None] = fields.BigIntField(null=True)
    group = fields.CharField(max_length=64, null=True)
    model = fields.CharField(max_length=255, null=True)
    channel = fields.CharField(max_length=255, null=True)
    upstream_model = fields.CharField(max_length=255, null=True)
    upstream_id = fields.CharField(max_length=255, null=True)
    stream = fields.BooleanField()
    usage: fields.Field[dict[str, int]] = fields.JSONField(encoder=encode_json, decoder=decode_json)
    charge: fields.Field[int] = fields.BigIntField()
    quote: fields.Field[list[str]] = fields.JSONField(encoder=encode_json, decoder=decode_json)
    attempts: fields.Field[list[dict[str, object]]] = fields.JSONField(encoder=encode_json, decoder=decode_json)
    seconds = fields.FloatField()
    first_byte_seconds = fields.FloatField(null=True)
    address = fields.CharField(max_length=64, null=True)

    class Meta(Model.Meta):
        """Table name, and the two ways the log is read."""

        table = "request_log"
        indexes: ClassVar = [Index(fields=("user_id", "at")), Index(fields=("at",))]
