"""What moved money besides charges, by time: a page of it, among however many charges there are."""

from tortoise import migrations
from tortoise.migrations import operations as ops

MOVES = "CREATE INDEX entry_moves ON entry (at, id) WHERE kind <> 'charge'"


async def index(apps, editor):
    """Lay the index: models cannot say that it is of some rows only."""
    await editor.client.execute_query(MOVES)


class Migration(migrations.Migration):
    dependencies = [("main", "0014_adjustments")]

    initial = False

    operations = [ops.RunPython(index)]
