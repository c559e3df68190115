"""Sources: what is new, found cheaply, and exactly that scanned."""

from __future__ import annotations

from datacoolie.sources.base import BaseSource, Bound, Reading, Window

__all__ = ["BaseSource", "Bound", "Reading", "Window"]
