from support.counters import counting
from support.database import _migrated_database, _migrated_file, database, database_url
from support.log_database import logs, logs_url

__all__ = ["_migrated_database", "_migrated_file", "counting", "database", "database_url", "logs", "logs_url"]
