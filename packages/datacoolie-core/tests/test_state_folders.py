from __future__ import annotations

import contextlib
import itertools
import json
import os
import signal
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import pytest

from datacoolie.core.exceptions import DestinationError, PlatformError
from datacoolie.engines import Commit, CommitConflictError, Staged, Token, UnknownOutcomeError
from datacoolie.platforms import AccessDeniedError, FileInfo
from datacoolie.platforms.local import LocalPlatform
from datacoolie.state.folders import KEPT, FolderCommits
from datacoolie.state.views import live_files

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from datacoolie.engines import WriteResult
    from datacoolie.state.manifest import Manifest

OLD = {"a.csv": "1\n2\n", "p=1/b.csv": "3\n"}
NEW = {"c.csv": "4\n", "p=1/d.csv": "5\n6\n", "p=2/e.csv": "7\n"}


def stage(commits: FolderCommits, files: Mapping[str, str], run: str = "run") -> tuple[tuple[FileInfo, ...], Staged]:
    folder = Path(commits.staging_folder(run, "stem"))
    for relative, text in files.items():
        path = folder / relative
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    staged = Staged(rows=sum(text.count("\n") for text in files.values()), extension="csv", observed={})
    return commits.staged_files(), staged


def load(
    platform: LocalPlatform,
    table: Path | str,
    files: Mapping[str, str],
    *,
    seq: int,
    replace: bool = False,
    flow: str = "flow",
    run: str = "run",
) -> WriteResult:
    """Load as a run does: finish what was cut off, look for the newest token, stage, commit."""
    commits = FolderCommits(platform, str(table), flow)
    commits.recover()
    assert commits.newest(after=seq - 1) is None
    commit = Commit(token=Token(seq=seq, epoch=1, dataflow_id=flow), metadata={"run_id": run, "mark": f"mark {seq}"})
    return commits.commit(*stage(commits, files, run), commit, replace=replace)


def rows(table: Path | str) -> list[int]:
    files = live_files(LocalPlatform(), str(table))
    return sorted(int(line) for file in files for line in Path(file.path).read_text().splitlines())


def below(folder: Path, *, hidden: bool = True) -> list[str]:
    found = [path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()]
    return sorted(name for name in found if hidden or not name.startswith("_"))


@pytest.fixture
def platform() -> LocalPlatform:
    return LocalPlatform()


@pytest.fixture
def table(tmp_path: Path) -> Path:
    return tmp_path / "my täble %20#1"


def test_append_adds_files_under_their_names(platform: LocalPlatform, table: Path) -> None:
    result = load(platform, table, OLD, seq=1)
    assert (result.version, result.rows, result.size, result.files, result.removed_files) == ("", 3, 6, 2, 0)
    load(platform, table, NEW, seq=2)
    assert below(table) == [
        "_datacoolie/flow/1-000000000001.json",
        "_datacoolie/flow/1-000000000002.json",
        "a.csv",
        "c.csv",
        "p=1/b.csv",
        "p=1/d.csv",
        "p=2/e.csv",
    ]
    assert rows(table) == [1, 2, 3, 4, 5, 6, 7]


def test_overwrite_replaces_all_visible_files(platform: LocalPlatform, table: Path) -> None:
    load(platform, table, OLD, seq=1)
    (table / "foreign.csv").write_text("99\n")
    (table / "_SUCCESS").write_text("")
    (table / ".hidden").write_text("")
    result = load(platform, table, NEW, seq=2, replace=True)
    assert (result.rows, result.files, result.removed_files) == (4, 3, 3)
    assert below(table, hidden=False) == [".hidden", "c.csv", "p=1/d.csv", "p=2/e.csv"]
    assert (table / "_SUCCESS").exists()
    assert rows(table) == [4, 5, 6, 7]


def test_overwrite_by_no_rows_clears_the_table(platform: LocalPlatform, table: Path) -> None:
    load(platform, table, OLD, seq=1)
    result = load(platform, table, {}, seq=2, replace=True)
    assert (result.rows, result.files, result.removed_files) == (0, 0, 2)
    assert rows(table) == []
    assert not (table / "_datacoolie/flow/staged").exists() or below(table / "_datacoolie/flow/staged") == []


