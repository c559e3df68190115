"""Numbers, times and marks as people read them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from datacoolie.observability import units


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.00 kB"),
        (1234, "1.23 kB"),
        (99_960, "100 kB"),
        (999_499, "999 kB"),
        (999_500, "1.00 MB"),
        (45_600_000, "45.6 MB"),
        (7_000_000_000, "7.00 GB"),
        (3 * 10**18, "3000 PB"),
    ],
)
def test_size(number: int, text: str) -> None:
    assert units.size(number) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-0.001, "0 ms"),
        (0, "0 ms"),
        (0.0034, "3 ms"),
        (0.9994, "999 ms"),
        (0.9996, "1.00 s"),
        (1.234, "1.23 s"),
        (59.94, "59.9 s"),
        (59.96, "1m 00s"),
        (125, "2m 05s"),
        (3599.6, "1h 00m"),
        (11_240, "3h 07m"),
    ],
)
def test_duration(seconds: float, text: str) -> None:
    assert units.duration(seconds) == text


def test_counts() -> None:
    assert units.count(1234567) == "1,234,567"
    assert units.counted(1, "file") == "1 file"
    assert units.counted(0, "row") == "0 rows"
    assert units.counted(1200, "row") == "1,200 rows"


def test_marks() -> None:
    at = datetime(2026, 1, 2, 3, 4, 5)  # noqa: DTZ001 - marks without zone exist
    assert units.mark({}) == ""
    assert units.mark({"id": 7}) == "7"
    assert units.mark({"id": None}) == "null"
    assert units.mark({"day": date(2026, 1, 2), "id": 7}) == "day=2026-01-02, id=7"
    assert units.mark({"at": at}) == "2026-01-02 03:04:05"
    assert units.mark({"at": at.replace(tzinfo=UTC)}) == "2026-01-02 03:04:05Z"
    assert units.mark({"at": at.replace(tzinfo=timezone(timedelta(hours=2)))}) == "2026-01-02 03:04:05+02:00"
