"""An answer that a vendor keeps is found again by its id: a small index, for only one dialect has such ids."""

from tortoise import migrations
from tortoise.migrations import operations as ops

KEPT = "CREATE INDEX request_log_kept ON request_log (user_id, upstream_id) WHERE dialect = 'openai_responses'"


async def index(apps, editor):
    """Lay the index: models cannot say that it is of some rows only."""
    await editor.client.execute_query(KEPT)


class Migration(migrations.Migration):
    dependencies = [("main", "0005_overrides_and_revisions")]

    initial = False

    operations = [ops.RunPython(index)]
