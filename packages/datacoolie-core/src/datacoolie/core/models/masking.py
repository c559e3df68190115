"""What of a model may be printed: never a password, token or key, wherever in `configure` it stands."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Mapping
from enum import Enum, auto
from itertools import pairwise
from urllib.parse import unquote

from datacoolie.core.redaction import MASK, redact

OPAQUE = frozenset({"storage_options", "catalog_options", "token_request_extras"})
"""Maps of which no value is printed: their keys are other libraries', any may be a credential."""

_SECRET_WORDS = re.compile(
    r"passw|pwd|passphrase|secret|token(?!_url|_auth_method|_request)|credential|authorization|cookie"
    r"|(?:api|access|account|private|shared|auth|sas|license|encryption|master)[-_.]?key(?!_header)"
    r"|signature|^key$|^sas$|^auth$|key_value|connection_?string"
)
_USER_INFO = re.compile(r"(?<=://)[^/@\s]+(?=@)")
_ASSIGNMENT = re.compile(r"(?i)((?:passw\w*|pwd|\w*secret\w*|\w*token|sig|\w*key)\s*=\s*)[^;&\s]+")
_ABOUT_SECRETS = re.compile(r"_(?:id|file|path|url|name|header|type|method|provider|format|ttl)$")
_PART = re.compile(
    r"(?i)(?:^|[;?&\s])(?:passw\w*|pwd|\w*secret\w*|\w*token|sig|\w*(?:access|account|api|shared)_?key)\s*=\s*([^;&\s]+)"
)
_WORD = re.compile(r"[A-Za-z0-9+/=_~.-]+")
_RANDOM_LENGTH = 20
_RANDOM_BITS = 3.7
"""Bits of entropy per character; words of a language have fewer."""

_RANDOM_CHANGES = 0.35
"""How often the kind of a character is another one than that of the one before; in names it is less often."""


def is_secret_name(name: str) -> bool:
    """Return whether a field of this name probably holds a secret: `password`, `auth_token`, `X-API-Key`, ..."""
    lowered = name.lower()
    return _SECRET_WORDS.search(lowered) is not None or lowered in OPAQUE


def mask_text(text: str) -> str:
    """Return `text` without known secrets, the credentials of URLs and values such as in `password=...`."""
    return redact(_ASSIGNMENT.sub(rf"\1{MASK}", _USER_INFO.sub(MASK, text)))


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


class Suspicion(Enum):
    """Why a text is taken for a secret."""

    NAME = auto()
    """Its field is called like one."""
    PART = auto()
    """A part of it is one: a password in a URL or a connection string."""
    LOOKS = auto()
    """It is long and looks as if made at random."""


def suspicion(name: str, text: str) -> tuple[Suspicion, list[str]] | None:
    """Return why the text of a field is taken for a secret, and the secrets in it; nothing when it is not.

    Args:
        name: the field.
        text: what it holds.
    """
    if not text:
        return None
    lowered = name.lower()
    if is_secret_name(name) and lowered not in OPAQUE and not _ABOUT_SECRETS.search(lowered):
        return Suspicion.NAME, [text]
    if parts := _passwords(text):
        return Suspicion.PART, parts
    return (Suspicion.LOOKS, [text]) if _looks_random(text) else None


def _passwords(text: str) -> list[str]:
    of_urls = [found.partition(":")[2] for found in _USER_INFO.findall(text)]
    return [form for found in (*of_urls, *_PART.findall(text)) if found for form in {found, unquote(found)}]


def _looks_random(text: str) -> bool:
    """Return whether a text is a long word of all kinds of characters, which change often and are rarely alike."""
    if len(text) < _RANDOM_LENGTH or not _WORD.fullmatch(text):
        return False
    kinds = ["a" if each.islower() else "A" if each.isupper() else "0" if each.isdigit() else "" for each in text]
    changes = sum(left != right for left, right in pairwise(kinds))
    shares = [text.count(each) / len(text) for each in set(text)]
    entropy = -sum(share * math.log2(share) for share in shares)
    return {"a", "A", "0"} <= set(kinds) and changes >= _RANDOM_CHANGES * len(text) and entropy >= _RANDOM_BITS
