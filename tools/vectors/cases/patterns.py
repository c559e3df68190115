"""LIKE and regular expressions."""

from __future__ import annotations

from tools.vectors.cases.values import INTS, TEXTS
from tools.vectors.model import column

LINES = ("a", "a\n", "a\nb", "a\r\n", "\n", "a\u2028", "a\u0085", "", "ab", "abab", "Ab", "a1b22", "a.b", "a+b", "(x)", "$1", "a\\b", "aéb", "日a本", None)

CASES = (
    column("string", (*TEXTS, *LINES),
        "a like 'a%'", "a like '%b'", "a like '%a%'", "a like 'a_b'", "a like 'a'", "a like ''", "a like '%'", "a like '_'", "a like 'a\\%b\\_c'", "a like 'a!%b!_c' escape '!'", "a not like 'a%'", "a like '%a%b%'", "a like 'a.b'", "a like '%+%'", "a like null", "a ilike 'A%'", "a ilike '%B'", "a ilike 'straSSE'", "a ilike 'àé_'", "like(a, 'a%')", "a like 'a\\\\\\\\b'", "a like '%_%'", "a like '__%'",
        "a rlike 'a'", "a rlike '^a'", "a rlike 'a$'", "a rlike '^a$'", "a rlike '^[0-9]+$'", "a rlike '[A-Z]'", "a rlike 'a|b'", "a rlike 'a.b'", "a rlike '^.$'", "a rlike 'a\\\\.b'", "a rlike '(ab)+'", "a rlike 'a{1,2}b?'", "a rlike '[^a-z]'", "a rlike ''", "regexp_like(a, 'b')", "a regexp 'b'", "a rlike '(?:ab|a1)'", "a rlike '[a-z]+[0-9]*'", "a rlike 'a\\n'", "a rlike '\\\\(x\\\\)'",
        "regexp_replace(a, 'a', 'X')", "regexp_replace(a, '[0-9]+', '#')", "regexp_replace(a, '(a)(b)', '$2$1')", "regexp_replace(a, ' +', ' ')", "regexp_replace(a, '', '-')", "regexp_replace(a, 'a', '')", "regexp_replace(a, 'a', '\\\\$')", "regexp_replace(a, 'b$', 'E')", "regexp_replace(a, '^a', 'S')", "regexp_replace(a, '(a)', '[$0]')", "regexp_replace(a, '(a)', '$1$1')", "regexp_replace(a, 'a*', 'x')", "regexp_replace(a, '(x)|a', '<$1>')", "regexp_replace(a, '[ \\t]+$', '')",
        "regexp_extract(a, '(a)(b)?', 1)", "regexp_extract(a, '(a)(b)?', 2)", "regexp_extract(a, '[0-9]+', 0)", "regexp_extract(a, '([0-9]+)')", "regexp_extract(a, 'z(a)', 1)", "regexp_extract(a, '(a)', 2)",
        "split(a, ' ')", "split(a, '\\\\.')", "split(a, 'a')", "split(a, '')", "split(a, '[0-9]+')", "split(a, 'b$')", "split(a, 'x*')",
    ),
    column("int", INTS, "a like '2%'", "a rlike '^-'", "regexp_replace(a, '[0-9]', 'd')"),
)  # fmt: skip
