"""Destinations: one atomic commit per load."""

from __future__ import annotations

from datacoolie.destinations.base import BaseDestination, Cared, CareRequest, LoadRequest

__all__ = ["BaseDestination", "CareRequest", "Cared", "LoadRequest"]
