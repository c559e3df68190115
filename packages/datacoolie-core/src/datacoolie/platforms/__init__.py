"""The platform contract, and the local platform."""

from datacoolie.platforms.base import (
    AccessDeniedError,
    BasePlatform,
    Content,
    FileInfo,
    PathNotFoundError,
    StorageFullError,
)

__all__ = ["AccessDeniedError", "BasePlatform", "Content", "FileInfo", "PathNotFoundError", "StorageFullError"]
