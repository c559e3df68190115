"""Flat files: readers, sinks, and the operations that the engine offers on them."""
