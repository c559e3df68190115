"""Projects: which documents, which engine and platform, where the state is."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from datacoolie.core.models import ProjectFile, join_location, resolve_location
from datacoolie.metadata.documents import Document, read_document
from datacoolie.metadata.entries import Entry, build
from datacoolie.metadata.environment import expand
from datacoolie.metadata.file import PROJECT_FILES, FileMetadataProvider
from datacoolie.metadata.literals import find_literals
from datacoolie.metadata.loading import raise_faults

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from datacoolie.metadata.model import Metadata


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedProject:
    """A project, valid.

    Attributes:
        folder: of the project file, or of the document.
        file: the project file; `None` when there is none.
        settings: what it says, or the defaults.
        metadata: what all documents say together.
        state: path or URI of leases, marks and run records.
    """

    folder: Path
    file: Path | None
    settings: ProjectFile
    metadata: Metadata
    state: str


def load_project(
    path: str | Path | Sequence[str | Path], *, target: str | None = None, environ: Mapping[str, str] | None = None
) -> LoadedProject:
    """Load a project, a folder of documents, or documents.

    Args:
        path: a folder with `datacoolie.yaml`, that file itself, a folder of documents, or a document; or several
            documents and folders, of which the first says where relative paths of the project start.
        target: the target to overlay; `None`: none.
        environ: variables for `${VAR}`; by default those of the process.

    Raises:
        DocumentError: with all faults of all documents.
        MetadataError: there are no documents, or no such target.
    """
    several = [Path(path)] if isinstance(path, str | Path) else [Path(each) for each in path]
    given = several[0]
    variables = os.environ if environ is None else environ
    file = _project_file(given) if len(several) == 1 else None
    if file is None:
        folder = given if given.is_dir() else given.parent
        settings = ProjectFile()
        provider = FileMetadataProvider(several, target=target, environ=variables)
    else:
        folder = file.parent
        document, settings = _read(file, variables)
        paths = [folder / each for each in settings.metadata]
        provider = FileMetadataProvider(paths, target=target, environ=variables, project=document)
    return LoadedProject(
        folder=folder,
        file=file,
        settings=settings,
        metadata=provider.load(),
        state=resolve_location(join_location(settings.state), folder),
    )


def _project_file(path: Path) -> Path | None:
    if path.is_file():
        return path if path.name in PROJECT_FILES else None
    return next((path / name for name in PROJECT_FILES if (path / name).is_file()), None)


def _read(file: Path, environ: Mapping[str, str]) -> tuple[Document, ProjectFile]:
    """Read a project file; variables in targets are replaced only when a target is chosen."""
    document = read_document(file, str(file))
    data = document.data
    if document.has_variables and isinstance(data, dict):
        kept = {key: value for key, value in data.items() if key in ("targets", "extensions")}
        data = {
            key: value if key in kept else expand(value, environ, document.fault, (key,)) for key, value in data.items()
        }
    entry = Entry(document=document, path=(), data={} if data is None else data)
    for section in ("engine", "platform", "resolvers"):
        find_literals(entry, (section,))
    built = build(entry, ProjectFile)
    raise_faults([document])
    return document, built.model if built else ProjectFile()
