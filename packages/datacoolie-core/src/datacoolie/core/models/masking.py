"""What of a model may be printed: never a password, token or key, wherever in `configure` it stands."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

from datacoolie.core.redaction import MASK

OPAQUE = frozenset({"storage_options", "catalog_options", "token_request_extras"})
"""Maps of which no value is printed: their keys are other libraries', any may be a credential."""

_SECRET_WORDS = re.compile(
    r"passw|pwd|passphrase|secret|token(?!_url|_auth_method|_request)|credential|authorization|cookie"
    r"|(?:api|access|account|private|shared|auth|sas|license|encryption|master)[-_.]?key(?!_header)"
    r"|signature|^key$|^sas$|^auth$|key_value|connection_?string"
)
_USER_INFO = re.compile(r"(?<=://)[^/@\s]+(?=@)")
_ASSIGNMENT = re.compile(r"(?i)((?:passw\w*|pwd|\w*secret\w*|\w*token|sig|\w*key)\s*=\s*)[^;&\s]+")


def is_secret_name(name: str) -> bool:
    """Return whether a field of this name probably holds a secret: `password`, `auth_token`, `X-API-Key`, ..."""
    lowered = name.lower()
    return _SECRET_WORDS.search(lowered) is not None or lowered in OPAQUE


def mask_text(text: str) -> str:
    """Return `text` without the credentials of URLs and without values such as in `password=...`."""
    return _ASSIGNMENT.sub(rf"\1{MASK}", _USER_INFO.sub(MASK, text))


def masked(value: object, paths: Collection[str] = (), path: str = "") -> object:
    """Return a copy of `value` to print.

    Args:
        value: anything that `configure` may hold.
        paths: dotted paths that hold secrets, whatever their names.
        path: where `value` stands, dotted.
    """
    if path in paths or is_secret_name(path.rpartition(".")[2]):
        return _masked_whole(value)
    if isinstance(value, str):
        return mask_text(value)
    if isinstance(value, Mapping):
        return {key: masked(item, paths, f"{path}.{key}" if path else str(key)) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [masked(item, paths, path) for item in value]
    return value


def _masked_whole(value: object) -> object:
    """Keep the keys of a map, for they help to find a mistake; hide all values."""
    if isinstance(value, Mapping):
        return {key: _masked_whole(item) for key, item in value.items()}
    return value if value is None or isinstance(value, bool) else MASK
