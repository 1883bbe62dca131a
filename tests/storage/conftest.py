from support.database import _migrated_database, _migrated_file, clock, database, database_url, empty_url
from support.log_database import logs, logs_url

__all__ = ["_migrated_database", "_migrated_file", "clock", "database", "database_url", "empty_url", "logs", "logs_url"]
