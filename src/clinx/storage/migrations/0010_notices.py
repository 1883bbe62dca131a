"""Who was told of what, and where those are found who want to be told that little is left."""

from tortoise import fields, migrations
from tortoise.indexes import Index
from tortoise.migrations import operations as ops

WATCHED = 'CREATE INDEX user_low_balance ON "user" (id) WHERE low_balance_at IS NOT NULL'


async def index(apps, editor):
    """Lay the index: models cannot say that it is of some rows only."""
    await editor.client.execute_query(WATCHED)


class Migration(migrations.Migration):
    dependencies = [("main", "0009_rollups")]

    initial = False

    operations = [
        ops.CreateModel(
            name="NoticeRow",
            fields=[
                ("id", fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ("receiver", fields.CharField(max_length=320)),
                ("kind", fields.CharField(max_length=32)),
                ("subject", fields.CharField(max_length=255)),
                ("at", fields.BigIntField()),
            ],
            options={
                "table": "notice",
                "app": "main",
                "unique_together": (("receiver", "kind", "subject"),),
                "indexes": [Index(fields=["kind", "at"])],
                "pk_attr": "id",
                "table_description": "When somebody was last told of something.",
            },
            bases=["Model"],
        ),
        ops.RunPython(index),
    ]
