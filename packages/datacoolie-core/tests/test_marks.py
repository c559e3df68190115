from __future__ import annotations

import json
import math
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal

import pytest

from datacoolie.core.exceptions import WatermarkError
from datacoolie.core.marks import compare, decode_value, encode_value, parse_value

CET = timezone(timedelta(hours=1))

WRITTEN: list[tuple[object, object]] = [
    (None, None),
    (True, True),
    (0, 0),
    (2**70, 1180591620717411303424),
    (1.0, 1.0),
    (0.1, 0.1),
    (math.inf, {"__float__": "inf"}),
    ("2024-01-01", "2024-01-01"),
    ("", ""),
    (datetime(2024, 1, 2, 3, 4, 5, 6), {"__datetime__": "2024-01-02T03:04:05.000006"}),  # noqa: DTZ001 - naive
    (datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC), {"__datetime__": "2024-01-02T03:04:05+00:00"}),
    (datetime(2024, 1, 2, 3, 4, 5, tzinfo=CET), {"__datetime__": "2024-01-02T02:04:05+00:00"}),
    (date(2024, 2, 29), {"__date__": "2024-02-29"}),
    (time(23, 59, 59, 999999), {"__time__": "23:59:59.999999"}),
    (Decimal("1.10"), {"__decimal__": "1.10"}),
    (Decimal("1E+3"), {"__decimal__": "1E+3"}),
    (b"\x00\xff", {"__binary__": "AP8="}),
]


@pytest.mark.parametrize(("value", "data"), WRITTEN, ids=repr)
def test_values_are_written_as_the_format_says_and_read_back(value: object, data: object) -> None:
    encoded = encode_value(value)
    assert encoded == data
    assert type(encoded) is type(data)
    back = decode_value(json.loads(json.dumps(encoded, allow_nan=False)))
    assert back == value
    assert type(back) is type(value)
    assert str(back) == str(value) or isinstance(value, datetime)


def test_nan_is_read_back() -> None:
    back = decode_value(encode_value(math.nan))
    assert isinstance(back, float)
    assert math.isnan(back)


@pytest.mark.parametrize("value", [object(), [1], {"a": 1}, timedelta(1), 1j])
def test_other_types_are_refused(value: object) -> None:
    with pytest.raises(WatermarkError, match=r"can't be a watermark: it is .*Possible: datetime, date"):
        encode_value(value)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"__datetme__": "2024"}, "'__datetme__' is not a tag .*Did you mean '__datetime__'"),
        ({"__datetime__": "yesterday"}, "'yesterday' can't be read as the __datetime__"),
        ({"__decimal__": "1,5"}, "'1,5' can't be read as the __decimal__"),
        ({"__binary__": "?"}, "'\\?' can't be read as the __binary__"),
        ({"__date__": 5}, "must be text, not 5"),
        ({}, "is not the value of a watermark"),
        ({"__date__": "2024-01-01", "__time__": "00:00"}, "is not the value of a watermark"),
        ([1], "is not the value of a watermark"),
    ],
)
def test_what_is_no_value_is_refused(data: object, message: str) -> None:
    with pytest.raises(WatermarkError, match=message):
        decode_value(data)  # type: ignore[arg-type] # wrong on purpose


@pytest.mark.parametrize(
    ("low", "high"),
    [
        (9, 10),
        ("9", "91"),
        ("Z", "a"),
        (Decimal("9.5"), Decimal(10)),
        (1.5, math.nan),
        (math.inf, math.nan),
        (date(2024, 9, 30), date(2024, 10, 1)),
        (datetime(2024, 1, 1, 12, 30, tzinfo=CET), datetime(2024, 1, 1, 12, tzinfo=UTC)),
        (b"\x01", b"\x02"),
    ],
)
def test_order_is_that_of_the_type(low: object, high: object) -> None:
    assert compare(low, high, column="c") == -1
    assert compare(high, low, column="c") == 1
    assert compare(low, low, column="c") == 0
    assert compare(high, high, column="c") == 0


@pytest.mark.parametrize(
    ("left", "right", "types"),
    [
        (10, "9", r"\(int\).*\(str\)"),
        (1, Decimal(1), r"\(int\).*\(Decimal\)"),
        (1, 1.0, r"\(int\).*\(float\)"),
        (True, 1, r"\(bool\).*\(int\)"),
        (date(2024, 1, 1), datetime(2024, 1, 1, tzinfo=UTC), r"\(date\).*\(datetime with zone\)"),
        (datetime(2024, 1, 1), datetime(2024, 1, 1, tzinfo=UTC), "without zone.*with zone"),  # noqa: DTZ001 - naive
        (None, 1, r"\(null\)"),
        (None, None, r"\(null\)"),
    ],
)
def test_different_types_do_not_compare(left: object, right: object, types: str) -> None:
    with pytest.raises(WatermarkError, match=f"'updated'.*{types}.*reset the state"):
        compare(left, right, column="updated")


TYPED: list[tuple[str, object, object]] = [
    ("5", 1, 5),
    ("5", "a", "5"),
    ("5", None, 5),
    ('"5"', None, "5"),
    ("1.50", Decimal(1), Decimal("1.50")),
    ("2024-02-29", date(2024, 1, 1), date(2024, 2, 29)),
    ("2024-02-29", None, date(2024, 2, 29)),
    ("2024-02-29T12:00", None, datetime(2024, 2, 29, 12)),  # noqa: DTZ001 - naive
    ("2024-02-29T12:00:00+01:00", datetime(2024, 1, 1, tzinfo=UTC), datetime(2024, 2, 29, 11, tzinfo=UTC)),
    ("12:30", time(1), time(12, 30)),
    ("AQI=", b"a", b"\x01\x02"),
    ('{"__decimal__": "1"}', None, Decimal(1)),
]


@pytest.mark.parametrize(("text", "like", "value"), TYPED)
def test_a_typed_value(text: str, like: object, value: object) -> None:
    found = parse_value(text, column="c", like=like)
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    ("text", "like", "wanted"),
    [
        ("abc", None, "JSON, or a date or datetime in ISO 8601 (text in double quotes)"),
        ("[1]", None, "JSON, or a date"),
        ("1.5", 1, "int"),
        ("soon", date(2024, 1, 1), "date"),
        ("2024-02-29T12:00", datetime(2024, 1, 1, tzinfo=UTC), "datetime with zone"),
        ("2024-02-29T12:00Z", datetime(2024, 1, 1), "datetime without zone"),  # noqa: DTZ001 - naive
    ],
)
def test_a_typed_value_of_another_type_is_refused(text: str, like: object, wanted: str) -> None:
    with pytest.raises(WatermarkError) as caught:
        parse_value(text, column="c", like=like)
    assert caught.value.message.startswith(f"Watermark column 'c': {text!r} can't be read as {wanted}")
