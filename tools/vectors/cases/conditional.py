"""Null and choices; branches that are not taken must not fail."""

from __future__ import annotations

from tools.vectors.cases.values import BOOLEANS, DATES, DECIMALS, DOUBLES, FLOATS, INTS, TEXTS
from tools.vectors.model import CaseSet, column, pairs

FEW = ("-Infinity", "-0.0", "0.0", "1.5", "NaN", None)

CASES = (
    pairs(("int", "int"), ("0", "1", "7", None), ("0", "1", "7", None), "coalesce(a, b)", "nvl(a, b)", "ifnull(a, b)", "nullif(a, b)", "nvl2(a, b, 9)", "if(a > b, a, b)", "greatest(a, b)", "least(a, b, 3)", "case when a > b then 'more' when a = b then 'same' else 'other' end", "case a when b then 1 when 7 then 2 end", "case when a = 0 then 0 else b div a end", "if(a = 0, 0, b % a)", "coalesce(a, 1 div b)", "a = 0 or b div a > 0", "a <> 0 and b div a > 0", "case when b <> 0 then case when a <> 0 then 1 div a + 1 div b end else -1 end", "nvl(a, 1 div 0)", "if(a is null, cast('x' as int), a)", "nvl2(a, b, 1 div b)", "coalesce(nullif(a, 0), 1)", "10 div nullif(a, 0)", "if(null, a, b)", "case when null then 1 else a end", "case when a > 100 then 1 div 0 end", "coalesce(a)", "coalesce(null, a, b)"),
    pairs(("int", "double"), ("1", None), FEW, "coalesce(a, b)", "if(a = 1, a, b)", "greatest(a, b)", "least(a, b)", "nullif(a, b)", "case when a = 1 then a else b end"),
    pairs(("double", "double"), FEW, FEW, "greatest(a, b)", "least(a, b)", "nullif(a, b)", "coalesce(a, b)"),
    pairs(("float", "float"), FEW, FEW, "greatest(a, b)", "least(a, b)"),
    pairs(("decimal(10,2)", "int"), ("1.25", "-3.00", None), ("1", None), "coalesce(a, b)", "if(a > b, a, b)", "greatest(a, b)", "nullif(a, b)", "case when a > 0 then a else 1 end", "least(a, 0.125)"),
    pairs(("string", "int"), ("12", "7", None), ("1", None), "coalesce(a, b)", "if(b = 1, a, b)", "nvl(b, a)"),
    pairs(("string", "date"), ("2024-01-01", None), ("2020-02-02", None), "coalesce(a, b)", "nvl(b, a)"),
    pairs(("string", "string"), ("", "a", "b", None), ("", "a", None), "coalesce(a, b, 'z')", "nullif(a, b)", "greatest(a, b)", "least(a, b)", "if(a = '', null, a)", "nvl2(a, 'yes', 'no')"),
    pairs(("date", "timestamp"), ("2024-01-01", None), ("2020-02-02 01:02:03", None), "coalesce(a, b)", "greatest(a, b)", "least(b, a)"),
    column("int", INTS, "isnull(a)", "isnotnull(a)", "coalesce(a, 0)", "nullif(a, 1)", "if(a > 0, 'p', 'n')", "greatest(a, 0, null)", "greatest(a, 2L)", "coalesce(a, 1.5)", "coalesce(a, 'x')", "isnan(a)", "case when a > 0 then a end", "case when a > 0 then 'x' else null end", "greatest(null, null)", "least(a, 2.5)"),
    column("double", DOUBLES, "isnan(a)", "isnull(a)", "coalesce(a, 0)", "nullif(a, 0)", "nullif(a, double('NaN'))", "greatest(a, 1)", "least(a, 1)"),
    column("float", FLOATS, "isnan(a)", "coalesce(a, 1)", "coalesce(a, 1.5)", "greatest(a, 0.5)"),
    column("decimal(10,2)", DECIMALS, "coalesce(a, 0)", "nullif(a, 1)", "greatest(a, 1.125)", "isnan(a)"),
    column("string", TEXTS, "isnull(a)", "coalesce(a, 'none')", "nullif(a, '')", "greatest(a, 'b')", "least(a, 'b', null)"),
    column("boolean", BOOLEANS, "if(a, 1, 0)", "coalesce(a, false)", "case when a then 'y' when not a then 'n' else '?' end", "greatest(a, true)", "least(a, true)", "nullif(a, true)"),
    column("date", DATES, "coalesce(a, date '1999-01-01')", "coalesce(a, '1999-01-01')", "greatest(a, date '2000-01-01')"),
    CaseSet(
        schema={"a": "string", "b": "int"},
        rows=(("1", "1"), ("x", "2"), (None, "3"), ("99999999999", "4")),
        expressions=("if(b in (2, 4), -1, cast(a as int))", "case when b = 2 then 0 when cast(a as bigint) > 5 then 1 else 2 end", "b in (2, 4) or cast(a as int) = 1", "coalesce(try_cast(a as int), b)", "coalesce(cast(nullif(a, 'x') as bigint), 0)", "nvl(try_cast(a as int), -b)", "if(try_cast(a as int) is null, 'bad', a)"),
    ),
)  # fmt: skip
