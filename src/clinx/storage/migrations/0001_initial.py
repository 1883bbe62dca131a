from tortoise import migrations
from tortoise.migrations import operations as ops
from clinx.storage.codec import decode_json, encode_json
from tortoise.fields.base import OnDelete
from tortoise import fields
from tortoise.indexes import Index

class Migration(migrations.Migration):
    initial = True

    operations = [
        ops.CreateModel(
            name='AccountRow',
            fields=[
                ('name', fields.CharField(primary_key=True, unique=True, db_index=True, max_length=64)),
                ('balance', fields.BigIntField(default=0)),
                ('held', fields.BigIntField(default=0)),
            ],
            options={'table': 'account', 'app': 'main', 'pk_attr': 'name', 'table_description': 'Cached sums: ``balance`` = sum of the entries, ``held`` = sum of the open reservations.'},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='EntryRow',
            fields=[
                ('id', fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ('event', fields.CharField(max_length=255)),
                ('account', fields.CharField(max_length=64)),
                ('amount', fields.BigIntField()),
                ('kind', fields.CharField(max_length=16)),
                ('at', fields.BigIntField()),
                ('revision', fields.CharField(null=True, max_length=64)),
                ('detail', fields.TextField(null=True, unique=False)),
            ],
            options={'table': 'entry', 'app': 'main', 'unique_together': (('event', 'account'),), 'indexes': [Index(fields=['account', 'at'])], 'pk_attr': 'id', 'table_description': 'A line of the ledger, append-only by trigger.'},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='RequestLogRow',
            fields=[
                ('id', fields.CharField(primary_key=True, unique=True, db_index=True, max_length=128)),
                ('at', fields.BigIntField()),
                ('revision', fields.CharField(max_length=64)),
                ('dialect', fields.CharField(max_length=32)),
                ('operation', fields.CharField(max_length=32)),
                ('outcome', fields.CharField(max_length=64)),
                ('status', fields.IntField()),
                ('user_id', fields.BigIntField(null=True)),
                ('token_id', fields.BigIntField(null=True)),
                ('group', fields.CharField(null=True, max_length=64)),
                ('model', fields.CharField(null=True, max_length=255)),
                ('channel', fields.CharField(null=True, max_length=255)),
                ('upstream_model', fields.CharField(null=True, max_length=255)),
                ('upstream_id', fields.CharField(null=True, max_length=255)),
                ('stream', fields.BooleanField()),
                ('usage', fields.JSONField(encoder=encode_json, decoder=decode_json)),
                ('charge', fields.BigIntField()),
                ('quote', fields.JSONField(encoder=encode_json, decoder=decode_json)),
                ('attempts', fields.JSONField(encoder=encode_json, decoder=decode_json)),
                ('seconds', fields.FloatField()),
                ('first_byte_seconds', fields.FloatField(null=True)),
                ('address', fields.CharField(null=True, max_length=64)),
            ],
            options={'table': 'request_log', 'app': 'main', 'indexes': [Index(fields=['user_id', 'at']), Index(fields=['at'])], 'pk_attr': 'id', 'table_description': 'One finished exchange, for people, trimmed by age.'},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='ReservationRow',
            fields=[
                ('id', fields.CharField(primary_key=True, unique=True, db_index=True, max_length=128)),
                ('user_id', fields.BigIntField()),
                ('token_id', fields.BigIntField()),
                ('amount', fields.BigIntField()),
                ('state', fields.CharField(max_length=16)),
                ('revision', fields.CharField(max_length=64)),
                ('created_at', fields.BigIntField()),
                ('expires_at', fields.BigIntField()),
                ('charge', fields.BigIntField(null=True)),
            ],
            options={'table': 'reservation', 'app': 'main', 'pk_attr': 'id', 'table_description': 'A hold: open, then settled, released or expired.'},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='UserRow',
            fields=[
                ('id', fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ('name', fields.CharField(unique=True, max_length=64)),
                ('role', fields.CharField(max_length=16)),
                ('status', fields.CharField(max_length=16)),
                ('group', fields.CharField(max_length=64)),
                ('created_at', fields.BigIntField()),
            ],
            options={'table': 'user', 'app': 'main', 'pk_attr': 'id', 'table_description': 'An account holder.'},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='TokenRow',
            fields=[
                ('id', fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ('user', fields.ForeignKeyField('main.UserRow', source_field='user_id', db_constraint=True, to_field='id', related_name='tokens', on_delete=OnDelete.RESTRICT)),
                ('name', fields.CharField(max_length=64)),
                ('digest', fields.CharField(unique=True, max_length=64)),
                ('hint', fields.CharField(max_length=16)),
                ('status', fields.CharField(max_length=16)),
                ('expires_at', fields.BigIntField(null=True)),
                ('models', fields.JSONField(encoder=encode_json, decoder=decode_json)),
                ('group', fields.CharField(null=True, max_length=64)),
                ('networks', fields.JSONField(encoder=encode_json, decoder=decode_json)),
                ('budget', fields.BigIntField(null=True)),
                ('spent', fields.BigIntField(default=0)),
                ('held', fields.BigIntField(default=0)),
                ('tags', fields.JSONField(encoder=encode_json, decoder=decode_json)),
                ('created_at', fields.BigIntField()),
            ],
            options={'table': 'token', 'app': 'main', 'pk_attr': 'id', 'table_description': 'An API key: the digest, never the secret.'},
            bases=['Model'],
        ),
    ]
