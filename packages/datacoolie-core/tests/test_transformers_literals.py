from __future__ import annotations

import pytest

from datacoolie.core.types import parse_type
from datacoolie.transformers.literals import Scalar, literal


@pytest.mark.parametrize(
    ("value", "kind", "expected"),
    [
        (None, "int", "NULL"),
        ("x", "string", "'x'"),
        (7, "string", "'7'"),
        (True, "string", "'true'"),
        ("TRUE", "boolean", "TRUE"),
        (False, "boolean", "FALSE"),
        ("7", "int", "7"),
        (7.0, "int", "7"),
        ("9223372036854775807", "bigint", "9223372036854775807L"),
        (7, "bigint", "CAST(7 AS bigint)"),
        (-128, "tinyint", "CAST(-128 AS tinyint)"),
        ("0.5", "decimal(10,2)", "CAST(0.50BD AS decimal(10,2))"),
        (0.1, "decimal(10,2)", "CAST(0.10BD AS decimal(10,2))"),
        ("123456789012345678901234567890123456.78", "decimal(38,2)", "123456789012345678901234567890123456.78BD"),
        (1, "double", "1.0D"),
        ("1e3", "float", "CAST(1000.0D AS float)"),
        ("2024-02-29", "date", "DATE '2024-02-29'"),
        ("2024-02-29T12:00:00+02:00", "timestamp", "TIMESTAMP '2024-02-29 10:00:00Z'"),
        ("2024-02-29 12:00:00", "timestamp", "TIMESTAMP '2024-02-29 12:00:00Z'"),
        ("2024-02-29 12:00:00", "timestamp_ntz", "TIMESTAMP_NTZ '2024-02-29 12:00:00'"),
    ],
)
def test_a_value_becomes_a_constant_of_the_type(value: Scalar | None, kind: str, expected: str) -> None:
    assert literal(value, parse_type(kind)).sql() == expected


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("x", "int"),
        (1.5, "int"),
        (128, "tinyint"),
        ("NaN", "int"),
        ("Infinity", "bigint"),
        (True, "int"),
        ("yes", "boolean"),
        ("1.005", "decimal(10,2)"),
        (100000000, "decimal(10,2)"),
        ("NaN", "decimal(10,2)"),
        ("1e50", "decimal(38,0)"),
        ("x", "double"),
        ("29.02.2024", "date"),
        ("2024-02-30", "date"),
        ("2024-02-29T12:00:00Z", "timestamp_ntz"),
        ("x", "binary"),
        ("x", "array<string>"),
    ],
)
def test_a_value_that_the_type_does_not_have_is_refused(value: Scalar, kind: str) -> None:
    with pytest.raises(ValueError, match=r" is no value of type ") as caught:
        literal(value, parse_type(kind))

    assert str(caught.value) == f"{value!r} is no value of type {kind}"