def test_append_leaves_foreign_files(platform: LocalPlatform, table: Path) -> None:
    table.mkdir()
    (table / "foreign.csv").write_text("99\n")
    load(platform, table, OLD, seq=1)
    assert rows(table) == [1, 2, 3, 99]


def test_newest_commit_carries_token_and_metadata(platform: LocalPlatform, table: Path) -> None:
    commits = FolderCommits(platform, str(table), "flow")
    assert commits.newest() is None
    load(platform, table, OLD, seq=9)
    load(platform, table, NEW, seq=10)
    assert commits.newest() == Commit(
        token=Token(seq=10, epoch=1, dataflow_id="flow"), metadata={"run_id": "run", "mark": "mark 10"}
    )
    assert commits.newest(after=9) == commits.newest()
    assert commits.newest(after=10) is None
    assert FolderCommits(platform, str(table), "other").newest() is None


def test_seq_decides_which_commit_is_newest(platform: LocalPlatform, table: Path) -> None:
    for epoch, seq in ((9, 1), (10, 2), (1, 3)):
        commits = FolderCommits(platform, str(table), "flow")
        commit = Commit(token=Token(seq=seq, epoch=epoch, dataflow_id="flow"), metadata={})
        commits.commit(*stage(commits, {f"{seq}.csv": ""}), commit, replace=False)
    newest = FolderCommits(platform, str(table), "flow").newest()
    assert newest is not None
    assert newest.token == Token(seq=3, epoch=1, dataflow_id="flow")


def test_a_number_is_committed_once(platform: LocalPlatform, table: Path) -> None:
    slow, quick = (FolderCommits(platform, str(table), "flow") for _ in range(2))
    commit = Commit(token=Token(seq=1, epoch=1, dataflow_id="flow"), metadata={})
    staged = stage(slow, NEW, "slow")
    quick.commit(*stage(quick, OLD, "quick"), commit, replace=False)
    with pytest.raises(CommitConflictError, match="another run of dataflow 'flow' committed load 1 or a later one"):
        slow.commit(*staged, commit, replace=False)
    assert rows(table) == [1, 2, 3]
    assert "slow" not in "".join(below(table))


def test_a_run_that_slept_over_many_commits_conflicts(platform: LocalPlatform, table: Path) -> None:
    slow = FolderCommits(platform, str(table), "flow")
    assert slow.newest() is None
    for seq in range(1, KEPT + 3):
        load(platform, table, {f"{seq}.csv": f"{seq}\n"}, seq=seq)
    manifests = [name for name in below(table) if name.endswith(".json")]
    assert manifests == [f"_datacoolie/flow/1-{seq:012}.json" for seq in range(3, KEPT + 3)]
    staged = stage(slow, {"slow.csv": "1\n"}, "slow")
    with pytest.raises(CommitConflictError):
        slow.commit(*staged, Commit(token=Token(seq=1, epoch=1, dataflow_id="flow"), metadata={}), replace=False)
    assert rows(table) == list(range(1, KEPT + 3))
    assert [name for name in below(table) if name.endswith(".json")] == manifests


class Keeping(LocalPlatform):
    """Can't remove what a run staged that is called `slow`."""

    def delete(self, path: str) -> None:
        if "-slow" in path:
            message = "no right to remove it"
            raise AccessDeniedError(message)
        super().delete(path)


@pytest.mark.parametrize(
    ("others", "freed"), [(LocalPlatform(), {1, 2}), (Keeping(), set())], ids=["removed", "not removed"]
)
def test_a_name_is_free_again_when_nothing_that_was_staged_for_it_is_left(
    platform: LocalPlatform, table: Path, others: LocalPlatform, freed: set[int]
) -> None:
    slow = FolderCommits(platform, str(table), "flow")
    assert slow.newest() is None
    staged = stage(slow, {"slow.csv": "1\n"}, "slow")
    for seq in range(1, KEPT + 3):
        load(others, table, {f"{seq}.csv": f"{seq}\n"}, seq=seq)
    manifests = [name for name in below(table) if name.endswith(".json")]
    kept = [seq for seq in range(1, KEPT + 3) if seq not in freed]
    assert manifests == [f"_datacoolie/flow/1-{seq:012}.json" for seq in kept]
    with pytest.raises(CommitConflictError):
        slow.commit(*staged, Commit(token=Token(seq=1, epoch=1, dataflow_id="flow"), metadata={}), replace=False)
    assert rows(table) == list(range(1, KEPT + 3))
    assert [name for name in below(table) if name.endswith(".json")] == manifests


