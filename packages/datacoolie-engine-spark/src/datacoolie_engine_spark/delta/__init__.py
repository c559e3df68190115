"""Delta tables: one statement a load, which carries the token, and what the log says of it."""
