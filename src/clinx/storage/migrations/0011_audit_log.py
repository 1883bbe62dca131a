"""Who changed what in the console."""

from tortoise import fields, migrations
from tortoise.indexes import Index
from tortoise.migrations import operations as ops


class Migration(migrations.Migration):
    dependencies = [("main", "0010_notices")]

    initial = False

    operations = [
        ops.CreateModel(
            name="AuditLogRow",
            fields=[
                ("id", fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ("at", fields.BigIntField()),
                ("request_id", fields.CharField(max_length=64)),
                ("actor", fields.CharField(max_length=128)),
                ("user_id", fields.BigIntField(null=True)),
                ("address", fields.CharField(null=True, max_length=64)),
                ("operation", fields.CharField(max_length=64)),
                ("input", fields.TextField(unique=False)),
                ("outcome", fields.CharField(max_length=128)),
                ("before_json", fields.TextField(null=True, unique=False)),
                ("after_json", fields.TextField(null=True, unique=False)),
            ],
            options={
                "table": "audit_log",
                "app": "main",
                "indexes": [
                    Index(fields=["at"]),
                    Index(fields=["actor", "id"]),
                    Index(fields=["user_id", "id"]),
                    Index(fields=["operation", "id"]),
                ],
                "pk_attr": "id",
                "table_description": "One mutation of the console, whatever came of it.",
            },
            bases=["Model"],
        ),
    ]
