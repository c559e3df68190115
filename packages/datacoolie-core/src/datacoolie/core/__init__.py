"""The bottom layer: registry, exceptions, models, types, secrets."""
