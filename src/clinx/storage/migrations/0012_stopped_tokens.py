"""Whether an operator stopped a token; those that were disabled before may be enabled by their owners."""

from tortoise import fields, migrations
from tortoise.migrations import operations as ops


class Migration(migrations.Migration):
    dependencies = [("main", "0011_audit_log")]

    initial = False

    operations = [
        ops.AddField(
            model_name="TokenRow",
            name="stopped",
            field=fields.BooleanField(default=False, db_default=False),
        ),
    ]
