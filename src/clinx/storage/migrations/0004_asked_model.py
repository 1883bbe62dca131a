"""What a caller asked for, where a rule or a mapping made another model of it; rows of before say nothing."""

from tortoise import fields, migrations
from tortoise.migrations import operations as ops


class Migration(migrations.Migration):
    dependencies = [("main", "0003_leases_and_money")]

    initial = False

    operations = [
        ops.AddField(
            model_name="RequestLogRow",
            name="asked_model",
            field=fields.CharField(null=True, max_length=255),
        ),
    ]
