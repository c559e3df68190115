"""Functions of text."""

from __future__ import annotations

from tools.vectors.cases.values import BINARIES, DATES, DECIMALS, INTS, TEXTS
from tools.vectors.model import CaseSet, column, pairs

LENGTHS = ("-2147483648", "-5", "-1", "0", "1", "2", "3", "100", None)
SHORT = ("", "a", "abc", "日本語", "👍🏽x", None)

CASES = (
    column(
        "string", TEXTS,
        "upper(a)", "ucase(a)", "lower(a)", "lcase(a)", "initcap(a)", "trim(a)", "ltrim(a)", "rtrim(a)", "trim(a, ' a')" , "reverse(a)", "length(a)", "char_length(a)", "len(a)", "repeat(a, 2)",
        "left(a, 2)", "right(a, 2)", "substring(a, 2)", "substr(a, 2, 3)", "substring(a, 0, 2)", "substring(a, -2)", "substring(a, -3, 2)", "substring(a, -100, 99)", "replace(a, 'a', 'XY')", "replace(a, 'a')", "replace(a, '', 'x')",
        "translate(a, 'abc', 'xy')", "translate(a, 'aa', 'xy')", "translate(a, '', 'x')", "lpad(a, 4, '*')", "rpad(a, 4, 'xy')", "lpad(a, 3)", "rpad(a, 3)", "lpad(a, 4, '')", "rpad(a, -1, 'x')", "split_part(a, '.', 2)", "split_part(a, '.', -1)", "split_part(a, ' ', 1)", "split_part(a, '', 1)", "split_part(a, '.', 0)",
        "concat(a, '!')", "concat(a, a, a)", "concat(a)", "a || 'x'", "concat_ws('-', a, 'x', null, a)", "concat_ws(',', a)", "concat_ws(null, a, 'x')", "instr(a, 'b')", "instr(a, '')", "locate('b', a)", "position('b', a)", "locate('b', a, 2)", "locate('', a)", "locate('', a, 3)", "locate('b', a, 0)", "locate('b', a, -1)", "locate('x', a, null)",
        "startswith(a, 'a')", "startswith(a, '')", "endswith(a, 'c')", "contains(a, 'b')", "contains(a, '')", "contains(a, null)",
    ),
    CaseSet(schema={"a": "string", "n": "int"}, rows=tuple((text, length) for text in SHORT for length in LENGTHS), expressions=("left(a, n)", "right(a, n)", "substring(a, n)", "substring(a, n, 2)", "substring(a, 2, n)", "substring(a, -2, n)", "repeat(a, if(n > 50, 3, n))", "lpad(a, if(n > 50, 5, n), '*-')", "rpad(a, if(n > 50, 5, n), '*-')")),
    pairs(("string", "string"), ("", "a", "abcabc", "日本語", None), ("", "a", "bc", "本", None), "instr(a, b)", "locate(b, a)", "locate(b, a, 2)", "startswith(a, b)", "endswith(a, b)", "contains(a, b)", "replace(a, b, '-')", "replace(a, 'b', b)", "trim(a, b)", "concat(a, b)", "concat_ws(b, a, 'z')", "lpad(a, 8, b)", "rpad(a, 8, b)", "split_part(a, b, 1)", "split_part(a, b, -1)"),
    pairs(("string", "int"), ("a.b.c", ".", "", "abc", None), ("-4", "-3", "-1", "0", "1", "3", "4", None), "split_part(a, '.', b)"),
    column("int", INTS, "upper(a)", "length(a)", "concat(a, 'x')", "concat_ws('-', a, 1.50, true, date '2024-01-05')", "left(a, 2)", "lpad(a, 5, '0')", "reverse(a)", "a || ''", "contains(a, '1')", "startswith(a, '-')"),
    column("decimal(10,2)", DECIMALS, "concat(a, '')", "length(a)", "lpad(a, 8, '0')"),
    column("date", DATES, "concat(a, '')", "left(a, 4)", "substring(a, 6, 2)"),
    column("binary", BINARIES, "length(a)"),
    column("string", ("hello WORLD foo-bar", "x  y", " éa ÉB", "a\tb c", "o'neil", None), "initcap(a)"),
    column("string", ("\u00a0x\u00a0", "\tx\n", "  x", "x\u3000", "\x00x", None), "trim(a)", "ltrim(a)", "rtrim(a)"),
    column("string", ("ΑΣ", "ß", "ŉ", "ﬁ", "İI", "ı", None), "upper(a)", "lower(a)", "initcap(a)", "a ilike 'SS'"),
    column("double", ("1.5", "2.0", "1e10", "0.001", None), "left('abcdef', a)", "concat(a, '')"),
)  # fmt: skip