@pytest.mark.parametrize("lost", [0, -1])
def test_a_run_whose_staged_files_were_removed_conflicts(platform: LocalPlatform, table: Path, lost: int) -> None:
    load(platform, table, OLD, seq=1)
    slow = FolderCommits(platform, str(table), "flow")
    staged = stage(slow, NEW, "slow")
    Path(staged[0][lost].path).unlink()
    with pytest.raises(CommitConflictError):
        slow.commit(*staged, Commit(token=Token(seq=2, epoch=1, dataflow_id="flow"), metadata={}), replace=True)
    assert below(table) == ["_datacoolie/flow/1-000000000001.json", "a.csv", "p=1/b.csv"]


def test_flows_share_a_folder(platform: LocalPlatform, table: Path) -> None:
    load(platform, table, {"a.csv": "1\n"}, seq=1, flow="one")
    load(platform, table, {"b.csv": "2\n"}, seq=1, flow="Two/../x")
    assert rows(table) == [1, 2]
    assert sorted(path.name for path in (table / "_datacoolie").iterdir()) == ["one", "~54wo~2f~2e~2e~2fx"]


def test_a_commit_that_another_flows_run_publishes_is_no_conflict(
    platform: LocalPlatform, table: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load(platform, table, {"a.csv": "1\n"}, seq=1, flow="other")
    settle = FolderCommits._settle

    def after_the_other_has_looked(commits: FolderCommits, manifest: Manifest) -> None:
        FolderCommits(platform, str(table), "other").recover()
        settle(commits, manifest)

    monkeypatch.setattr(FolderCommits, "_settle", after_the_other_has_looked)
    load(platform, table, {"b.csv": "2\n"}, seq=1, flow="one")
    assert rows(table) == [1, 2]
    newest = FolderCommits(platform, str(table), "one").newest()
    assert newest is not None
    assert newest.token.seq == 1


def test_one_file_is_replaced_at_once(platform: LocalPlatform, tmp_path: Path) -> None:
    target = tmp_path / "out.csv"
    (tmp_path / "beside.csv").write_text("9\n")
    assert FolderCommits(platform, str(target), "flow").single_file
    for seq, text in ((1, "1\n"), (2, "2\n")):
        load(platform, target, {f"part-{seq}.csv": text}, seq=seq, replace=True)
        assert target.read_text() == text
    assert below(tmp_path) == [
        "_datacoolie/out~2ecsv/flow/1-000000000001.json",
        "_datacoolie/out~2ecsv/flow/1-000000000002.json",
        "beside.csv",
        "out.csv",
    ]


@pytest.mark.parametrize(
    ("name", "single"), [("t", False), ("t.parquet", True), (".t", False), ("sales.2024", False), ("a.b/t", False)]
)
def test_a_name_with_extension_is_one_file(tmp_path: Path, name: str, single: bool) -> None:  # noqa: FBT001 - data
    assert FolderCommits(LocalPlatform(), str(tmp_path / name), "flow").single_file is single


@pytest.mark.parametrize(("files", "replace"), [({"a.csv": ""}, False), (NEW, True), ({}, True)])
def test_one_file_takes_one_overwriting_file(
    platform: LocalPlatform,
    tmp_path: Path,
    files: dict[str, str],
    replace: bool,  # noqa: FBT001 - data
) -> None:
    (tmp_path / "out.csv").write_text("9\n")
    with pytest.raises(DestinationError, match=r"out\.csv is one file: .*Use load_type overwrite"):
        load(platform, tmp_path / "out.csv", files, seq=1, replace=replace)
    assert below(tmp_path) == ["out.csv"]


def test_hidden_names_are_no_rows(platform: LocalPlatform, tmp_path: Path) -> None:
    for name in ("a.csv", "_b.csv", ".c.csv", "_d/e.csv", "_day=1/f.csv", "x/.g/h.csv", "x/i.csv"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    found = [Path(file.path).relative_to(tmp_path).as_posix() for file in live_files(platform, f"{tmp_path}/")]
    assert found == ["_day=1/f.csv", "a.csv", "x/i.csv"]
    assert live_files(platform, str(tmp_path / "missing")) == ()


@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b'{"schema_version": 2}', b'{"schema_version": 1}'])
def test_a_damaged_manifest_is_named(platform: LocalPlatform, table: Path, damage: bytes) -> None:
    load(platform, table, OLD, seq=1)
    manifest = table / "_datacoolie/flow/1-000000000001.json"
    manifest.write_bytes(damage)
    with pytest.raises(
        DestinationError, match=r"1-000000000001\.json: the manifest of a commit can't be read: .*Restore"
    ):
        FolderCommits(platform, str(table), "flow").newest()
    assert rows(table) == [1, 2, 3]


