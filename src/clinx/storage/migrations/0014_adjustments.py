"""Adjustments of balances that wait for a second person."""

from tortoise import fields, migrations
from tortoise.indexes import Index
from tortoise.migrations import operations as ops


class Migration(migrations.Migration):
    dependencies = [("main", "0013_cost")]

    initial = False

    operations = [
        ops.CreateModel(
            name="AdjustmentRow",
            fields=[
                ("id", fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ("user_id", fields.BigIntField()),
                ("amount", fields.BigIntField()),
                ("reason", fields.TextField(unique=False)),
                ("proposer_id", fields.BigIntField()),
                ("actor", fields.CharField(max_length=128)),
                ("key", fields.CharField(max_length=128)),
                ("at", fields.BigIntField()),
                ("expires_at", fields.BigIntField()),
                ("state", fields.CharField(max_length=16)),
                ("decided_by", fields.BigIntField(null=True)),
                ("decided_at", fields.BigIntField(null=True)),
            ],
            options={
                "table": "adjustment",
                "app": "main",
                "unique_together": (("proposer_id", "key"),),
                "indexes": [
                    Index(fields=["state", "id"]),
                    Index(fields=["user_id", "id"]),
                ],
                "pk_attr": "id",
                "table_description": "An adjustment of a balance that waits for a second person, and what became of it.",
            },
            bases=["Model"],
        ),
    ]
