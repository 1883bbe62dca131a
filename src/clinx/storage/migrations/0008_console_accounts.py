"""Accounts of the console: passwords, sessions, identities, second factors, one-time secrets, access keys."""

from tortoise import migrations
from tortoise.migrations import operations as ops
from tortoise import fields
from tortoise.indexes import Index

INDEX = 'CREATE UNIQUE INDEX user_email ON "user" (email) WHERE email_verified_at IS NOT NULL'


async def index(apps, editor):
    """Only who has verified an address owns it: models cannot say that an index is of some rows only."""
    await editor.client.execute_query(INDEX)


class Migration(migrations.Migration):
    dependencies = [('main', '0007_refused_by')]

    initial = False

    operations = [
        ops.CreateModel(
            name='AccessKeyRow',
            fields=[
                ('id', fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ('user_id', fields.BigIntField()),
                ('name', fields.CharField(max_length=64)),
                ('digest', fields.CharField(unique=True, max_length=64)),
                ('hint', fields.CharField(max_length=16)),
                ('permissions', fields.TextField(unique=False)),
                ('expires_at', fields.BigIntField(null=True)),
                ('created_at', fields.BigIntField()),
                ('used_at', fields.BigIntField(null=True)),
                ('revoked_at', fields.BigIntField(null=True)),
            ],
            options={'table': 'access_key', 'app': 'main', 'indexes': [Index(fields=['user_id'])], 'pk_attr': 'id', 'table_description': 'A credential of a program that uses the console: the digest, never the secret.'},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='ChallengeRow',
            fields=[
                ('id', fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ('kind', fields.CharField(max_length=32)),
                ('digest', fields.CharField(unique=True, max_length=64)),
                ('code', fields.CharField(null=True, max_length=64)),
                ('user_id', fields.BigIntField(null=True)),
                ('subject', fields.CharField(max_length=255)),
                ('data', fields.TextField(unique=False)),
                ('tries', fields.IntField(default=0, db_default=0)),
                ('created_at', fields.BigIntField()),
                ('expires_at', fields.BigIntField()),
                ('used_at', fields.BigIntField(null=True)),
            ],
            options={'table': 'challenge', 'app': 'main', 'indexes': [Index(fields=['kind', 'subject']), Index(fields=['expires_at'])], 'pk_attr': 'id', 'table_description': 'A one-time secret: its digest, and what it is for.'},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='IdempotencyRow',
            fields=[
                ('id', fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ('user_id', fields.BigIntField()),
                ('key', fields.CharField(max_length=128)),
                ('operation', fields.CharField(max_length=64)),
                ('digest', fields.CharField(max_length=64)),
                ('result', fields.TextField(null=True, unique=False)),
                ('at', fields.BigIntField()),
            ],
            options={'table': 'idempotency', 'app': 'main', 'unique_together': (('user_id', 'key'),), 'indexes': [Index(fields=['at'])], 'pk_attr': 'id', 'table_description': 'What a request with a key of its own came to, so that its repetition comes to the same.'},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='IdentityRow',
            fields=[
                ('id', fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ('user_id', fields.BigIntField()),
                ('provider', fields.CharField(max_length=64)),
                ('subject', fields.CharField(max_length=255)),
                ('shown', fields.CharField(max_length=255)),
                ('created_at', fields.BigIntField()),
            ],
            options={'table': 'identity', 'app': 'main', 'unique_together': (('provider', 'subject'),), 'indexes': [Index(fields=['user_id'])], 'pk_attr': 'id', 'table_description': 'An account at another service that belongs to a user.'},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='PasswordRow',
            fields=[
                ('user_id', fields.BigIntField(generated=False, primary_key=True, unique=True, db_index=True)),
                ('hash', fields.CharField(max_length=255)),
                ('changed_at', fields.BigIntField()),
            ],
            options={'table': 'password', 'app': 'main', 'pk_attr': 'user_id', 'table_description': "A user's password, hashed."},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='SecondFactorRow',
            fields=[
                ('id', fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ('user_id', fields.BigIntField()),
                ('kind', fields.CharField(max_length=16)),
                ('name', fields.CharField(max_length=64)),
                ('public_id', fields.CharField(null=True, unique=True, max_length=512)),
                ('secret', fields.TextField(unique=False)),
                ('counter', fields.BigIntField(default=0, db_default=0)),
                ('confirmed_at', fields.BigIntField(null=True)),
                ('created_at', fields.BigIntField()),
                ('used_at', fields.BigIntField(null=True)),
            ],
            options={'table': 'second_factor', 'app': 'main', 'indexes': [Index(fields=['user_id'])], 'pk_attr': 'id', 'table_description': 'A second factor: its secret sealed (totp), a public key (passkey) or a digest (backup).'},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='SessionRow',
            fields=[
                ('id', fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ('digest', fields.CharField(unique=True, max_length=64)),
                ('user_id', fields.BigIntField()),
                ('epoch', fields.BigIntField()),
                ('method', fields.CharField(max_length=64)),
                ('address', fields.CharField(null=True, max_length=64)),
                ('agent', fields.CharField(max_length=255)),
                ('created_at', fields.BigIntField()),
                ('seen_at', fields.BigIntField()),
                ('expires_at', fields.BigIntField()),
                ('stepped_up_at', fields.BigIntField()),
            ],
            options={'table': 'session', 'app': 'main', 'indexes': [Index(fields=['user_id']), Index(fields=['expires_at'])], 'pk_attr': 'id', 'table_description': 'A signed-in visit: the digest of its secret, never the secret.'},
            bases=['Model'],
        ),
        ops.AddField(
            model_name='TokenRow',
            name='version',
            field=fields.BigIntField(default=1, db_default=1),
        ),
        ops.AddField(
            model_name='UserRow',
            name='display_name',
            field=fields.CharField(default='', db_default='', max_length=64),
        ),
        ops.AddField(
            model_name='UserRow',
            name='email',
            field=fields.CharField(null=True, max_length=254),
        ),
        ops.AddField(
            model_name='UserRow',
            name='email_verified_at',
            field=fields.BigIntField(null=True),
        ),
        ops.AddField(
            model_name='UserRow',
            name='epoch',
            field=fields.BigIntField(default=1, db_default=1),
        ),
        ops.AddField(
            model_name='UserRow',
            name='language',
            field=fields.CharField(null=True, max_length=8),
        ),
        ops.AddField(
            model_name='UserRow',
            name='low_balance_at',
            field=fields.BigIntField(null=True),
        ),
        ops.AddField(
            model_name='UserRow',
            name='notify_email',
            field=fields.BooleanField(default=True, db_default=True),
        ),
        ops.AddField(
            model_name='UserRow',
            name='notify_webhook',
            field=fields.TextField(null=True, unique=False),
        ),
        ops.AddField(
            model_name='UserRow',
            name='version',
            field=fields.BigIntField(default=1, db_default=1),
        ),
        ops.RunPython(index),
    ]