def test_leftovers_of_a_dead_run_are_removed_by_the_next_commit(platform: LocalPlatform, table: Path) -> None:
    dead = FolderCommits(platform, str(table), "flow")
    stage(dead, NEW, "dead")
    FolderCommits(platform, str(table), "flow").recover()
    assert any("dead" in name for name in below(table)), "a run that is only slow must keep its files"
    load(platform, table, OLD, seq=1)
    assert below(table) == ["_datacoolie/flow/1-000000000001.json", "a.csv", "p=1/b.csv"]


def test_leftovers_that_nobody_touched_for_long_are_removed(platform: LocalPlatform, table: Path) -> None:
    dead = FolderCommits(platform, str(table), "flow")
    for file in stage(dead, NEW, "dead")[0]:
        before = Path(file.path).stat().st_mtime - timedelta(hours=2).total_seconds()
        os.utime(file.path, (before, before))
    FolderCommits(platform, str(table), "flow").recover()
    assert below(table) == []


def cut_off(table: Path) -> Path:
    """Overwrite `OLD` by `NEW`, but move no file into place; return one that is staged."""

    class Stuck(LocalPlatform):
        def move_files(self, moves: Iterable[tuple[str, str]]) -> None:  # noqa: ARG002 - it moves none
            message = "out of order"
            raise PlatformError(message)

    load(LocalPlatform(), table, OLD, seq=1)
    with pytest.raises(UnknownOutcomeError):
        load(Stuck(), table, NEW, seq=2, replace=True)
    [staged] = table.glob("_datacoolie/*/staged/**/c.csv")
    return staged


def test_a_publication_that_lost_a_file_removes_nothing(platform: LocalPlatform, table: Path) -> None:
    cut_off(table).unlink()
    with pytest.raises(DestinationError, match=r"c\.csv.*Put the file back there; or .* delete the files") as caught:
        FolderCommits(platform, str(table), "other").recover()
    assert {"a.csv", "p=1/b.csv"} <= set(below(table))
    # As the error says: the load is given up, and comes again.
    manifest = Path(caught.value.details["manifest"])
    for add in json.loads(manifest.read_text())["adds"]:
        (table / add["path"]).unlink(missing_ok=True)
    manifest.unlink()
    load(platform, table, NEW, seq=2, replace=True)
    assert rows(table) == [4, 5, 6, 7]


def test_a_publication_that_others_finished_and_replaced(table: Path) -> None:
    class Slow(LocalPlatform):
        def move_files(self, moves: Iterable[tuple[str, str]]) -> None:
            asked = [*moves]
            load(LocalPlatform(), table, {"z.csv": "8\n"}, seq=3, replace=True)
            super().move_files(asked)

    cut_off(table)
    FolderCommits(Slow(), str(table), "flow").recover()
    assert rows(table) == [8]


