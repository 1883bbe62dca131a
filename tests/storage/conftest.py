from support.database import _migrated_database, _migrated_file, clock, database, database_url, empty_url

__all__ = ["_migrated_database", "_migrated_file", "clock", "database", "database_url", "empty_url"]
