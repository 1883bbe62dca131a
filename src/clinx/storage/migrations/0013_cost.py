"""What calls cost us, and what those add up to of which that is known; rows of before say nothing."""

from tortoise import fields, migrations
from tortoise.migrations import operations as ops

SUMS = ("cost", "costed_charge", "costed_requests")


class Migration(migrations.Migration):
    dependencies = [("main", "0012_stopped_tokens")]

    initial = False

    operations = [
        ops.AddField(model_name="RequestLogRow", name="cost", field=fields.BigIntField(null=True)),
        *(
            ops.AddField(model_name="RollupRow", name=name, field=fields.BigIntField(default=0, db_default=0))
            for name in SUMS
        ),
    ]
