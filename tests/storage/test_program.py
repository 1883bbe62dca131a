import pytest

from clinx.storage.failures import StorageRefused
from clinx.storage.program import Kind, Step, execute_many, for_sqlite, json_rows


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT $1, $12", "SELECT ?1, ?12"),
        ("SELECT value ->> 0 FROM json_array_elements($1)", "SELECT value ->> 0 FROM json_each(?1)"),
        ("SELECT 1 FROM t ORDER BY id FOR UPDATE", "SELECT 1 FROM t ORDER BY id"),
        ("SELECT 1 FROM t FOR UPDATE OF t", "SELECT 1 FROM t"),
        ("SELECT 1 FROM t LIMIT $1 FOR UPDATE SKIP LOCKED", "SELECT 1 FROM t LIMIT ?1"),
        ("UPDATE t SET a = 1", "UPDATE t SET a = 1"),
    ],
)
def test_the_little_that_differs_on_sqlite(sql: str, expected: str):
    assert for_sqlite(sql) == expected


def test_many_of_nothing_is_no_step():
    assert list(execute_many("INSERT", [])) == []
    assert list(execute_many("INSERT", [(1,)])) == [Step(Kind.EXECUTE_MANY, "INSERT", [(1,)])]


def test_rows_are_written_as_a_list_of_lists():
    assert json_rows([("a", 1), ("b", None)]) == '[["a",1],["b",null]]'
    with pytest.raises(StorageRefused):
        json_rows([("\ud800",)])
