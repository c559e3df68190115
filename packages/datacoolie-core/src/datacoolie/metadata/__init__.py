"""Metadata documents: read, validated as a whole, linked."""

from __future__ import annotations

from datacoolie.metadata.base import BaseMetadataProvider
from datacoolie.metadata.faults import DocumentError, Fault
from datacoolie.metadata.file import FileMetadataProvider
from datacoolie.metadata.model import Metadata
from datacoolie.metadata.project import LoadedProject, load_project

__all__ = [
    "BaseMetadataProvider",
    "DocumentError",
    "Fault",
    "FileMetadataProvider",
    "LoadedProject",
    "Metadata",
    "load_project",
]
