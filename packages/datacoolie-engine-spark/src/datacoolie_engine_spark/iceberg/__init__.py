"""Iceberg tables: one statement a load, whose snapshot carries the token, and what the metadata says of it."""
