"""Overrides of channels, rejected revisions, and what each process serves."""

from tortoise import fields, migrations
from tortoise.indexes import Index
from tortoise.migrations import operations as ops


class Migration(migrations.Migration):
    dependencies = [("main", "0004_asked_model")]

    initial = False

    operations = [
        ops.CreateModel(
            name="OverrideRow",
            fields=[
                ("id", fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ("channel", fields.CharField(max_length=128)),
                ("aspect", fields.CharField(max_length=16)),
                ("value", fields.BigIntField()),
                ("reason", fields.CharField(max_length=500)),
                ("actor", fields.CharField(max_length=64)),
                ("at", fields.BigIntField()),
                ("until", fields.BigIntField()),
                ("dropped_at", fields.BigIntField(null=True)),
                ("dropped_by", fields.CharField(null=True, max_length=64)),
            ],
            options={
                "table": "channel_override",
                "app": "main",
                "indexes": [Index(fields=["until"])],
                "pk_attr": "id",
                "table_description": "What an operator says of a channel for a while.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="RejectionRow",
            fields=[
                ("id", fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ("revision", fields.CharField(max_length=64)),
                ("instead", fields.CharField(max_length=64)),
                ("reason", fields.CharField(max_length=500)),
                ("actor", fields.CharField(max_length=64)),
                ("at", fields.BigIntField()),
                ("lifted_at", fields.BigIntField(null=True)),
                ("lifted_by", fields.CharField(null=True, max_length=64)),
            ],
            options={
                "table": "rejection",
                "app": "main",
                "indexes": [Index(fields=["revision"])],
                "pk_attr": "id",
                "table_description": "A revision that is not to be served, and which is instead.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="ServedRow",
            fields=[
                ("node", fields.CharField(primary_key=True, unique=True, db_index=True, max_length=64)),
                ("host", fields.CharField(max_length=255)),
                ("url", fields.CharField(max_length=255)),
                ("revision", fields.CharField(max_length=64)),
                ("commit_id", fields.CharField(null=True, max_length=64)),
                ("since", fields.BigIntField()),
                ("ok", fields.IntField()),
                ("tree", fields.CharField(null=True, max_length=64)),
                ("diagnostics", fields.TextField(unique=False)),
                ("error", fields.TextField(null=True, unique=False)),
                ("seen_at", fields.BigIntField()),
                ("trial", fields.TextField(null=True, unique=False)),
                ("answered", fields.CharField(null=True, max_length=64)),
            ],
            options={
                "table": "served_revision",
                "app": "main",
                "pk_attr": "node",
                "table_description": (
                    "What a process says of itself: the revision it serves, and how its last look at the tree ended."
                ),
            },
            bases=["Model"],
        ),
    ]
