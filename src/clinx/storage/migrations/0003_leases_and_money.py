from tortoise import migrations
from tortoise.migrations import operations as ops
from tortoise import fields
from tortoise.indexes import Index

NOTIFY = """
CREATE FUNCTION announcement_notify() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_notify('clinx', json_build_array(TG_TABLE_SCHEMA, NEW.id, NEW.topic, NEW.subject)::text);
  RETURN NULL;
END $$;
CREATE TRIGGER announcement_notify AFTER INSERT ON announcement FOR EACH ROW EXECUTE FUNCTION announcement_notify();
"""


async def notify(apps, editor):
    """Wake the listeners of all processes; SQLite's look for themselves whether anything was written."""
    if editor.client.capabilities.dialect == "postgres":
        await editor.client.execute_script(NOTIFY)


class Migration(migrations.Migration):
    dependencies = [('main', '0002_append_only')]

    initial = False

    operations = [
        ops.CreateModel(
            name='AnnouncementRow',
            fields=[
                ('id', fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ('topic', fields.CharField(max_length=32)),
                ('subject', fields.CharField(max_length=128)),
                ('at', fields.BigIntField()),
            ],
            options={'table': 'announcement', 'app': 'main', 'indexes': [Index(fields=['at'])], 'pk_attr': 'id', 'table_description': 'What one process tells all others: kept for minutes.'},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='CodeRow',
            fields=[
                ('id', fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ('digest', fields.CharField(unique=True, max_length=64)),
                ('hint', fields.CharField(max_length=16)),
                ('batch', fields.CharField(max_length=64)),
                ('name', fields.CharField(max_length=64)),
                ('amount', fields.BigIntField()),
                ('state', fields.CharField(max_length=16)),
                ('created_by', fields.CharField(max_length=64)),
                ('created_at', fields.BigIntField()),
                ('expires_at', fields.BigIntField(null=True)),
                ('redeemed_at', fields.BigIntField(null=True)),
                ('redeemed_by', fields.BigIntField(null=True)),
            ],
            options={'table': 'code', 'app': 'main', 'indexes': [Index(fields=['batch'])], 'pk_attr': 'id', 'table_description': 'A redemption code: the digest, never the code.'},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='InvitationRow',
            fields=[
                ('user_id', fields.BigIntField(generated=False, primary_key=True, unique=True, db_index=True)),
                ('code', fields.CharField(unique=True, max_length=32)),
                ('inviter_id', fields.BigIntField(null=True)),
                ('rewarded_at', fields.BigIntField(null=True)),
            ],
            options={'table': 'invitation', 'app': 'main', 'indexes': [Index(fields=['inviter_id'])], 'pk_attr': 'user_id', 'table_description': "A user's own invitation code, and who invited them."},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='LeaseRow',
            fields=[
                ('id', fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ('scope', fields.CharField(max_length=64)),
                ('node', fields.CharField(max_length=64)),
                ('epoch', fields.BigIntField()),
                ('granted', fields.BigIntField(default=0)),
                ('returned', fields.BigIntField(default=0)),
                ('spent', fields.BigIntField(default=0)),
                ('at', fields.BigIntField()),
            ],
            options={'table': 'lease', 'app': 'main', 'unique_together': (('scope', 'node', 'epoch'),), 'indexes': [Index(fields=['node', 'epoch'])], 'pk_attr': 'id', 'table_description': 'What one life of a process borrowed of one scope: three totals that only grow.'},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='NodeRow',
            fields=[
                ('id', fields.CharField(primary_key=True, unique=True, db_index=True, max_length=64)),
                ('epoch', fields.BigIntField()),
                ('host', fields.CharField(max_length=255)),
                ('started_at', fields.BigIntField()),
                ('seen_at', fields.BigIntField()),
                ('segment', fields.BigIntField(default=0, db_default=0)),
                ('position', fields.BigIntField(default=0, db_default=0)),
            ],
            options={'table': 'node', 'app': 'main', 'pk_attr': 'id', 'table_description': 'A place where a process keeps its journal: one life of a process after another.'},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='OrderRow',
            fields=[
                ('id', fields.CharField(primary_key=True, unique=True, db_index=True, max_length=64)),
                ('user_id', fields.BigIntField()),
                ('provider', fields.CharField(max_length=32)),
                ('method', fields.CharField(max_length=32)),
                ('amount', fields.BigIntField()),
                ('price', fields.BigIntField()),
                ('currency', fields.CharField(max_length=8)),
                ('state', fields.CharField(max_length=16)),
                ('reference', fields.CharField(null=True, max_length=255)),
                ('created_at', fields.BigIntField()),
                ('expires_at', fields.BigIntField()),
                ('settled_at', fields.BigIntField(null=True)),
                ('asked_at', fields.BigIntField(null=True)),
            ],
            options={'table': 'topup_order', 'app': 'main', 'unique_together': (('provider', 'reference'),), 'indexes': [Index(fields=['user_id', 'created_at']), Index(fields=['state', 'created_at'])], 'pk_attr': 'id', 'table_description': 'A top-up that is to be paid through a payment provider.'},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='PaymentEventRow',
            fields=[
                ('id', fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ('provider', fields.CharField(max_length=32)),
                ('event', fields.CharField(max_length=255)),
                ('order', fields.CharField(null=True, max_length=64)),
                ('outcome', fields.CharField(max_length=32)),
                ('address', fields.CharField(null=True, max_length=64)),
                ('at', fields.BigIntField()),
                ('detail', fields.TextField(null=True, unique=False)),
            ],
            options={'table': 'payment_event', 'app': 'main', 'indexes': [Index(fields=['provider', 'event']), Index(fields=['order'])], 'pk_attr': 'id', 'table_description': 'What a payment provider, or somebody in its name, told us, and what came of it.'},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='SpendRow',
            fields=[
                ('id', fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ('day', fields.IntField()),
                ('user_id', fields.BigIntField()),
                ('token_id', fields.BigIntField()),
                ('model', fields.CharField(max_length=255)),
                ('group', fields.CharField(max_length=64)),
                ('calls', fields.BigIntField(default=0)),
                ('charge', fields.BigIntField(default=0)),
                ('input_tokens', fields.BigIntField(default=0)),
                ('output_tokens', fields.BigIntField(default=0)),
            ],
            options={'table': 'spend', 'app': 'main', 'unique_together': (('user_id', 'day', 'token_id', 'model', 'group'),), 'indexes': [Index(fields=['day'])], 'pk_attr': 'id', 'table_description': 'What was spent on a day (UTC), by user, token, model and group: written with the entries it sums.'},
            bases=['Model'],
        ),
        ops.AlterModelOptions(
            name='AccountRow',
            options={'table': 'account', 'app': 'main', 'pk_attr': 'name', 'table_description': 'Cached sums: of the entries, of the open reservations, of what is unspent of leases.'},
        ),
        ops.AddField(
            model_name='AccountRow',
            name='frozen_at',
            field=fields.BigIntField(null=True),
        ),
        ops.AddField(
            model_name='AccountRow',
            name='leased',
            field=fields.BigIntField(default=0, db_default=0),
        ),
        ops.AddField(
            model_name='ReservationRow',
            name='epoch',
            field=fields.BigIntField(default=0, db_default=0),
        ),
        ops.AddField(
            model_name='ReservationRow',
            name='node',
            field=fields.CharField(null=True, max_length=64),
        ),
        ops.AddField(
            model_name='ReservationRow',
            name='terms',
            field=fields.TextField(null=True, unique=False),
        ),
        ops.AddField(
            model_name='TokenRow',
            name='leased',
            field=fields.BigIntField(default=0, db_default=0),
        ),
        ops.RunPython(notify),
    ]
