"""Transformers: what happens to rows between source and destination, the same on every engine."""

from __future__ import annotations

from datacoolie.transformers.base import BaseTransformer, TransformContext

__all__ = ["BaseTransformer", "TransformContext"]
