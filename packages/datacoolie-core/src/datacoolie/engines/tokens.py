"""What a table's log says of a commit: its token and metadata, as texts by name, the same for every engine.

The summary of an Iceberg snapshot has these entries as they are. Delta has one text per commit that all engines write
and show, `userMetadata`: there they are a JSON object.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from datacoolie.engines.model import Commit, CommitForgottenError, Token

if TYPE_CHECKING:
    from collections.abc import Mapping

PREFIX = "datacoolie."
"""How the names of our entries begin."""

USER_METADATA = "userMetadata"
"""What the text is called in the commits of a Delta table."""

SEQ_PROPERTY = "datacoolie.seq."
"""How the name of the property of an Iceberg table begins that has the newest `seq` of a dataflow."""

_TOKEN = {"dataflow_id", "epoch", "seq"}


def named(dataflow_id: str, seq: int) -> dict[str, str]:
    """Return the entries that tell a flow's commit from all others."""
    return {PREFIX + "dataflow_id": dataflow_id, PREFIX + "seq": str(seq)}


def entries(commit: Commit) -> dict[str, str]:
    """Return all entries of a commit."""
    token = commit.token
    metadata = {PREFIX + name: text for name, text in commit.metadata.items()}
    return {**named(token.dataflow_id, token.seq), PREFIX + "epoch": str(token.epoch), **metadata}


def commit_of(found: Mapping[str, object]) -> Commit:
    """Return the commit that entries were made of; entries of others are left out."""
    texts = {name.removeprefix(PREFIX): str(text) for name, text in found.items() if name.startswith(PREFIX)}
    token = Token(seq=int(texts["seq"]), epoch=int(texts["epoch"]), dataflow_id=texts["dataflow_id"])
    return Commit(token=token, metadata={name: text for name, text in texts.items() if name not in _TOKEN})


def to_text(commit: Commit) -> str:
    """Return all entries of a commit as the text that a Delta commit has."""
    return json.dumps(entries(commit), ensure_ascii=False)


def from_text(text: object) -> dict[str, str]:
    """Return the entries in the text of a Delta commit: none when it has no text, or somebody else's."""
    try:
        found = json.loads(text) if isinstance(text, str) else None
    except ValueError:
        return {}
    return {name: str(value) for name, value in found.items()} if isinstance(found, dict) else {}


def forgotten(dataflow_id: str, seq: int, where: str) -> CommitForgottenError:
    """Return the error for a commit that is known to be in a table, but of which its log says no more."""
    return CommitForgottenError(where, seq, dataflow_id)
