"""The tables of the console: credentials, usage by time, notices, who changed what. As private as `models`."""

from __future__ import annotations

from typing import ClassVar

from tortoise import fields
from tortoise.indexes import Index
from tortoise.models import Model


class PasswordRow(Model):
    """A user's password, hashed."""

    user_id: fields.Field[int] = fields.BigIntField(primary_key=True, generated=False)
    hash = fields.CharField(max_length=255)
    changed_at: fields.Field[int] = fields.BigIntField()

    class Meta(Model.Meta):
        """Table name."""

        table = "password"


class SessionRow(Model):
    """A signed-in visit: the digest of its secret, never the secret."""

    id: fields.Field[int] = fields.BigIntField(primary_key=True)
    digest = fields.CharField(max_length=64, unique=True)
    user_id: fields.Field[int] = fields.BigIntField()
    epoch: fields.Field[int] = fields.BigIntField()
    method = fields.CharField(max_length=64)
    address = fields.CharField(max_length=64, null=True)
    agent = fields.CharField(max_length=255)
    created_at: fields.Field[int] = fields.BigIntField()
    seen_at: fields.Field[int] = fields.BigIntField()
    expires_at: fields.Field[int] = fields.BigIntField()
    stepped_up_at: fields.Field[int] = fields.BigIntField()

    class Meta(Model.Meta):
        """Table name, how a user's are listed, and how old ones are found."""

        table = "session"
        indexes: ClassVar = [Index(fields=("user_id",)), Index(fields=("expires_at",))]


class IdentityRow(Model):
    """An account at another service that belongs to a user."""

    id: fields.Field[int] = fields.BigIntField(primary_key=True)
    user_id: fields.Field[int] = fields.BigIntField()
    provider = fields.CharField(max_length=64)
    subject = fields.CharField(max_length=255)
    shown = fields.CharField(max_length=255)
    created_at: fields.Field[int] = fields.BigIntField()

    class Meta(Model.Meta):
        """Table name, its key, and how a user's are listed."""

        table = "identity"
        unique_together = (("provider", "subject"),)
        indexes: ClassVar = [Index(fields=("user_id",))]


class SecondFactorRow(Model):
    """A second factor: its secret sealed (totp), a public key (passkey) or a digest (backup)."""

    id: fields.Field[int] = fields.BigIntField(primary_key=True)
    user_id: fields.Field[int] = fields.BigIntField()
    kind = fields.CharField(max_length=16)
    name = fields.CharField(max_length=64)
    public_id = fields.CharField(max_length=512, null=True, unique=True)
    secret = fields.TextField()
    counter: fields.Field[int] = fields.BigIntField(default=0, db_default=0)
    """The last step of a code that was used, or a passkey's count of signatures."""
    confirmed_at: fields.Field[int | None] = fields.BigIntField(null=True)
    created_at: fields.Field[int] = fields.BigIntField()
    used_at: fields.Field[int | None] = fields.BigIntField(null=True)

    class Meta(Model.Meta):
        """Table name, and how a user's are found."""

        table = "second_factor"
        indexes: ClassVar = [Index(fields=("user_id",))]


class ChallengeRow(Model):
    """A one-time secret: its digest, and what it is for."""

    id: fields.Field[int] = fields.BigIntField(primary_key=True)
    kind = fields.CharField(max_length=32)
    digest = fields.CharField(max_length=64, unique=True)
    code = fields.CharField(max_length=64, null=True)
    """The digest of six digits that do the same, for a few tries."""
    user_id: fields.Field[int | None] = fields.BigIntField(null=True)
    subject = fields.CharField(max_length=255)
    data = fields.TextField()
    tries = fields.IntField(default=0, db_default=0)
    created_at: fields.Field[int] = fields.BigIntField()
    expires_at: fields.Field[int] = fields.BigIntField()
    used_at: fields.Field[int | None] = fields.BigIntField(null=True)

    class Meta(Model.Meta):
        """Table name, how codes are found, and how old ones are."""

        table = "challenge"
        indexes: ClassVar = [Index(fields=("kind", "subject")), Index(fields=("expires_at",))]


