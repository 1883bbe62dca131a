"""SQL lives here: tables, migrations, and functions that take and return domain values.

Nouns: Database (a connection to SQLite or PostgreSQL), Program (a transaction written as a generator of steps),
rows (`models`, private to this package). Programs are the only way to write more than one row: a whole program is one
transaction, on SQLite on a thread of its own, on PostgreSQL on one pooled connection. `ledger` and `reservations`
move money and are imported by `billing` alone; `users`, `tokens`, `statements` and `request_logs` are open to all.
What does not belong: decisions. Who may spend what is decided in `billing` and `accounts`.
"""
