"""Iceberg tables in a catalog: staged files, one commit, and what the snapshots say of it."""
