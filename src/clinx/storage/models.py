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
    display_name = fields.CharField(max_length=64, default="", db_default="")
    email = fields.CharField(max_length=254, null=True)
    email_verified_at: fields.Field[int | None] = fields.BigIntField(null=True)
    language = fields.CharField(max_length=8, null=True)
    epoch: fields.Field[int] = fields.BigIntField(default=1, db_default=1)
    """Raised, it ends all sessions of before."""
    version: fields.Field[int] = fields.BigIntField(default=1, db_default=1)
    """Raised by every change."""
    low_balance_at: fields.Field[int | None] = fields.BigIntField(null=True)
    notify_webhook = fields.TextField(null=True)
    """Sealed."""
    notify_email = fields.BooleanField(default=True, db_default=True)

    class Meta(Model.Meta):
        """Table name. That verified addresses are unique is a partial index, which a model cannot say."""

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
    leased: fields.Field[int] = fields.BigIntField(default=0, db_default=0)
    tags: fields.Field[dict[str, str]] = fields.JSONField(encoder=encode_json, decoder=decode_json)
    created_at: fields.Field[int] = fields.BigIntField()
    version: fields.Field[int] = fields.BigIntField(default=1, db_default=1)
    """Raised by every change of its owner's."""
    stopped = fields.BooleanField(default=False, db_default=False)

    class Meta(Model.Meta):
        """Table name."""

        table = "token"


class AccountRow(Model):
    """Cached sums: of the entries, of the open reservations, of what is unspent of leases."""

    name = fields.CharField(max_length=64, primary_key=True)
    balance: fields.Field[int] = fields.BigIntField(default=0)
    held: fields.Field[int] = fields.BigIntField(default=0)
    leased: fields.Field[int] = fields.BigIntField(default=0, db_default=0)
    frozen_at: fields.Field[int | None] = fields.BigIntField(null=True)
    """Set by the audit: from then on nothing of it is leased."""

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
    node = fields.CharField(max_length=64, null=True)
    epoch: fields.Field[int] = fields.BigIntField(default=0, db_default=0)
    """The life of the process that holds it; a task's hold belongs to no process."""
    terms = fields.TextField(null=True)
    """Of a task's hold: its kind, and the price that was frozen with it, as JSON."""

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
    asked_model = fields.CharField(max_length=255, null=True)
    refused_by = fields.CharField(max_length=255, null=True)
    cost: fields.Field[int | None] = fields.BigIntField(null=True)

    class Meta(Model.Meta):
        """Table name, and the ways the log is read; what is of some rows only is in the migrations."""

        table = "request_log"
        indexes: ClassVar = [
            Index(fields=("user_id", "at")),
            Index(fields=("at",)),
            Index(fields=("token_id", "at")),
            Index(fields=("model", "at")),
            Index(fields=("channel", "at")),
            Index(fields=("group", "at")),
        ]


class NodeRow(Model):
    """A place where a process keeps its journal: one life of a process after another."""

    id = fields.CharField(max_length=64, primary_key=True)
    epoch: fields.Field[int] = fields.BigIntField()
    host = fields.CharField(max_length=255)
    started_at: fields.Field[int] = fields.BigIntField()
    seen_at: fields.Field[int] = fields.BigIntField()
    segment: fields.Field[int] = fields.BigIntField(default=0, db_default=0)
    position: fields.Field[int] = fields.BigIntField(default=0, db_default=0)
    """How far its journal is in the ledger: everything before this byte of this segment."""

    class Meta(Model.Meta):
        """Table name."""

        table = "node"


class LeaseRow(Model):
    """What one life of a process borrowed of one scope: three totals that only grow."""

    id: fields.Field[int] = fields.BigIntField(primary_key=True)
    scope = fields.CharField(max_length=64)
    node = fields.CharField(max_length=64)
    epoch: fields.Field[int] = fields.BigIntField()
    granted: fields.Field[int] = fields.BigIntField(default=0)
    returned: fields.Field[int] = fields.BigIntField(default=0)
    spent: fields.Field[int] = fields.BigIntField(default=0)
    at: fields.Field[int] = fields.BigIntField()

    class Meta(Model.Meta):
        """Table name, and its two keys."""

        table = "lease"
        unique_together = (("scope", "node", "epoch"),)
        indexes: ClassVar = [Index(fields=("node", "epoch"))]


