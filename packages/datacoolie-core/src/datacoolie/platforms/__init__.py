"""The platform contract, and the local platform."""

from datacoolie.platforms.base import (
    AccessDeniedError,
    BasePlatform,
    Content,
    Dialect,
    FileInfo,
    HasOwnWriters,
    IssuesCredentials,
    LimitsPlaces,
    PathNotFoundError,
    StorageFullError,
    TemporaryCredentials,
)
from datacoolie.platforms.catalogs import CatalogFormat, CatalogTable, NamedTable, NamesTables, RegistersTables
from datacoolie.platforms.object_store import FailedRequest, ObjectStore
from datacoolie.platforms.routing import RemotePlatform, RoutedPlatform
from datacoolie.platforms.storage import Storage

__all__ = [
    "AccessDeniedError",
    "BasePlatform",
    "CatalogFormat",
    "CatalogTable",
    "Content",
    "Dialect",
    "FailedRequest",
    "FileInfo",
    "HasOwnWriters",
    "IssuesCredentials",
    "LimitsPlaces",
    "NamedTable",
    "NamesTables",
    "ObjectStore",
    "PathNotFoundError",
    "RegistersTables",
    "RemotePlatform",
    "RoutedPlatform",
    "Storage",
    "StorageFullError",
    "TemporaryCredentials",
]
