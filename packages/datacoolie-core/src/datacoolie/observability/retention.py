"""How long run records are kept."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datacoolie.platforms import BasePlatform


def remove_old_records(platform: BasePlatform, folder: str, *, before: datetime) -> None:
    """Remove the folders of the days that were over at a point in time; what is no day's folder stays.

    Args:
        platform: where the records are.
        folder: path or URI of the folders of days, as the platform resolves it.
        before: the point in time, in UTC.

    Raises:
        PlatformError: they can't be listed or removed.
    """
    found = {file.path.removeprefix(f"{folder}/").partition("/")[0] for file in platform.list(folder)}
    for name in sorted(found):
        day = _day(name)
        if day is not None and day + timedelta(days=1) <= before:
            platform.delete(f"{folder}/{name}")


def _day(name: str) -> datetime | None:
    try:
        return datetime.strptime(name, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        return None