class SpendRow(Model):
    """What was spent on a day (UTC), by user, token, model and group: written with the entries it sums."""

    id: fields.Field[int] = fields.BigIntField(primary_key=True)
    day = fields.IntField()
    """Days since 1970."""
    user_id: fields.Field[int] = fields.BigIntField()
    token_id: fields.Field[int] = fields.BigIntField()
    model = fields.CharField(max_length=255)
    group = fields.CharField(max_length=64)
    calls: fields.Field[int] = fields.BigIntField(default=0)
    charge: fields.Field[int] = fields.BigIntField(default=0)
    input_tokens: fields.Field[int] = fields.BigIntField(default=0)
    output_tokens: fields.Field[int] = fields.BigIntField(default=0)

    class Meta(Model.Meta):
        """Table name, and the key that sums are added under."""

        table = "spend"
        unique_together = (("user_id", "day", "token_id", "model", "group"),)
        indexes: ClassVar = [Index(fields=("day",))]


class CodeRow(Model):
    """A redemption code: the digest, never the code."""

    id: fields.Field[int] = fields.BigIntField(primary_key=True)
    digest = fields.CharField(max_length=64, unique=True)
    hint = fields.CharField(max_length=16)
    batch = fields.CharField(max_length=64)
    name = fields.CharField(max_length=64)
    amount: fields.Field[int] = fields.BigIntField()
    state = fields.CharField(max_length=16)
    created_by = fields.CharField(max_length=64)
    created_at: fields.Field[int] = fields.BigIntField()
    expires_at: fields.Field[int | None] = fields.BigIntField(null=True)
    redeemed_at: fields.Field[int | None] = fields.BigIntField(null=True)
    redeemed_by: fields.Field[int | None] = fields.BigIntField(null=True)

    class Meta(Model.Meta):
        """Table name, and how batches are listed."""

        table = "code"
        indexes: ClassVar = [Index(fields=("batch",))]


class InvitationRow(Model):
    """A user's own invitation code, and who invited them."""

    user_id: fields.Field[int] = fields.BigIntField(primary_key=True, generated=False)
    code = fields.CharField(max_length=32, unique=True)
    inviter_id: fields.Field[int | None] = fields.BigIntField(null=True)
    rewarded_at: fields.Field[int | None] = fields.BigIntField(null=True)

    class Meta(Model.Meta):
        """Table name, and how the invited are counted."""

        table = "invitation"
        indexes: ClassVar = [Index(fields=("inviter_id",))]


class OrderRow(Model):
    """A top-up that is to be paid through a payment provider."""

    id = fields.CharField(max_length=64, primary_key=True)
    user_id: fields.Field[int] = fields.BigIntField()
    provider = fields.CharField(max_length=32)
    method = fields.CharField(max_length=32)
    amount: fields.Field[int] = fields.BigIntField()
    """What the balance gains, in nano-units."""
    price: fields.Field[int] = fields.BigIntField()
    """What is to be paid, in hundredths (or the smallest unit) of `currency`."""
    currency = fields.CharField(max_length=8)
    state = fields.CharField(max_length=16)
    reference = fields.CharField(max_length=255, null=True)
    """The provider's own id of it."""
    created_at: fields.Field[int] = fields.BigIntField()
    expires_at: fields.Field[int] = fields.BigIntField()
    settled_at: fields.Field[int | None] = fields.BigIntField(null=True)
    asked_at: fields.Field[int | None] = fields.BigIntField(null=True)
    """When the provider was last asked about it."""

    class Meta(Model.Meta):
        """Table name, and the ways it is read."""

        table = "topup_order"
        unique_together = (("provider", "reference"),)
        indexes: ClassVar = [Index(fields=("user_id", "created_at")), Index(fields=("state", "created_at"))]


class PaymentEventRow(Model):
    """What a payment provider, or somebody in its name, told us, and what came of it."""

    id: fields.Field[int] = fields.BigIntField(primary_key=True)
    provider = fields.CharField(max_length=32)
    event = fields.CharField(max_length=255)
    """The provider's id of the event, or a digest of what was said: nothing counts twice."""
    order = fields.CharField(max_length=64, null=True)
    outcome = fields.CharField(max_length=32)
    address = fields.CharField(max_length=64, null=True)
    at: fields.Field[int] = fields.BigIntField()
    detail = fields.TextField(null=True)

    class Meta(Model.Meta):
        """Table name, and how an order's history is read."""

        table = "payment_event"
        indexes: ClassVar = [Index(fields=("provider", "event")), Index(fields=("order",))]


class AnnouncementRow(Model):
    """What one process tells all others: kept for minutes."""

    id: fields.Field[int] = fields.BigIntField(primary_key=True)
    topic = fields.CharField(max_length=32)
    subject = fields.CharField(max_length=128)
    at: fields.Field[int] = fields.BigIntField()

    class Meta(Model.Meta):
        """Table name, and how old ones are found."""

        table = "announcement"
        indexes: ClassVar = [Index(fields=("at",))]