class FaultyPlatform(LocalPlatform):
    """Breaks down at one moment: before or after one of its calls, counted from 1."""

    def __init__(self, moment: int, breakdown: Callable[[], NoReturn]) -> None:
        super().__init__()
        self.moments = 0
        self._moment = moment
        self._breakdown = breakdown

    def tick(self) -> None:
        self.moments += 1
        if self.moments == self._moment:
            self._breakdown()


def _ticking(name: str) -> Callable[..., object]:
    def call(self: FaultyPlatform, *args: object) -> object:
        self.tick()
        result = getattr(LocalPlatform, name)(self, *args)
        self.tick()
        return result

    return call


for _name in ("read", "write", "write_if_absent", "list", "delete", "move"):
    setattr(FaultyPlatform, _name, _ticking(_name))


def _raise() -> NoReturn:
    message = "out of order"
    raise PlatformError(message)


def _kill() -> NoReturn:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError


def _fails(platform: FaultyPlatform, table: Path, replace: bool) -> bool:  # noqa: FBT001 - passed on
    try:
        load(platform, table, NEW, seq=2, replace=replace, run="cut off")
    except (PlatformError, UnknownOutcomeError):
        return True
    return False


def _dies(platform: FaultyPlatform, table: Path, replace: bool) -> bool:  # noqa: FBT001 - passed on
    child = os.fork()
    if not child:
        try:
            load(platform, table, NEW, seq=2, replace=replace, run="cut off")
            os._exit(0)
        finally:
            os._exit(1)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert status in {0, -signal.SIGKILL}
    return status != 0


WAYS = [
    pytest.param(_fails, _raise, id="error"),
    pytest.param(
        _dies, _kill, id="kill -9", marks=pytest.mark.skipif(not hasattr(os, "fork"), reason="the system can't fork")
    ),
]


@pytest.mark.parametrize("replace", [False, True], ids=["append", "overwrite"])
@pytest.mark.parametrize(("breaks", "breakdown"), WAYS)
def test_whenever_a_load_breaks_off_rows_are_old_or_new(
    tmp_path: Path,
    breaks: Callable[[FaultyPlatform, Path, bool], bool],
    breakdown: Callable[[], NoReturn],
    replace: bool,  # noqa: FBT001 - data
) -> None:
    old, new = [1, 2, 3], [4, 5, 6, 7] if replace else [1, 2, 3, 4, 5, 6, 7]
    outcomes: Counter[str] = Counter()
    moment = 1
    while True:
        table = tmp_path / str(moment)
        load(LocalPlatform(), table, OLD, seq=1)
        if not breaks(FaultyPlatform(moment, breakdown), table, replace):
            break
        assert rows(table) in (old, new), moment
        commits = FolderCommits(LocalPlatform(), str(table), "flow")
        commits.recover()
        found = commits.newest(after=1)
        outcomes["committed" if found else "not committed"] += 1
        assert rows(table) == (new if found else old), moment
        if found is None:
            load(LocalPlatform(), table, NEW, seq=2, replace=replace, run="next")
        assert rows(table) == new, moment
        visible = sorted(NEW if replace else {**OLD, **NEW})
        manifests = [f"_datacoolie/flow/1-00000000000{seq}.json" for seq in (1, 2)]
        assert below(table) == manifests + visible, moment
        moment += 1
    assert rows(table) == new
    assert outcomes["committed"] >= 7
    assert outcomes["not committed"] >= 5


@pytest.mark.parametrize("replace", [False, True], ids=["append", "overwrite"])
def test_recovery_may_break_off_too(tmp_path: Path, replace: bool) -> None:  # noqa: FBT001 - data
    old, new = [1, 2, 3], [4, 5, 6, 7] if replace else [1, 2, 3, 4, 5, 6, 7]
    recoveries = 0
    for first in itertools.count(1):
        for second in itertools.count(1):
            table = tmp_path / f"{first}-{second}"
            load(LocalPlatform(), table, OLD, seq=1)
            if not _fails(FaultyPlatform(first, _raise), table, replace):
                assert recoveries > 100
                return
            seen = rows(table)
            faulty = FaultyPlatform(second, _raise)
            with contextlib.suppress(PlatformError):
                FolderCommits(faulty, str(table), "flow").recover()
            assert rows(table) in ((new,) if seen == new else (old, new))
            commits = FolderCommits(LocalPlatform(), str(table), "flow")
            commits.recover()
            recoveries += 1
            assert rows(table) == (new if commits.newest(after=1) else old)
            if faulty.moments < second:
                break


