"""Commits into folders of flat files: all of a load's files appear, or none.

A load's files are staged where no reader looks. The commit is a manifest that is created only if its name is free. Then
the commit is published: staged files are moved into place, and only then the files that it replaces are removed. Any
run can finish a publication that was cut off, for each step may be done again. Until the last file is in place readers
of ours go on to see the table as it was before; from then on they leave out the files that are about to be removed.

For other readers an append appears file by file, and an overwrite shows old and new rows until the old files are gone.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from datacoolie.core.exceptions import DestinationError, ErrorClass, PlatformError
from datacoolie.core.redaction import get_logger
from datacoolie.engines.model import Commit, CommitConflictError, UnknownOutcomeError, WriteResult
from datacoolie.platforms.base import AccessDeniedError, PathNotFoundError, StorageFullError
from datacoolie.state.manifest import CONTROL, Add, FlowFolder, Manifest, Mode, list_flow, list_flows, read_manifest
from datacoolie.state.names import file_name
from datacoolie.state.views import View, is_file_name, is_visible, live_files, look

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from datacoolie.engines.model import Staged, Token
    from datacoolie.platforms.base import BasePlatform, FileInfo

KEPT = 20
"""How many manifests of a flow stay."""

_ABANDONED = timedelta(hours=1)
"""Staged files that nobody touched for so long belong to a run that died."""

IDENTITY = "files"
"""The identity of any folder that a flow has committed into."""

_MARKER = "_removing"
"""A staged file that is there until all old files are removed."""

_log = get_logger(__name__)


class FolderCommits:
    """Commits of one dataflow into one target: a folder of files, or a single file (a name with an extension).

    Args:
        platform: where the target is.
        target: path or URI of the folder or file.
        dataflow_id: whose commits.

    Attributes:
        single_file: the target is one file.
    """

    def __init__(self, platform: BasePlatform, target: str, dataflow_id: str) -> None:
        """Remember the place; nothing is read yet."""
        self._platform = platform
        self._target = platform.resolve(target)
        parent, _, name = self._target.rpartition("/")
        self.single_file = is_file_name(name)
        self._root = parent if self.single_file else self._target
        self._control = f"{self._root}/{CONTROL}/{file_name(name)}" if self.single_file else f"{self._root}/{CONTROL}"
        self._flow = file_name(dataflow_id)
        self._folder = f"{self._control}/{self._flow}"
        self._staging = self._attempt = ""
        self._base: tuple[int, int] | None = None
        self._seen: FlowFolder | None = None
        self._listed = FlowFolder()
        self._view: View | None = None

    def newest(self, after: int = -1) -> Commit | None:
        """Return the flow's newest commit when its `seq` is above `after`, as `recover` has just seen it, or as it is.

        Raises:
            DestinationError: its manifest is damaged.
        """
        listed, self._seen = self._seen or self._list(), None
        self._base = listed.newest
        if not listed.manifests or listed.newest[0] <= after:
            return None
        manifest = read_manifest(self._platform, f"{self._folder}/{listed.manifests[listed.newest]}")
        return Commit(token=manifest.token, metadata=manifest.metadata) if manifest else None

    def added(self) -> frozenset[str]:
        """Return the paths of the files that the flow's newest commit added.

        Raises:
            DestinationError: its manifest is damaged.
        """
        listed = self._list()
        if not listed.manifests:
            return frozenset()
        manifest = read_manifest(self._platform, f"{self._folder}/{listed.manifests[listed.newest]}")
        return frozenset(f"{self._root}/{add.path}" for add in manifest.adds) if manifest else frozenset()

    @property
    def has_commits(self) -> bool:
        """Whether there is any commit of the flow, as of the last look."""
        if self._base is None:
            self._base = self._list().newest
        return self._base[0] > 0

    def recover(self) -> None:
        """Finish publications that were cut off, of any flow, and remove what dead runs of this flow staged."""
        view = self._finish_publications()
        self._view = None if view.unfinished else view
        self._seen = self._listed = self._list() if view.unfinished else view.flows.get(self._flow, FlowFolder())
        self._remove_leftovers(self._folder, self._seen)

    def tidy(self, live_runs: Collection[str]) -> int:
        """Finish publications that were cut off, and remove what dead runs staged and old manifests, of any flow.

        Args:
            live_runs: runs that are loading now, whose files stay.

        Returns:
            How many files were removed.
        """
        self._finish_publications()
        removed = 0
        for flow, listed in list_flows(self._platform, self._control).items():
            folder = f"{self._control}/{flow}"
            removed += self._remove_old_manifests(folder, listed)
            removed += self._remove_leftovers(folder, listed, {file_name(run) for run in live_runs})
        return removed

    def staging_folder(self, run_id: str, stem: str) -> str:
        """Return the folder for the files that an attempt of a run stages, which no reader sees.

        Args:
            run_id: the run.
            stem: no other attempt has it, so that what is left of one is never committed by another.
        """
        if self._base is None:
            self._base = self._list().newest
        self._staging = f"{self._folder[len(self._root) + 1 :]}/staged/{self._base[0]}-{file_name(run_id)}"
        self._attempt = f"{self._root}/{self._staging}/{file_name(stem)}"
        return self._attempt

    def staged_files(self) -> tuple[FileInfo, ...]:
        """Return the files that are in the staging folder now, but hidden ones."""
        files = self._list().staged.get(self._staging.rpartition("/")[2], ())
        mine = (file for file in files if file.path.startswith(f"{self._attempt}/"))
        return tuple(file for file in mine if is_visible(self._below_attempt(file)))

    def discard(self) -> None:
        """Remove what was staged, as far as that is possible now; later runs remove the rest."""
        self._delete_quietly(f"{self._root}/{self._staging}")

    def commit(self, files: Sequence[FileInfo], staged: Staged, commit: Commit, *, replace: bool) -> WriteResult:
        """Make staged files part of the target.

        Args:
            files: `staged_files` right after the pass: whoever takes some away later makes the commit fail.
            staged: what the pass said of them.
            commit: the token, whose number no commit of the flow has yet, and what to store with it.
            replace: they become the whole of the target; otherwise they are added.

        Raises:
            CommitConflictError: another run of the flow committed this number, or a later one; nothing was changed.
            UnknownOutcomeError: the platform failed at the commit, or after it; `recover` and `newest` tell.
            PlatformError: the platform failed before the commit; nothing was changed.
            DestinationError: the target is one file, and the load does not replace it with exactly one; or there are
                rows, but no files.
        """
        try:
            manifest = self._plan(files, staged, commit, replace=replace)
            if manifest.removes:
                self._platform.write(f"{self._root}/{manifest.staging}/{_MARKER}", b"")
        except BaseException:
            self.discard()
            raise
        self._create(manifest)
        try:
            self._settle(manifest)
        except PlatformError as error:
            message = f"{self._target}: the load was committed, but not all of it is in place yet: {error.message}"
            raise UnknownOutcomeError(message, error.details) from error
        return WriteResult(
            version="",
            rows=staged.rows,
            size=sum(add.size for add in manifest.adds),
            files=len(manifest.adds),
            removed_files=len(manifest.removes),
            identity=IDENTITY,
        )

    def _list(self) -> FlowFolder:
        self._listed = list_flow(self._platform, self._folder)
        return self._listed

    def _plan(self, files: Sequence[FileInfo], staged: Staged, commit: Commit, *, replace: bool) -> Manifest:
        if self._listed.newest != self._base:
            raise self._conflict(commit.token)
        if staged.rows and not files:
            message = (
                f"{self._attempt}: {staged.rows:,} rows were written here, but there is no file. An engine that runs "
                "on another machine needs a path that is the same place for both"
            )
            raise DestinationError(message, {"path": self._attempt}).classed(ErrorClass.CONFIGURATION)
        if self.single_file and not (replace and len(files) == 1):
            what = f"the load made {len(files)} files" if replace else "rows can't be appended to it"
            message = f"{self._target} is one file: {what}. Use load_type overwrite, or a table name without extension."
            raise DestinationError(message, {"path": self._target}).classed(ErrorClass.CONFIGURATION)
        adds = tuple(
            Add(
                staged=file.path[len(self._root) + 1 :],
                path=self._published(file, staged.extension),
                size=file.size,
            )
            for file in files
        )
        return Manifest(
            token=commit.token,
            metadata=commit.metadata,
            mode=Mode.OVERWRITE if replace else Mode.APPEND,
            staging=self._staging,
            adds=adds,
            removes=() if self.single_file or not replace else self._present(),
            created_at=datetime.now(UTC),
        )

    def _published(self, file: FileInfo, extension: str) -> str:
        """Return where a staged file goes, of which the engine chose the name up to the first dot."""
        if self.single_file:
            return self._target.rpartition("/")[2]
        folder, slash, name = self._below_attempt(file).rpartition("/")
        return f"{folder}{slash}{name.partition('.')[0]}.{extension}"

    def _below_attempt(self, file: FileInfo) -> str:
        return file.path[len(self._attempt) + 1 :]

    def _present(self) -> tuple[str, ...]:
        """Return the files that an overwrite replaces, below the root."""
        files = live_files(self._platform, self._root, self._view)
        return tuple(file.path[len(self._root) + 1 :] for file in files)

    def _create(self, manifest: Manifest) -> None:
        """Create the manifest: the commit. When it returns, the manifest is there and is ours."""
        path, data = f"{self._folder}/{manifest.name}", manifest.to_bytes()
        try:
            created = self._platform.write_if_absent(path, data) is not None
        except PlatformError as error:
            if not isinstance(error, (AccessDeniedError, StorageFullError)):
                message = f"{self._target}: whether the load was committed is unknown: {error.message}"
                raise UnknownOutcomeError(message, error.details) from error
            self.discard()
            raise
        if not created and not self._has(path, data):
            self.discard()
            raise self._conflict(manifest.token)

    def _has(self, path: str, data: bytes) -> bool:
        """Whether a file has these bytes: a client that tried twice may have found its own manifest."""
        try:
            return self._platform.read(path).data == data
        except PathNotFoundError:
            return False

    def _settle(self, manifest: Manifest) -> None:
        """Publish what was committed, unless this run was so slow that others went on without it.

        The name of its manifest was free, and there was no newer one when all files were staged. So nobody committed
        this number, or that manifest was removed as an old one since, which happens only when the staged files are gone
        (`FlowFolder.old`): then one is missing here. Where none could be, a look tells.
        """
        if self.single_file or not manifest.adds:
            self._make_sure(manifest)
        try:
            self._publish(manifest)
        except PathNotFoundError:
            self._make_sure(manifest)
            raise
        self._remove_what_is_over(manifest)

    def _make_sure(self, manifest: Manifest) -> None:
        """Take a commit back that others went on without.

        Raises:
            CommitConflictError: it was such a commit.
        """
        listed = self._list()
        waiting = listed.staged_paths(manifest)
        # A file that is in place already was published by another flow's run, which finishes what it finds unfinished.
        complete = all(
            f"{self._root}/{add.staged}" in waiting
            or (not self.single_file and self._platform.stat(f"{self._root}/{add.path}") is not None)
            for add in manifest.adds
        )
        if not complete or listed.newest != (manifest.token.seq, manifest.token.epoch):
            if not self.single_file:
                # Their names are those of this attempt alone.
                self._platform.delete_files(f"{self._root}/{add.path}" for add in manifest.adds)
            self._platform.delete(f"{self._folder}/{manifest.name}")
            self.discard()
            raise self._conflict(manifest.token)

    def _remove_what_is_over(self, manifest: Manifest) -> None:
        """Remove old manifests of the flow, and what runs staged that can't commit any more after this commit."""
        known, own = self._listed, manifest.staging.rpartition("/")[2]
        listed = FlowFolder(
            manifests={**known.manifests, (manifest.token.seq, manifest.token.epoch): manifest.name},
            staged={name: files for name, files in known.staged.items() if name != own},
        )
        self._remove_old_manifests(self._folder, listed)
        self._remove_leftovers(self._folder, listed)

    def _finish_publications(self) -> View:
        view = look(self._platform, self._root, self._control)
        for flow, publication in view.unfinished.items():
            _log.info("%s: finishing the publication of %s", self._target, publication.manifest.name)
            try:
                self._publish(publication.manifest)
            except PathNotFoundError as error:
                # Another run may have finished it, and an overwrite then have removed its files.
                if flow in look(self._platform, self._root, self._control).unfinished:
                    raise self._blocked(flow, publication.manifest, error) from error
        return view

    def _remove_old_manifests(self, folder: str, listed: FlowFolder) -> int:
        """Remove all but the newest manifests of a flow, and return how many."""
        old = listed.old(KEPT)
        for name in old:
            self._delete_quietly(f"{folder}/{name}")
        return len(old)

    def _publish(self, manifest: Manifest) -> None:
        """Show the new files, then remove the old ones; each step may have been done before."""
        self._platform.move_files((f"{self._root}/{add.staged}", f"{self._root}/{add.path}") for add in manifest.adds)
        self._platform.delete_files(f"{self._root}/{path}" for path in manifest.removes)
        self._platform.delete(f"{self._root}/{manifest.staging}")

    def _remove_leftovers(self, folder: str, listed: FlowFolder, live_runs: Collection[str] = ()) -> int:
        """Remove staged folders of runs of a flow that can't commit any more, and return how many files were in them.

        A folder's name begins with the number of the newest commit that its run knew; that run wants one of the next
        numbers. If there is a newer commit by now it fails. If there is none the run may just be slow, and its files
        stay until nobody can be waiting for them.
        """
        now, removed = datetime.now(UTC), 0
        for name, files in listed.staged.items():
            if name.partition("-")[2] in live_runs:
                continue
            if listed.is_outdated(name) or now - max(file.modified for file in files) > _ABANDONED:
                self._delete_quietly(f"{folder}/staged/{name}")
                removed += len(files)
        return removed

    def _delete_quietly(self, path: str) -> None:
        """Remove what nobody needs; a failure leaves it to a later run."""
        try:
            self._platform.delete(path)
        except PlatformError as error:
            _log.warning("%s was not removed: %s", path, error)

    def _blocked(self, flow: str, manifest: Manifest, error: PathNotFoundError) -> DestinationError:
        path = f"{self._control}/{flow}/{manifest.name}"
        message = (
            f"{self._target}: load {manifest.token.seq} of dataflow {manifest.token.dataflow_id!r} was committed, but "
            f"one of its files is lost, and nobody can load into this folder before that is settled: {error.message} "
            f"Put the file back there; or give the load up: delete the files that {path} names in 'adds', as far as "
            "they are there, then that manifest, and run the dataflow again, which loads the same rows anew."
        )
        return DestinationError(message, {**error.details, "manifest": path}).classed(ErrorClass.DATA)

    def _conflict(self, token: Token) -> CommitConflictError:
        message = (
            f"{self._target}: another run of dataflow {token.dataflow_id!r} committed load "
            f"{token.seq} or a later one first. The load has to be planned again."
        )
        return CommitConflictError(message, {"path": self._target, "seq": token.seq})
