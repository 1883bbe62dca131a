import errno
import socket
import sqlite3

import asyncpg
import pytest

from clinx.storage.failures import StorageUnavailable, reason_of


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ConnectionRefusedError(errno.ECONNREFUSED, "Connect call failed ('127.0.0.1', 1)"), "Connection refused"),
        (socket.gaierror(socket.EAI_NONAME, "Name or service not known"), "Name or service not known"),
        (OSError("Multiple exceptions: [Errno 111], [Errno 101]"), "Multiple exceptions: [Errno 111], [Errno 101]"),
        (TimeoutError(), "no answer in time"),
        (TimeoutError("no answer for 1 s"), "no answer for 1 s"),
        (asyncpg.InvalidCatalogNameError('database "x" does not exist'), 'database "x" does not exist'),
        (asyncpg.PostgresError("first line\nDETAIL: second"), "first line"),
        (sqlite3.DatabaseError(), "DatabaseError"),
        (sqlite3.DatabaseError("x" * 1000), "x" * 300),
    ],
)
def test_a_reason_is_one_short_line(error: Exception, reason: str):
    assert reason_of(error) == reason


def test_the_operator_reads_the_place_and_the_caller_does_not():
    error = StorageUnavailable("Connection refused", where="postgres://10.0.0.7:5432/clinx")

    assert str(error) == "the database cannot be used now (postgres://10.0.0.7:5432/clinx: Connection refused)"
    assert (error.message, error.retry_after) == ("The gateway's database cannot be used right now.", 1)
    assert str(StorageUnavailable("it is in use")) == "it is in use"
