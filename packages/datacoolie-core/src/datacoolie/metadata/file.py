"""Documents in files and folders."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from datacoolie.core.exceptions import MetadataError
from datacoolie.core.suggest import listed
from datacoolie.metadata.base import BaseMetadataProvider
from datacoolie.metadata.documents import READERS, Document, read_document

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

PROJECT_FILES = ("datacoolie.yaml", "datacoolie.yml")
"""Names of a project file, which is no document."""


class FileMetadataProvider(BaseMetadataProvider):
    """Documents in files: one, several, or those of folders.

    Args:
        paths: files and folders; folders are read with all below them, in sorted order, without hidden ones.
        target: the target to overlay; `None`: none.
        environ: variables for `${VAR}`; by default those of the process.
        project: the project file, of which the targets are read.
    """

    def __init__(
        self,
        paths: str | Path | Sequence[str | Path],
        *,
        target: str | None = None,
        environ: Mapping[str, str] | None = None,
        project: Document | None = None,
    ) -> None:
        """Keep where documents are; nothing is read yet."""
        super().__init__(target=target, environ=environ)
        self.paths = [Path(paths)] if isinstance(paths, str | Path) else [Path(path) for path in paths]
        self._project = project

    @property
    def project(self) -> Document | None:
        """The project file, of which the targets are read."""
        return self._project

    def documents(self) -> list[Document]:
        """Read all documents.

        Raises:
            MetadataError: a path is not there, a folder holds no document, or a file's kind is unknown.
        """
        files = dict.fromkeys(file for path in self.paths for file in _files(path))
        return [read_document(file, str(file)) for file in files]


def _files(path: Path) -> list[Path]:
    """Return the documents that a path names."""
    if path.is_dir():
        if found := sorted(_below(path)):
            return found
        message = f"{path}: the folder holds no document. Possible: files that end in {listed(READERS)}."
        raise MetadataError(message, {"path": str(path)})
    if not path.exists():
        message = f"{path}: there is no such file or folder. Name a document, a folder of documents or a project."
        raise MetadataError(message, {"path": str(path)})
    if path.suffix.lower() in READERS:
        return [path]
    message = f"{path}: {path.suffix or 'a name without ending'} is no kind of document. Possible: {listed(READERS)}."
    raise MetadataError(message, {"path": str(path)})


def _below(folder: Path) -> Iterator[Path]:
    """Yield the documents of a folder and of those below it; hidden folders and project files are none."""
    for path in folder.iterdir():
        if path.name.startswith((".", "~$")) or path.name in PROJECT_FILES:
            continue
        if path.is_dir():
            yield from _below(path)
        elif path.suffix.lower() in READERS:
            yield path
