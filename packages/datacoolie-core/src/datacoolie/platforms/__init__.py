"""The platform contract, and the local platform."""

from datacoolie.platforms.base import (
    AccessDeniedError,
    BasePlatform,
    Content,
    Dialect,
    FileInfo,
    IssuesCredentials,
    PathNotFoundError,
    StorageFullError,
    TemporaryCredentials,
)
from datacoolie.platforms.routing import RoutedPlatform
from datacoolie.platforms.storage import Storage

__all__ = [
    "AccessDeniedError",
    "BasePlatform",
    "Content",
    "Dialect",
    "FileInfo",
    "IssuesCredentials",
    "PathNotFoundError",
    "RoutedPlatform",
    "Storage",
    "StorageFullError",
    "TemporaryCredentials",
]
