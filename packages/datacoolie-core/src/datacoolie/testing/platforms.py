"""What every platform does with files."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import ClassVar

import pytest

from datacoolie.core.exceptions import ErrorClass, PlatformError
from datacoolie.platforms import BasePlatform, Content, Dialect, IssuesCredentials, PathNotFoundError
from datacoolie.testing.suite import Suite

NAMES = ["plain", "two  words", "50%20off", "a#b?c", "größe 東京 🦆", "'quoted'", "a=b,c+d&e", "..dots", "x" * 200]
"""Names that a file may have."""

_ROUNDS, _WRITERS = 20, 8
_MANY = 1100
"""More files than one answer of most object stores lists, or one request deletes."""

_CLOCKS = timedelta(seconds=3)
"""How far clocks may be apart; some platforms know whole seconds only."""


class PlatformSuite(Suite):
    """Tests a `BasePlatform`. A subclass has the fixtures `platform` and `folder`: where nothing is yet, for each test.

    Attributes:
        large: bytes of a file that the platform writes in parts, if it does so at all.
        foreign: a path of a kind that the platform does not have.
    """

    large: ClassVar[int] = 1 << 20
    foreign: ClassVar[str] = "elsewhere://folder/file"

    @pytest.mark.parametrize("data", [b"", b"\x00\xff\r\n", bytes(range(256)) * 100])
    def test_bytes_go_round(self, platform: BasePlatform, folder: str, data: bytes) -> None:
        version = platform.write(f"{folder}/f", b"before")
        assert platform.write(f"{folder}/f", data) == platform.read(f"{folder}/f").version != version
        assert platform.read(f"{folder}/f").data == data

    def test_a_large_file(self, platform: BasePlatform, folder: str) -> None:
        data = bytes(range(256)) * (self.large // 256) + b"end"
        version = platform.write(f"{folder}/f", data)
        assert platform.read(f"{folder}/f") == Content(data=data, version=version)
        assert platform.write(f"{folder}/f", data + b"!") != version
        found = platform.stat(f"{folder}/f")
        assert found is not None
        assert found.size == len(data) + 1

    def test_a_large_file_is_created_once(self, platform: BasePlatform, folder: str) -> None:
        data = bytes(range(256)) * (self.large // 256)
        version = platform.write_if_absent(f"{folder}/f", data)
        assert platform.write_if_absent(f"{folder}/f", data + b"!") is None
        assert platform.read(f"{folder}/f") == Content(data=data, version=str(version))

    def test_parts_of_files(self, platform: BasePlatform, folder: str) -> None:
        path = f"{folder}/f"
        platform.write(path, b"0123456789")
        parts = [(0, 3), (3, 4), (8, 100), (10, 1), (50, 1), (-3, 2), (-3, 100), (-100, 4), (5, 0)]
        expected = [b"012", b"3456", b"89", b"", b"", b"78", b"789", b"0123", b""]
        assert [platform.read_range(path, start, length) for start, length in parts] == expected
        with pytest.raises(PathNotFoundError):
            platform.read_range(f"{folder}/missing", 0, 1)

    @pytest.mark.parametrize("name", NAMES)
    def test_any_name(self, platform: BasePlatform, folder: str, name: str) -> None:
        folder = f"{folder}/in #1%"
        path = f"{folder}/{name}"
        platform.write(path, b"one")
        assert platform.read(path).data == b"one"
        assert [file.path for file in platform.list(folder)] == [platform.resolve(path)]
        assert platform.stat(path) == next(platform.list(folder))
        platform.copy(path, f"{folder}/copy")
        platform.move(path, f"{folder}/deep/er/{name}")
        assert self._names(platform, folder) == ["copy", f"deep/er/{name}"]
        platform.delete_files([f"{folder}/deep/er/{name}"])
        assert self._names(platform, folder) == ["copy"]
        platform.delete(folder)
        assert not platform.exists(folder)

    @pytest.mark.parametrize("name", NAMES)
    def test_any_name_has_versions(self, platform: BasePlatform, folder: str, name: str) -> None:
        path = f"{folder}/in #1%/{name}"
        version = platform.write(path, b"one")
        assert platform.write_if_absent(path, b"two") is None
        assert platform.write_if_match(path, b"three", version) is not None
        assert platform.read(path).data == b"three"

    def test_no_part_of_a_path_leads_up(self, platform: BasePlatform, folder: str) -> None:
        for path in (f"{folder}/a/../b", f"{folder}/./b"):
            try:
                assert platform.resolve(path) == f"{folder}/b"
            except PlatformError as refusal:
                assert refusal.error_class is ErrorClass.CONFIGURATION  # noqa: PT017 - it may also be resolved

    def test_paths_of_another_kind_are_refused(self, platform: BasePlatform) -> None:
        for path in (self.foreign, ""):
            for call in (platform.read, platform.delete, platform.stat, platform.resolve):
                with pytest.raises(PlatformError) as caught:
                    call(path)
                assert caught.value.error_class is ErrorClass.CONFIGURATION
                assert repr(path) in caught.value.message

    def test_what_is_not_there(self, platform: BasePlatform, folder: str) -> None:
        missing = f"{folder}/missing"
        with pytest.raises(PathNotFoundError, match="missing"):
            platform.read(missing)
        assert platform.stat(missing) is None
        assert list(platform.list(missing)) == []
        assert not platform.exists(missing)
        platform.delete(missing)
        platform.delete_files([missing, f"{missing}/2"])
        platform.delete_files([])
        for action in (platform.copy, platform.move):
            with pytest.raises(PathNotFoundError, match="missing"):
                action(missing, f"{folder}/target")
        assert self._names(platform, folder) == []

    def test_files_and_folders(self, platform: BasePlatform, folder: str) -> None:
        platform.write(f"{folder}/a/1", b"1")
        platform.write(f"{folder}/ab", b"22")
        assert platform.exists(folder)
        assert platform.exists(f"{folder}/a")
        assert platform.exists(f"{folder}/a/1")
        assert platform.stat(f"{folder}/a") is None
        assert self._names(platform, f"{folder}/a") == ["1"]
        platform.delete(f"{folder}/a")
        assert self._names(platform, folder) == ["ab"]

    def test_listings_are_recursive_and_sorted(self, platform: BasePlatform, folder: str) -> None:
        for name in ("b", "a/2", "a/10", "a.txt", "_x/y", "A", "a/.hidden", "é"):
            platform.write(f"{folder}/{name}", name.encode())
        expected = ["A", "_x/y", "a.txt", "a/.hidden", "a/10", "a/2", "b", "é"]
        assert self._names(platform, f"{folder}/") == expected
        assert [file.size for file in platform.list(folder)] == [len(name.encode()) for name in expected]

    def test_more_files_than_one_answer_lists(self, platform: BasePlatform, folder: str) -> None:
        names = [f"{number:05}" for number in range(_MANY)]
        with ThreadPoolExecutor(_WRITERS) as writers:
            list(writers.map(lambda name: platform.write(f"{folder}/many/{name}", b""), names))
        platform.write(f"{folder}/other", b"")
        assert self._names(platform, f"{folder}/many") == names
        platform.delete(f"{folder}/many")
        assert self._names(platform, folder) == ["other"]

    def test_infos_change_with_the_file(self, platform: BasePlatform, folder: str) -> None:
        platform.write(f"{folder}/f", b"a")
        now, first = datetime.now(UTC), platform.stat(f"{folder}/f")
        assert first is not None
        assert abs(first.modified - now) < _CLOCKS
        assert first.modified.tzinfo is UTC or first.modified.utcoffset() == timedelta(0)
        assert (first.path, first.size) == (platform.resolve(f"{folder}/f"), 1)
        assert platform.stat(f"{folder}/f") == first == next(platform.list(folder))
        platform.write(f"{folder}/f", b"b")
        assert platform.stat(f"{folder}/f") != first

    def test_copies_and_moves_replace(self, platform: BasePlatform, folder: str) -> None:
        for name in ("a", "b", "c"):
            platform.write(f"{folder}/{name}", name.encode())
        platform.copy(f"{folder}/a", f"{folder}/b")
        platform.move(f"{folder}/c", f"{folder}/a")
        platform.move(f"{folder}/a", f"{folder}/a")
        assert {name: platform.read(f"{folder}/{name}").data for name in self._names(platform, folder)} == {
            "a": b"c",
            "b": b"a",
        }

    def test_many_files_at_once(self, platform: BasePlatform, folder: str) -> None:
        names = [f"{number}" for number in range(5)]
        for name in names:
            platform.write(f"{folder}/{name}", name.encode())
        moves = [(f"{folder}/{name}", f"{folder}/moved/{name}") for name in names[1:]]
        platform.move_files(moves)
        platform.move_files(moves[:2])  # which were moved before
        with pytest.raises(PathNotFoundError):
            platform.move_files([(f"{folder}/missing", f"{folder}/moved/missing")])
        assert self._names(platform, folder) == ["0", "moved/1", "moved/2", "moved/3", "moved/4"]
        assert platform.read(f"{folder}/moved/3").data == b"3"
        asked = [f"{folder}/{name}" for name in ("0", "1", "moved/2")]
        assert list(platform.stat_files(asked)) == [platform.stat(asked[0]), None, platform.stat(asked[2])]
        platform.delete_files(f"{folder}/moved/{name}" for name in names)
        assert self._names(platform, folder) == ["0"]

    def test_versions_are_compared(self, platform: BasePlatform, folder: str) -> None:
        path = f"{folder}/f"
        assert platform.write_if_match(path, b"A", "v") is None
        assert platform.stat(path) is None
        first = platform.write_if_match(path, b"A", None)
        assert first == platform.read(path).version
        assert platform.write_if_match(path, b"B", None) is None
        second = platform.write_if_match(path, b"B", first)
        assert second not in {None, first}
        assert platform.write_if_match(path, b"C", first) is None
        assert platform.read(path).data == b"B"

    @pytest.mark.parametrize("kind", ["absent", "match"])
    def test_of_many_writers_one_wins(self, platform: BasePlatform, folder: str, kind: str) -> None:
        for number in range(_ROUNDS):
            path = f"{folder}/{number}"
            version = platform.write(path, b"before") if kind == "match" else None
            [winner] = _race(platform, path, version)
            assert platform.read(path).data == str(winner).encode()

    def test_no_swap_is_lost(self, platform: BasePlatform, folder: str) -> None:
        path = f"{folder}/counter"
        platform.write(path, b"0")

        def count(_: int) -> None:
            done = None
            while done is None:
                content = platform.read(path)
                done = platform.write_if_match(path, str(int(content.data) + 1).encode(), content.version)

        with ThreadPoolExecutor(4) as counters:
            list(counters.map(count, range(40)))
        assert platform.read(path).data == b"40"

    @pytest.mark.parametrize("dialect", list(Dialect), ids=str)
    def test_options_are_text(self, platform: BasePlatform, folder: str, dialect: Dialect) -> None:
        options = platform.storage_options(f"{folder}/f", dialect)
        assert {type(text) for pair in options.items() for text in pair} <= {str}

    def test_issued_credentials_are_among_the_options(self, platform: BasePlatform, folder: str) -> None:
        if isinstance(platform, IssuesCredentials):
            issued = platform.credentials(f"{folder}/f")
            assert issued.options.items() <= platform.storage_options(f"{folder}/f").items()
            assert issued.expires is None or issued.expires > datetime.now(UTC)

    @staticmethod
    def _names(platform: BasePlatform, folder: str) -> list[str]:
        """Return the names of the files below a folder, in the order in which they are listed."""
        root = platform.resolve(folder)
        return [file.path[len(root) + 1 :] for file in platform.list(folder)]


def _race(platform: BasePlatform, path: str, version: str | None) -> list[int]:
    """Let many writers replace one version at once; return the numbers of those that could."""
    start = threading.Barrier(_WRITERS)

    def write(number: int) -> bool:
        start.wait()
        return platform.write_if_match(path, str(number).encode(), version) is not None

    with ThreadPoolExecutor(_WRITERS) as threads:
        won = threads.map(write, range(_WRITERS))
        return [number for number, winner in enumerate(won) if winner]
