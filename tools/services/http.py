"""Asking a server that is starting whether it answers."""

from __future__ import annotations

import ssl
import urllib.request
from typing import TYPE_CHECKING
from urllib.error import HTTPError, URLError

if TYPE_CHECKING:
    from pathlib import Path


def answers(url: str, *, refusing: bool = False, ca: Path | None = None) -> bool:
    """Whether a server answers with what was asked for, or, if it is `refusing`, with an HTTP error.

    Args:
        url: what is asked for.
        refusing: whether an HTTP error is an answer.
        ca: file with the certificate that the server's is checked with; there may be none yet.
    """
    try:
        context = ssl.create_default_context(cafile=ca) if ca else None
        with urllib.request.urlopen(url, timeout=5, context=context):  # noqa: S310 - a URL of this package
            return True
    except HTTPError as refusal:
        refusal.close()
        return refusing
    except (URLError, OSError):
        return False
