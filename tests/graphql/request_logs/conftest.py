from support.database import _migrated_database, _migrated_file, clock, database, database_url
from support.operations import api, counted

__all__ = ["_migrated_database", "_migrated_file", "api", "clock", "counted", "database", "database_url"]
