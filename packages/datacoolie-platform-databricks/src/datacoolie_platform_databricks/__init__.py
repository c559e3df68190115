"""Databricks for DataCoolie: the resolver `databricks`, for secrets of scopes."""

from datacoolie_platform_databricks.scopes import DatabricksResolver

__all__ = ["DatabricksResolver"]
