"""Sources: what is new, found cheaply, and exactly that scanned."""

from __future__ import annotations

from datacoolie.sources.base import BaseSource, Bound, Reading, Window
from datacoolie.sources.columns import type_of
from datacoolie.sources.watermarks import Watermarks

__all__ = ["BaseSource", "Bound", "Reading", "Watermarks", "Window", "type_of"]
