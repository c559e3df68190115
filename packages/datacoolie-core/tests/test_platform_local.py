from __future__ import annotations

import errno
import os
import shutil
import stat
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar

import pytest

from datacoolie.core.exceptions import ErrorClass, PlatformError
from datacoolie.core.secret_provider import EnvSecretProvider
from datacoolie.platforms import AccessDeniedError, PathNotFoundError, StorageFullError
from datacoolie.platforms import _local_files as files
from datacoolie.platforms.local import LocalPlatform
from datacoolie.testing import PlatformSuite
from datacoolie.testing.platforms import NAMES

POSIX = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such thing")


@pytest.fixture
def platform() -> LocalPlatform:
    return LocalPlatform()


class TestLocal(PlatformSuite):
    foreign: ClassVar[str] = "s3://bucket/key"

    @pytest.fixture
    def folder(self, tmp_path: Path) -> str:
        return (tmp_path / "files").as_posix()


def names(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


def without_locks(folder: Path) -> list[str]:
    return [name for name in names(folder) if not name.startswith(".datacoolie-lock-")]


@pytest.mark.parametrize("name", [*NAMES, "x" * 255])
def test_any_name_may_be_a_uri(platform: LocalPlatform, tmp_path: Path, name: str) -> None:
    if sys.platform == "win32" and set(name) & set("?"):
        pytest.skip("Windows has no such names")
    path = tmp_path / "in #1" / name
    platform.write(path.as_uri(), b"one")
    assert path.read_bytes() == b"one"
    assert [file.path for file in platform.list(path.parent.as_uri())] == [path.as_posix()]
    assert names(path.parent) == [name]


def test_paths_are_resolved(platform: LocalPlatform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    here = tmp_path.as_posix()
    assert platform.resolve("a/../b/") == f"{here}/b"
    assert platform.resolve(f"file://{here}/a%20b/") == f"{here}/a b"
    assert platform.resolve(f"FILE://localhost{here}/a") == f"{here}/a"
    assert platform.resolve(f"file:{here}/a") == f"{here}/a"


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("s3://bucket/key", "not on platform 'local'.*Choose a platform that knows s3://"),
        ("abfss://c@a.dfs.core.windows.net/x", "knows abfss://"),
        ("", "'' is not a path"),
        ("a\0b", "is not a path"),
    ],
)
def test_what_is_no_local_path_is_refused(platform: LocalPlatform, path: str, message: str) -> None:
    for call in (platform.read, platform.delete, platform.stat, platform.list, platform.exists):
        with pytest.raises(PlatformError, match=message) as caught:
            call(path)
        assert caught.value.error_class is ErrorClass.CONFIGURATION


def test_what_is_missing_leaves_no_folder(platform: LocalPlatform, tmp_path: Path) -> None:
    missing = str(tmp_path / "missing")
    with pytest.raises(PathNotFoundError, match=r"Can't read '.*missing': there is no such file or folder") as caught:
        platform.read(missing)
    assert caught.value.details["path"] == platform.resolve(missing)
    assert platform.write_if_match(f"{missing}/file", b"", "v") is None
    for action in (platform.copy, platform.move):
        with pytest.raises(PathNotFoundError, match=r"missing' to '.*target'"):
            action(missing, str(tmp_path / "target"))
    assert without_locks(tmp_path) == []


