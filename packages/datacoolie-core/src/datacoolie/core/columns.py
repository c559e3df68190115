"""Names of the columns that the framework adds to targets; all of them start with `__`."""

from __future__ import annotations

CREATED_AT = "__created_at"
"""When a row was first loaded: start of that run, UTC. An upsert keeps it."""
UPDATED_AT = "__updated_at"
"""When a row was last written by a load: start of that run, UTC."""
UPDATED_BY = "__updated_by"
"""Who ran that load."""
DATAFLOW_RUN_ID = "__dataflow_run_id"
"""The run of that load."""

SYSTEM_COLUMNS = (CREATED_AT, UPDATED_AT, UPDATED_BY, DATAFLOW_RUN_ID)
"""The columns that every load adds, in order."""

VALID_FROM = "__valid_from"
"""When a version begins to hold, inclusive."""
VALID_TO = "__valid_to"
"""When a version stops to hold, exclusive; null for the one that still holds."""
IS_CURRENT = "__is_current"
"""Whether a version still holds."""
REPEATS = "__repeats"
"""Events that repeated a version: when, and what they said in columns that make no version; null for none."""

HISTORY_COLUMNS = (VALID_FROM, VALID_TO, IS_CURRENT, REPEATS)
"""The columns that `scd2` adds, in order."""

DELETED = "__deleted"
"""Whether an event of `scd2` closes its key; never reaches the target."""
