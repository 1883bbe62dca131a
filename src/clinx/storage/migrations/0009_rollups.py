"""What exchanges add up to, and the ways in which the console looks for them in the request log."""

from tortoise import fields, migrations
from tortoise.indexes import Index
from tortoise.migrations import operations as ops

LOOKED_FOR = (
    "CREATE INDEX request_log_failed ON request_log (at) WHERE outcome <> 'ok'",
    "CREATE INDEX request_log_outcome ON request_log (outcome, at) WHERE outcome <> 'ok'",
    "CREATE INDEX request_log_upstream ON request_log (upstream_id) WHERE upstream_id IS NOT NULL",
)
RESOLVED = "CREATE INDEX reservation_over ON reservation (created_at) WHERE state <> 'open' AND terms IS NULL"
"""How holds are found that nobody needs any more."""
ROOM = "ALTER TABLE rollup SET (fillfactor = 70)"
"""The newest rows are written again and again: in place, where there is room beside them."""


async def index(apps, editor):
    """Lay the indexes that are of some rows only, which models cannot say."""
    for statement in (*LOOKED_FOR, RESOLVED):
        await editor.client.execute_query(statement)
    if editor.client.capabilities.dialect == "postgres":
        await editor.client.execute_query(ROOM)


class Migration(migrations.Migration):
    dependencies = [("main", "0008_console_accounts")]

    initial = False

    operations = [
        ops.CreateModel(
            name="CountedRow",
            fields=[
                ("id", fields.CharField(primary_key=True, unique=True, db_index=True, max_length=128)),
                ("at", fields.BigIntField()),
            ],
            options={
                "table": "counted",
                "app": "main",
                "indexes": [Index(fields=["at"])],
                "pk_attr": "id",
                "table_description": (
                    "An exchange without a charge that counts already: nothing else in the ledger says so."
                ),
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="RollupFactRow",
            fields=[
                ("id", fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ("facts", fields.TextField(unique=False)),
            ],
            options={
                "table": "rollup_fact",
                "app": "main",
                "pk_attr": "id",
                "table_description": "What one batch of the ledger adds to the rollups, until it is in them.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="RollupRow",
            fields=[
                ("id", fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ("grain", fields.CharField(max_length=8)),
                ("start", fields.BigIntField()),
                ("user_id", fields.BigIntField()),
                ("facet", fields.CharField(max_length=8)),
                ("name", fields.CharField(max_length=255)),
                ("requests", fields.BigIntField(default=0, db_default=0)),
                ("failures", fields.BigIntField(default=0, db_default=0)),
                ("input_tokens", fields.BigIntField(default=0, db_default=0)),
                ("output_tokens", fields.BigIntField(default=0, db_default=0)),
                ("cached_tokens", fields.BigIntField(default=0, db_default=0)),
                ("charge", fields.BigIntField(default=0, db_default=0)),
                ("millis", fields.BigIntField(default=0, db_default=0)),
                ("first_bytes", fields.BigIntField(default=0, db_default=0)),
                ("first_byte_millis", fields.BigIntField(default=0, db_default=0)),
                ("latency_0", fields.BigIntField(default=0, db_default=0)),
                ("latency_1", fields.BigIntField(default=0, db_default=0)),
                ("latency_2", fields.BigIntField(default=0, db_default=0)),
                ("latency_3", fields.BigIntField(default=0, db_default=0)),
                ("latency_4", fields.BigIntField(default=0, db_default=0)),
                ("latency_5", fields.BigIntField(default=0, db_default=0)),
                ("latency_6", fields.BigIntField(default=0, db_default=0)),
                ("latency_7", fields.BigIntField(default=0, db_default=0)),
                ("latency_8", fields.BigIntField(default=0, db_default=0)),
                ("latency_9", fields.BigIntField(default=0, db_default=0)),
                ("latency_10", fields.BigIntField(default=0, db_default=0)),
                ("latency_11", fields.BigIntField(default=0, db_default=0)),
                ("latency_12", fields.BigIntField(default=0, db_default=0)),
                ("latency_13", fields.BigIntField(default=0, db_default=0)),
            ],
            options={
                "table": "rollup",
                "app": "main",
                "unique_together": (("user_id", "facet", "grain", "start", "name"),),
                "indexes": [Index(fields=["grain", "start"])],
                "pk_attr": "id",
                "table_description": "What exchanges add up to in a span of time, for everybody or one user.",
            },
            bases=["Model"],
        ),
        *(
            ops.AddIndex(model_name="RequestLogRow", index=Index(fields=[column, "at"]))
            for column in ("token_id", "model", "channel", "group")
        ),
        ops.RunPython(index),
    ]