def test_a_folder_is_no_file(platform: LocalPlatform, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    folder, inside = str(tmp_path / "folder"), str(tmp_path / "file" / "x")
    for action in (
        lambda: platform.read(folder),
        lambda: platform.write(folder, b""),
        lambda: platform.write(inside, b""),
    ):
        with pytest.raises(PlatformError, match=r"Can't (read|write) "):
            action()
    assert platform.write_if_absent(folder, b"") is None
    assert platform.stat(inside) is None
    assert list(platform.list(inside)) == []
    assert names(tmp_path) == ["file", "folder"]


def test_listings_leave_out_what_is_ours(platform: LocalPlatform, tmp_path: Path) -> None:
    for name in ("a", ".hidden", ".datacoolie-tmp", "z/.datacoolie-lock"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "empty").mkdir()
    assert [Path(file.path).name for file in platform.list(str(tmp_path))] == [".hidden", "a"]


def test_infos_tell_nanoseconds(platform: LocalPlatform, tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_text("a")
    os.utime(path, ns=(0, 1_700_000_000_123_456_789))
    before = platform.stat(str(path))
    assert before is not None
    assert before.modified == datetime(2023, 11, 14, 22, 13, 20, 123456, tzinfo=UTC)
    assert (before.size, before.path) == (1, path.as_posix())
    assert platform.stat(str(path)) == before
    path.write_text("b")
    os.utime(path, ns=(0, 1_700_000_000_123_456_790))
    after = platform.stat(str(path))
    assert after is not None
    assert after.modified == before.modified
    assert after.etag != before.etag


@POSIX
def test_links_are_followed_but_not_in_circles(tmp_path: Path) -> None:
    platform = LocalPlatform(follow_links=True)
    data, table = tmp_path / "data", tmp_path / "table"
    for name in ("table/p", "data/inner"):
        (tmp_path / name).mkdir(parents=True)
    (data / "inner" / "f").write_text("x")
    (table / "one").symlink_to(data)
    (table / "two").symlink_to(data / "inner" / "f")
    (table / "gone").symlink_to(tmp_path / "nowhere")
    (table / "self").symlink_to(table / "self")
    (table / "p" / "up").symlink_to(table)
    (table / "p" / "way_up").symlink_to(tmp_path)
    (data / "inner" / "back").symlink_to(table)
    os.mkfifo(table / "pipe")
    found = [file.path.removeprefix(f"{table.as_posix()}/") for file in platform.list(str(table))]
    assert found == ["one/inner/f", "two"]


@POSIX
@pytest.mark.parametrize("target", ["secret", "secret/key", "."])
def test_links_out_of_a_folder_are_refused(platform: LocalPlatform, tmp_path: Path, target: str) -> None:
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "key").write_text("x")
    (tmp_path / "table" / "day").mkdir(parents=True)
    (tmp_path / "table" / "day" / "f").write_text("y")
    (tmp_path / "table" / "again").symlink_to("day")
    (tmp_path / "lake").symlink_to("table")
    files = [file.path.removeprefix(f"{tmp_path}/") for file in platform.list(str(tmp_path / "lake"))]
    assert files == ["lake/again/f", "lake/day/f"]
    (tmp_path / "table" / "day" / "out").symlink_to(tmp_path / target)
    with pytest.raises(PlatformError, match=r"link '.*/out' leads to .*follow_links: true") as caught:
        platform.list(str(tmp_path / "table"))
    assert caught.value.error_class is ErrorClass.CONFIGURATION


@POSIX
def test_deleting_a_link_keeps_what_it_points_to(platform: LocalPlatform, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "f").touch()
    (tmp_path / "link").symlink_to(tmp_path / "folder")
    (tmp_path / "t").mkdir()
    (tmp_path / "t" / "link").symlink_to(tmp_path / "folder")
    platform.delete(str(tmp_path / "link"))
    platform.delete(str(tmp_path / "t"))
    assert names(tmp_path) == ["folder", "folder/f"]


@POSIX
def test_private_files_are_the_owners(tmp_path: Path) -> None:
    private = LocalPlatform().private()
    path = tmp_path / "state" / "f"
    version = private.write_if_absent(str(path), b"1")
    assert private.write_if_match(str(path), b"2", version or "") is not None
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    private.write(str(path), b"3")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    before = os.umask(0o022)
    LocalPlatform().write(str(tmp_path / "open"), b"")
    os.umask(before)
    assert stat.S_IMODE((tmp_path / "open").stat().st_mode) == 0o644


def run_here(script: str, *arguments: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", script, *map(str, arguments)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


RACE = """
import sys, time
from datacoolie.platforms.local import LocalPlatform

folder, me = sys.argv[1:]
platform = LocalPlatform()
print("ready", flush=True)
start = float(sys.stdin.readline())
for round in range(20):
    time.sleep(max(0, start + round * 0.02 - time.time()))
    data = f"{me} {round}".encode()
    if platform.write_if_absent(f"{folder}/absent-{round}", data):
        print("absent", round)
    if platform.write_if_match(f"{folder}/match-{round}", data, sys.argv[2] and platform.first):
        print("match", round)
"""


def test_one_of_eight_processes_wins(platform: LocalPlatform, tmp_path: Path) -> None:
    script = RACE.replace("sys.argv[2] and platform.first", repr(platform.write(str(tmp_path / "match-0"), b"first")))
    for number in range(20):
        platform.write(str(tmp_path / f"match-{number}"), b"first")
    writers = [run_here(script, tmp_path, me) for me in range(8)]
    for writer in writers:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "ready\n"
    start = str(datetime.now(UTC).timestamp() + 0.1)
    wins: dict[str, list[int]] = {}
    for me, answer in enumerate(_answers(writers, f"{start}\n")):
        for line in answer.splitlines():
            wins.setdefault(line.replace(" ", "-"), []).append(me)
    assert {name: len(winners) for name, winners in wins.items()} == {
        f"{kind}-{number}": 1 for kind in ("absent", "match") for number in range(20)
    }
    for name, [winner] in wins.items():
        assert (tmp_path / name).read_text() == f"{winner} {name.partition('-')[2]}"
    assert len({winner for [winner] in wins.values()}) > 1, "the processes did not run at the same time"
    assert [name for name in names(tmp_path) if name.endswith(".tmp")] == []


def _answers(writers: list[subprocess.Popen[str]], start: str) -> list[str]:
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.write(start)
        writer.stdin.flush()
    return [writer.communicate(timeout=60)[0] for writer in writers]


COUNT = """
import sys
from datacoolie.platforms.local import LocalPlatform

platform, path = LocalPlatform(), sys.argv[1]
for _ in range(100):
    done = None
    while done is None:
        content = platform.read(path)
        done = platform.write_if_match(path, str(int(content.data) + 1).encode(), content.version)
"""


def test_no_swap_is_lost(platform: LocalPlatform, tmp_path: Path) -> None:
    path = str(tmp_path / "counter")
    platform.write(path, b"0")
    counters = [run_here(COUNT, path) for _ in range(4)]
    assert [counter.communicate(timeout=60)[0] for counter in counters] == [""] * 4
    assert [counter.returncode for counter in counters] == [0] * 4
    assert platform.read(path).data == b"400"


HOLD = """
import sys, time
from datacoolie.platforms import _local_files

with _local_files.locked(sys.argv[1]):
    print("held", flush=True)
    time.sleep(60)
"""


def test_the_lock_of_a_killed_process_is_free(platform: LocalPlatform, tmp_path: Path) -> None:
    path = str(tmp_path / "f")
    version = platform.write(path, b"1")
    holder = run_here(HOLD, path)
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    waiting = run_here(
        "import sys; from datacoolie.platforms.local import LocalPlatform;"
        "print('go', flush=True); print(LocalPlatform().write_if_match(sys.argv[1], b'2', sys.argv[2]) is not None)",
        path,
        version,
    )
    assert waiting.stdout is not None
    assert waiting.stdout.readline() == "go\n"
    with pytest.raises(subprocess.TimeoutExpired):
        waiting.wait(timeout=0.3)
    holder.kill()
    assert waiting.communicate(timeout=60)[0] == "True\n"
    holder.communicate()
    assert platform.read(path).data == b"2"


def test_a_lock_that_is_not_released_is_an_error(
    platform: LocalPlatform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = str(tmp_path / "f")
    other = str(tmp_path / "g")
    version = platform.write(path, b"1")
    assert platform.write(other, b"1") == version
    monkeypatch.setattr(files, "PATIENCE", 0.1)
    holder = run_here(HOLD, path)
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    with pytest.raises(PlatformError, match="that process may be stopped") as caught:
        platform.write_if_match(path, b"2", version)
    assert platform.write_if_match(other, b"2", version) is not None, "only the file itself is locked"
    holder.kill()
    holder.communicate()
    assert caught.value.error_class is ErrorClass.TRANSIENT
    assert caught.value.details == {"path": path}
    assert platform.write_if_match(path, b"2", version) is not None


KILLED = """
import os, signal, sys
from datacoolie.platforms.local import LocalPlatform

platform, path = LocalPlatform(), sys.argv[1]
print("go", flush=True)
for number in range(10**9):
    platform.write(path, str(number % 10).encode() * 100_000)
"""


def test_a_killed_writer_leaves_a_whole_file(platform: LocalPlatform, tmp_path: Path) -> None:
    path = tmp_path / "f"
    for _ in range(5):
        writer = run_here(KILLED, path)
        assert writer.stdout is not None
        assert writer.stdout.readline() == "go\n"
        while not path.exists():
            pass
        for _ in range(50):
            data = platform.read(str(path)).data
            assert len(data) == 100_000
            assert len(set(data)) == 1
        writer.kill()
        writer.communicate()
        data = platform.read(str(path)).data
        assert data == data[:1] * 100_000
        assert [file.path for file in platform.list(str(tmp_path))] == [path.as_posix()]


FULL = """
import sys
from datacoolie.platforms import StorageFullError
from datacoolie.platforms.local import LocalPlatform

platform, folder = LocalPlatform(), sys.argv[1]
version = platform.write(f"{folder}/old", b"old")
failed = []
for name, action in {
    "write": lambda: platform.write(f"{folder}/old", bytes(10**6)),
    "absent": lambda: platform.write_if_absent(f"{folder}/new", bytes(10**6)),
    "match": lambda: platform.write_if_match(f"{folder}/old", bytes(10**6), version),
    "copy": lambda: platform.copy(sys.argv[2], f"{folder}/new"),
    "move": lambda: platform.move(sys.argv[2], f"{folder}/new"),
}.items():
    try:
        action()
    except StorageFullError as error:
        failed.append(name)
        message = error.message
import os
print(failed, [name for name in os.listdir(folder) if 'lock' not in name], platform.read(f"{folder}/old").data, message)
"""


@pytest.mark.skipif(shutil.which("unshare") is None, reason="needs a mount of its own")
def test_a_full_disk_leaves_everything_as_before(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "big").write_bytes(bytes(10**6))
    mounted = 'mount -t tmpfs -o size=64k none "$1" && exec "$2" -c "$3" "$1" "$4"'
    command = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", mounted, "sh"]
    answer = subprocess.run(
        [*command, tmp_path / "disk", sys.executable, FULL, tmp_path / "big"],
        capture_output=True,
        text=True,
        check=False,
    )
    if "unshare:" in answer.stderr or "mount:" in answer.stderr:
        pytest.skip(answer.stderr)
    assert answer.stderr == ""
    assert answer.stdout.startswith(
        "['write', 'absent', 'match', 'copy', 'move'] ['old'] b'old' "
        f"Can't move '{tmp_path.as_posix()}/big' to '{tmp_path.as_posix()}/disk/new': "
        "No space left on device. Free some space"
    )
    assert (tmp_path / "big").stat().st_size == 10**6


@POSIX
def test_no_right_is_named(tmp_path: Path) -> None:
    script = """
import os, sys
from datacoolie.platforms import AccessDeniedError
from datacoolie.platforms.local import LocalPlatform
if os.geteuid() == 0:
    os.seteuid(65534)
platform, folder = LocalPlatform(), sys.argv[1]
for action in (
    lambda: platform.write(f"{folder}/f", b""),
    lambda: platform.write_if_absent(f"{folder}/new", b""),
    lambda: platform.read(f"{folder}/f"),
    lambda: list(platform.list(folder)),
    lambda: platform.delete(f"{folder}/f"),
):
    try:
        action()
    except AccessDeniedError as error:
        print(error)
"""
    locked = tmp_path / "locked"
    locked.mkdir()
    (locked / "f").write_text("x")
    locked.chmod(0o000)
    for parent in [tmp_path, *tmp_path.parents[:2]]:
        parent.chmod(0o755)
    answer = run_here(script, locked).communicate(timeout=60)[0]
    locked.chmod(0o700)
    lines = answer.splitlines()
    assert [line.partition(":")[0].replace(tmp_path.as_posix(), "") for line in lines] == [
        "Can't write '/locked/f'",
        "Can't write '/locked/new'",
        "Can't read '/locked/f'",
        "Can't list '/locked'",
        "Can't delete '/locked/f'",
    ]
    assert all("Permission denied. Give the user of this process the right" in line for line in lines)
    assert names(locked) == ["f"]


@pytest.mark.parametrize(
    ("number", "kind"),
    [
        (errno.ENOSPC, StorageFullError),
        (errno.EACCES, AccessDeniedError),
        (errno.EROFS, AccessDeniedError),
        (errno.ENOENT, PathNotFoundError),
        (errno.EIO, PlatformError),
    ],
)
def test_errors_of_the_system_are_translated(number: int, kind: type[PlatformError]) -> None:
    with pytest.raises(kind, match="Can't write '/x': ") as caught, files.errors("write", "/x"):
        raise OSError(number, os.strerror(number))
    assert type(caught.value) is kind
    assert isinstance(caught.value.__cause__, OSError)
    assert caught.value.details == {"path": "/x", "errno": number}


@POSIX
def test_without_hard_links_one_still_wins(
    platform: LocalPlatform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(source: str, target: str) -> None:
        raise PermissionError(errno.EPERM, "no links on this file system", source, None, target)

    monkeypatch.setattr(os, "link", refuse)
    path = str(tmp_path / "f")
    assert platform.write_if_absent(path, b"1") is not None
    assert platform.write_if_absent(path, b"2") is None
    assert platform.read(path).data == b"1"
    assert without_locks(tmp_path) == ["f"]


def test_moves_between_file_systems(platform: LocalPlatform, tmp_path: Path) -> None:
    other = Path("/dev/shm")
    if not other.is_dir() or other.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("there is one file system only")
    source, target = other / f"datacoolie-{os.getpid()}", tmp_path / "new" / "f"
    source.write_text("x")
    platform.move(str(source), str(target))
    assert target.read_text() == "x"
    assert not source.exists()
    assert names(tmp_path) == ["new", "new/f"]


def test_engines_need_nothing_more(platform: LocalPlatform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert platform.storage_options(str(tmp_path)) == {}
    provider = platform.secret_provider()
    assert isinstance(provider, EnvSecretProvider)
    monkeypatch.setenv("APP_TOKEN", "made up")
    assert provider.get_secret("TOKEN", "APP_") == "made up"