class AccessKeyRow(Model):
    """A credential of a program that uses the console: the digest, never the secret."""

    id: fields.Field[int] = fields.BigIntField(primary_key=True)
    user_id: fields.Field[int] = fields.BigIntField()
    name = fields.CharField(max_length=64)
    digest = fields.CharField(max_length=64, unique=True)
    hint = fields.CharField(max_length=16)
    permissions = fields.TextField()
    """A JSON list."""
    expires_at: fields.Field[int | None] = fields.BigIntField(null=True)
    created_at: fields.Field[int] = fields.BigIntField()
    used_at: fields.Field[int | None] = fields.BigIntField(null=True)
    revoked_at: fields.Field[int | None] = fields.BigIntField(null=True)

    class Meta(Model.Meta):
        """Table name, and how a user's are listed."""

        table = "access_key"
        indexes: ClassVar = [Index(fields=("user_id",))]


class IdempotencyRow(Model):
    """What a request with a key of its own came to, so that its repetition comes to the same."""

    id: fields.Field[int] = fields.BigIntField(primary_key=True)
    user_id: fields.Field[int] = fields.BigIntField()
    key = fields.CharField(max_length=128)
    operation = fields.CharField(max_length=64)
    digest = fields.CharField(max_length=64)
    """Of the input."""
    result = fields.TextField(null=True)
    """Sealed. Null while it is being worked on."""
    at: fields.Field[int] = fields.BigIntField()

    class Meta(Model.Meta):
        """Table name, its key, and how old ones are found."""

        table = "idempotency"
        unique_together = (("user_id", "key"),)
        indexes: ClassVar = [Index(fields=("at",))]


class RollupRow(Model):
    """What exchanges add up to in a span of time, for everybody or one user."""

    id: fields.Field[int] = fields.BigIntField(primary_key=True)
    grain = fields.CharField(max_length=8)
    start: fields.Field[int] = fields.BigIntField()
    user_id: fields.Field[int] = fields.BigIntField()
    """Whose sums they are; 0 is everybody."""
    facet = fields.CharField(max_length=8)
    name = fields.CharField(max_length=255)
    requests: fields.Field[int] = fields.BigIntField(default=0, db_default=0)
    failures: fields.Field[int] = fields.BigIntField(default=0, db_default=0)
    input_tokens: fields.Field[int] = fields.BigIntField(default=0, db_default=0)
    output_tokens: fields.Field[int] = fields.BigIntField(default=0, db_default=0)
    cached_tokens: fields.Field[int] = fields.BigIntField(default=0, db_default=0)
    charge: fields.Field[int] = fields.BigIntField(default=0, db_default=0)
    millis: fields.Field[int] = fields.BigIntField(default=0, db_default=0)
    first_bytes: fields.Field[int] = fields.BigIntField(default=0, db_default=0)
    first_byte_millis: fields.Field[int] = fields.BigIntField(default=0, db_default=0)
    cost: fields.Field[int] = fields.BigIntField(default=0, db_default=0)
    costed_charge: fields.Field[int] = fields.BigIntField(default=0, db_default=0)
    costed_requests: fields.Field[int] = fields.BigIntField(default=0, db_default=0)
    latency_0: fields.Field[int] = fields.BigIntField(default=0, db_default=0)
    latency_1: fields.Field[int] = fields.BigIntField(default=0, db_default=0)
    latency_2: fields.Field[int] = fields.BigIntField(default=0, db_default=0)
    latency_3: fields.Field[int] = fields.BigIntField(default=0, db_default=0)
    latency_4: fields.Field[int] = fields.BigIntField(default=0, db_default=0)
    latency_5: fields.Field[int] = fields.BigIntField(default=0, db_default=0)
    latency_6: fields.Field[int] = fields.BigIntField(default=0, db_default=0)
    latency_7: fields.Field[int] = fields.BigIntField(default=0, db_default=0)
    latency_8: fields.Field[int] = fields.BigIntField(default=0, db_default=0)
    latency_9: fields.Field[int] = fields.BigIntField(default=0, db_default=0)
    latency_10: fields.Field[int] = fields.BigIntField(default=0, db_default=0)
    latency_11: fields.Field[int] = fields.BigIntField(default=0, db_default=0)
    latency_12: fields.Field[int] = fields.BigIntField(default=0, db_default=0)
    latency_13: fields.Field[int] = fields.BigIntField(default=0, db_default=0)

    class Meta(Model.Meta):
        """Table name, the key that sums are added under, and how old ones are found."""

        table = "rollup"
        unique_together = (("user_id", "facet", "grain", "start", "name"),)
        indexes: ClassVar = [Index(fields=("grain", "start"))]


