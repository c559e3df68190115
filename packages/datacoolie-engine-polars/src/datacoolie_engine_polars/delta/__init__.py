"""Delta tables: staged files, one commit, and what the log says of it."""
