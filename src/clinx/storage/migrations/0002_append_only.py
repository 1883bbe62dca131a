"""The ledger is append-only: triggers refuse UPDATE and DELETE. The house's own accounts exist from the start."""

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


async def forward(apps, editor):
    client = editor.client
    await client.execute_query(ACCOUNTS)
    for statement in SQLITE.strip().splitlines() if client.capabilities.dialect == "sqlite" else [POSTGRES]:
        # execute_script would commit the running transaction on SQLite.
        await (client.execute_query(statement) if statement is not POSTGRES else client.execute_script(statement))


async def backward(apps, editor):
    client = editor.client
    if client.capabilities.dialect == "sqlite":
        await client.execute_query("DROP TRIGGER entry_no_update")
        await client.execute_query("DROP TRIGGER entry_no_delete")
    else:
        await client.execute_script("DROP FUNCTION entry_append_only CASCADE")
    await client.execute_query("DELETE FROM account WHERE name IN ('revenue', 'promo', 'adjust')")


class Migration(migrations.Migration):
    dependencies = [("main", "0001_initial")]

    operations = [ops.RunPython(forward, backward)]
