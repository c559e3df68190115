"""Databricks for DataCoolie: files of volumes (platform `databricks`), secrets of scopes (resolver `databricks`)."""

from datacoolie_platform_databricks.platform import DatabricksPlatform
from datacoolie_platform_databricks.scopes import DatabricksResolver

__all__ = ["DatabricksPlatform", "DatabricksResolver"]
