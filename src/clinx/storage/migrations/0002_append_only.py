"""What models cannot say: the ledger is append-only, open holds are found by expiry, the house has its accounts."""

from tortoise import migrations
from tortoise.migrations import operations as ops

SQLITE = """
CREATE TRIGGER entry_no_update BEFORE UPDATE ON entry BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER entry_no_delete BEFORE DELETE ON entry BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
"""
POSTGRES = """
CREATE FUNCTION entry_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'the ledger is append-only' USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER entry_no_update BEFORE UPDATE OR DELETE ON entry FOR EACH ROW EXECUTE FUNCTION entry_append_only();
CREATE TRIGGER entry_no_truncate BEFORE TRUNCATE ON entry FOR EACH STATEMENT EXECUTE FUNCTION entry_append_only();
"""
ACCOUNTS = "INSERT INTO account (name, balance, held) VALUES ('revenue', 0, 0), ('promo', 0, 0), ('adjust', 0, 0)"
# Only open holds are ever looked for, and they are few: every other row would cost an entry, and its removal, for nothing.
OPEN_HOLDS = "CREATE INDEX reservation_open ON reservation (expires_at) WHERE state = 'open'"


async def forward(apps, editor):
    client = editor.client
    await client.execute_query(OPEN_HOLDS)
    await client.execute_query(ACCOUNTS)
    if client.capabilities.dialect == "sqlite":
        for trigger in SQLITE.strip().splitlines():
            await client.execute_query(trigger)  # Not execute_script: on SQLite that commits the running transaction.
    else:
        await client.execute_script(POSTGRES)


class Migration(migrations.Migration):
    dependencies = [("main", "0001_initial")]

    operations = [ops.RunPython(forward)]
