"""From documents to metadata: build every model once, check what crosses them, raise all faults together."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING

from datacoolie.core.exceptions import MetadataError
from datacoolie.core.models import Connection, DataFlow, SchemaHintSet
from datacoolie.core.suggest import did_you_mean, listed
from datacoolie.metadata.entries import build_all, salvage
from datacoolie.metadata.faults import DocumentError, Fault
from datacoolie.metadata.literals import find_literals
from datacoolie.metadata.model import Metadata
from datacoolie.metadata.sections import Sections, overlay
from datacoolie.metadata.validation import Draft, validate

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from datacoolie.metadata.documents import Document


def load_documents(
    documents: Sequence[Document],
    *,
    target: str | None = None,
    project: Document | None = None,
    environ: Mapping[str, str] | None = None,
) -> Metadata:
    """Return what all documents say together.

    Args:
        documents: read, in order.
        target: the target to overlay; `None`: none.
        project: the project file, of which the targets are read.
        environ: variables for `${VAR}`; by default those of the process.

    Raises:
        DocumentError: with the faults of all documents.
        MetadataError: there is no such target.
    """
    variables = os.environ if environ is None else environ
    sections = Sections()
    for document in documents:
        sections.read(document, variables)
    if project is not None:
        sections.read_targets(project)
    _check_target(sections, target)
    overlay(sections, target, variables)
    for entry in (*sections.connections, *sections.dataflows):
        find_literals(entry)
    draft = Draft(
        sections=sections,
        connections=build_all(sections.connections, Connection),
        dataflows=build_all(sections.dataflows, DataFlow),
        salvaged=[again for entry in sections.dataflows if entry.wrong and (again := salvage(entry, DataFlow))],
        schema_hints=build_all(sections.schema_hints, SchemaHintSet),
    )
    for built in draft.connections:
        built.model.stands_in(built.entry.document.path)
    validate(draft)
    everything = [*documents, *([project] if project else [])]
    raise_faults(everything)
    return replace(_metadata(draft), remarks=tuple(remark for each in everything for remark in each.remarks))


def raise_faults(documents: Sequence[Document]) -> None:
    """Raise all faults of the documents, if there are any, each once and in order.

    Raises:
        DocumentError: there are some.
    """
    faults = [fault for document in documents for fault in sorted(document.faults, key=_position)]
    if faults:
        raise DocumentError(dict.fromkeys(faults))


def _position(fault: Fault) -> tuple[str, int, int]:
    return fault.sheet or "", fault.line or 0, fault.column or 0


def _check_target(sections: Sections, target: str | None) -> None:
    names = list(dict.fromkeys(str(path[-1]) for _, path, _ in sections.targets))
    if target is not None and target not in names:
        message = f"No target is called {target!r}. Targets: {listed(names)}.{did_you_mean(target, names)}"
        raise MetadataError(message, {"target": target})


def _metadata(draft: Draft) -> Metadata:
    """Link the valid models; a flow that uses an inactive connection is disabled."""
    inactive = {built.model.name for built in draft.connections if not built.model.is_active}
    return Metadata(
        connections=tuple(built.model for built in draft.connections),
        dataflows=tuple(_disabled_by(built.model, inactive) for built in draft.dataflows),
        schema_hints=tuple(built.model for built in draft.schema_hints),
    )


def _disabled_by(flow: DataFlow, inactive: set[str]) -> DataFlow:
    for end in (flow.source, flow.destination):
        used = end.connection
        if (end.connection_name in inactive) if used is None else not used.is_active:
            return flow.model_copy(update={"is_active": False})
    return flow
