from __future__ import annotations

import pytest

from datacoolie.sql import ExpressionError, check_query


@pytest.mark.parametrize(
    ("query", "dialect"),
    [
        ("select * from t where a = 1", None),
        ("select 1;", "mysql"),
        ("with x as (select 1 as a) select a from x union all select 2", "postgresql"),
        ("select top 5 [my column] from t", "mssql"),
        ("select * from t where rownum < 5", "oracle"),
        ("select `a` from t", "spark"),
        ('select "a" from t limit 1', "sqlite"),
    ],
)
def test_one_select_passes(query: str, dialect: str | None) -> None:
    check_query(query, dialect)


@pytest.mark.parametrize(
    ("query", "dialect", "message"),
    [
        ("", None, "A query is one SELECT statement; this text has 0"),
        ("select 1; select 2", None, "A query is one SELECT statement; this text has 2"),
        ("delete from t", "postgresql", "A query is a SELECT statement, this is DELETE"),
        ("create table t as select 1", "mysql", "A query is a SELECT statement, this is CREATE"),
        ("select 'open", None, "The query is not valid SQL"),
        ("select 1", "postgres", "No SQL dialect is called 'postgres'. Known: postgresql, mysql"),
    ],
)
def test_anything_else_is_refused(query: str, dialect: str | None, message: str) -> None:
    with pytest.raises(ExpressionError, match=message):
        check_query(query, dialect)


def test_a_syntax_error_has_its_position() -> None:
    with pytest.raises(ExpressionError, match="The query is not valid SQL") as caught:
        check_query("select *\nform t where x = = 1", "postgresql")
    assert caught.value.line == 2