class Slow(LocalPlatform):
    """Lists a folder only after `meanwhile`, once."""

    def __init__(self, folder: Path, meanwhile: Callable[[], object]) -> None:
        super().__init__()
        self._folder = str(folder)
        self._meanwhile: Callable[[], object] | None = meanwhile

    def list(self, folder: str) -> Iterator[FileInfo]:
        found = super().list(folder)
        if folder == self._folder and (meanwhile := self._meanwhile):
            self._meanwhile = None
            meanwhile()
        return found


def test_a_listing_that_a_commit_came_into_is_repeated(platform: LocalPlatform, table: Path) -> None:
    load(platform, table, OLD, seq=1)
    reader = Slow(table, lambda: load(platform, table, NEW, seq=2, replace=True))
    assert [Path(file.path).name for file in live_files(reader, str(table))] == ["c.csv", "d.csv", "e.csv"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system can't fork")
def test_readers_beside_a_writer_see_whole_loads(table: Path) -> None:
    load(LocalPlatform(), table, {f"1-{part}.csv": "1\n" for part in range(3)}, seq=1)
    child = os.fork()
    if not child:
        try:
            for seq in range(2, 62):
                files = {f"p={part}/{seq}.csv": f"{seq}\n" for part in range(3)}
                load(LocalPlatform(), table, files, seq=seq, replace=seq % 4 == 0)
            os._exit(0)
        finally:
            os._exit(1)
    seen = set()
    while os.waitpid(child, os.WNOHANG) == (0, 0):
        counts = Counter(Path(file.path).stem.partition("-")[0] for file in live_files(LocalPlatform(), str(table)))
        assert set(counts.values()) == {3}, counts
        loads = sorted(map(int, counts))
        assert len(loads) <= 4
        assert loads == list(range(loads[0], loads[-1] + 1))
        seen.add(tuple(loads))
    assert len(seen) > 10
    assert sorted(set(rows(table))) == [60, 61]


def test_a_manifest_of_its_own_is_no_conflict(table: Path) -> None:
    class TriesTwice(LocalPlatform):
        """Finds, as a client of an object store may after a time-out, what its first try wrote."""

        def write_if_absent(self, path: str, data: bytes) -> str | None:
            super().write_if_absent(path, data)
            return super().write_if_absent(path, data)

    load(TriesTwice(), table, OLD, seq=1)
    assert rows(table) == [1, 2, 3]


def test_a_refused_commit_leaves_nothing(platform: LocalPlatform, table: Path) -> None:
    class Refusing(LocalPlatform):
        def write_if_absent(self, path: str, data: bytes) -> str | None:  # noqa: ARG002 - part of the contract
            message = f"{path}: no"
            raise AccessDeniedError(message)

    load(platform, table, OLD, seq=1)
    with pytest.raises(AccessDeniedError):
        load(Refusing(), table, NEW, seq=2, replace=True)
    assert below(table) == ["_datacoolie/flow/1-000000000001.json", "a.csv", "p=1/b.csv"]


def test_a_manifest_says_what_the_commit_did(platform: LocalPlatform, table: Path) -> None:
    load(platform, table, {"a.csv": "1\n"}, seq=1)
    load(platform, table, {"b.csv": "2\n3\n"}, seq=2, replace=True)
    manifest = json.loads((table / "_datacoolie/flow/1-000000000002.json").read_text())
    assert manifest.pop("created_at").endswith("+00:00")
    assert manifest == {
        "schema_version": 1,
        "dataflow_id": "flow",
        "epoch": 1,
        "seq": 2,
        "mode": "overwrite",
        "metadata": {"run_id": "run", "mark": "mark 2"},
        "staging": "_datacoolie/flow/staged/1-run",
        "adds": [{"staged": "_datacoolie/flow/staged/1-run/stem/b.csv", "path": "b.csv", "size": 4}],
        "removes": ["a.csv"],
    }
