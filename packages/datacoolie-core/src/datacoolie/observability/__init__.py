"""What a run tells: records, events, logs, tables."""
