"""The contract of metadata providers: where documents come from."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar

from datacoolie.metadata.loading import load_documents

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from datacoolie.metadata.documents import Document
    from datacoolie.metadata.model import Metadata


class BaseMetadataProvider(ABC):
    """Gives connections, dataflows and schema hints; a subclass only says what was written and where.

    Registered under the entry-point group `datacoolie.metadata`:

        [project.entry-points."datacoolie.metadata"]
        file = "datacoolie.metadata.file:FileMetadataProvider"

    Args:
        target: the target to overlay; `None`: none.
        environ: variables for `${VAR}`; by default those of the process.
    """

    contract_version: ClassVar[int] = 1
    """Moves when plugins have to be changed; a plugin of another package states the one that it is built for."""

    def __init__(self, *, target: str | None = None, environ: Mapping[str, str] | None = None) -> None:
        """Keep how documents are to be read; nothing is read yet."""
        self.target = target
        self.environ = environ

    @abstractmethod
    def documents(self) -> Sequence[Document]:
        """Return the documents, with what is wrong with their texts in their `faults`.

        Raises:
            MetadataError: there are none.
        """

    @property
    def project(self) -> Document | None:
        """The project file, of which the targets are read."""
        return None

    def load(self) -> Metadata:
        """Return what all documents say together, valid and linked.

        Raises:
            DocumentError: with all faults of all documents.
            MetadataError: there are no documents, or no such target.
        """
        documents = self.documents()
        return load_documents(documents, target=self.target, project=self.project, environ=self.environ)
