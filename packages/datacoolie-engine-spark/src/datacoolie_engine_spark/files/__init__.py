"""Flat files: readers, writers, and the operations that the engine offers on them."""
