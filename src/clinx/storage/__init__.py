"""SQL lives here: tables, migrations, and functions that take and return domain values.

Nouns: Database (a connection to SQLite or PostgreSQL), Program (a transaction written as a generator of steps),
rows (`models`, private to this package), announcement (what one process tells all others). Programs are the only way
to write more than one row: a whole program is one transaction, on SQLite on a thread of its own, on PostgreSQL on one
pooled connection. `ledger`, `reservations`, `leases`, `nodes` and `spend` move money and are imported by
`billing` alone; `users`, `tokens`, `statements`, `request_logs` and `announcements` are open to all.
What does not belong: decisions. Who may spend what is decided in `billing` and `accounts`.
"""
