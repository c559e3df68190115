"""Sources: what is new, found cheaply, and exactly that scanned."""
