from support.accounts import desk
from support.counters import counting
from support.database import _migrated_database, _migrated_file, clock, database, database_url

__all__ = ["_migrated_database", "_migrated_file", "clock", "counting", "database", "database_url", "desk"]
