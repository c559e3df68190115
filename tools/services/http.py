"""Asking a server that is starting whether it answers."""

from __future__ import annotations

import urllib.request
from urllib.error import HTTPError, URLError


def answers(url: str, *, refusing: bool = False) -> bool:
    """Whether a server answers with what was asked for, or, if it is `refusing`, with an HTTP error."""
    try:
        with urllib.request.urlopen(url, timeout=5):  # noqa: S310 - a URL of this package
            return True
    except HTTPError as refusal:
        refusal.close()
        return refusing
    except (URLError, OSError):
        return False
