"""The rule that refused a call; rows of before say nothing."""

from tortoise import fields, migrations
from tortoise.migrations import operations as ops


class Migration(migrations.Migration):
    dependencies = [("main", "0006_kept_answers")]

    initial = False

    operations = [
        ops.AddField(
            model_name="RequestLogRow",
            name="refused_by",
            field=fields.CharField(null=True, max_length=255),
        ),
    ]