class RollupFactRow(Model):
    """What one batch of the ledger adds to the rollups, until it is in them."""

    id: fields.Field[int] = fields.BigIntField(primary_key=True)
    facts = fields.TextField()

    class Meta(Model.Meta):
        """Table name."""

        table = "rollup_fact"


class CountedRow(Model):
    """An exchange without a charge that counts already: nothing else in the ledger says so."""

    id = fields.CharField(max_length=128, primary_key=True)
    at: fields.Field[int] = fields.BigIntField()

    class Meta(Model.Meta):
        """Table name, and how old ones are found."""

        table = "counted"
        indexes: ClassVar = [Index(fields=("at",))]


class NoticeRow(Model):
    """When somebody was last told of something."""

    id: fields.Field[int] = fields.BigIntField(primary_key=True)
    receiver = fields.CharField(max_length=320)
    kind = fields.CharField(max_length=32)
    subject = fields.CharField(max_length=255)
    at: fields.Field[int] = fields.BigIntField()

    class Meta(Model.Meta):
        """Table name, the key that makes a second notice impossible, and how old ones are found."""

        table = "notice"
        unique_together = (("receiver", "kind", "subject"),)
        indexes: ClassVar = [Index(fields=("kind", "at"))]


class AuditLogRow(Model):
    """One mutation of the console, whatever came of it."""

    id: fields.Field[int] = fields.BigIntField(primary_key=True)
    at: fields.Field[int] = fields.BigIntField()
    request_id = fields.CharField(max_length=64)
    actor = fields.CharField(max_length=128)
    user_id: fields.Field[int | None] = fields.BigIntField(null=True)
    address = fields.CharField(max_length=64, null=True)
    operation = fields.CharField(max_length=64)
    input = fields.TextField()
    """JSON."""
    outcome = fields.CharField(max_length=128)
    before_json = fields.TextField(null=True)
    after_json = fields.TextField(null=True)

    class Meta(Model.Meta):
        """Table name, and how entries are looked for."""

        table = "audit_log"
        indexes: ClassVar = [
            Index(fields=("at",)),
            Index(fields=("actor", "id")),
            Index(fields=("user_id", "id")),
            Index(fields=("operation", "id")),
        ]


class AdjustmentRow(Model):
    """An adjustment of a balance that waits for a second person, and what became of it."""

    id: fields.Field[int] = fields.BigIntField(primary_key=True)
    user_id: fields.Field[int] = fields.BigIntField()
    amount: fields.Field[int] = fields.BigIntField()
    reason = fields.TextField()
    proposer_id: fields.Field[int] = fields.BigIntField()
    actor = fields.CharField(max_length=128)
    key = fields.CharField(max_length=128)
    at: fields.Field[int] = fields.BigIntField()
    expires_at: fields.Field[int] = fields.BigIntField()
    state = fields.CharField(max_length=16)
    decided_by: fields.Field[int | None] = fields.BigIntField(null=True)
    decided_at: fields.Field[int | None] = fields.BigIntField(null=True)

    class Meta(Model.Meta):
        """Table name, the key that makes a retry harmless, and how proposals are looked for."""

        table = "adjustment"
        unique_together = (("proposer_id", "key"),)
        indexes: ClassVar = [Index(fields=("state", "id")), Index(fields=("user_id", "id"))]
