"""What a table's log says of a commit: its token and metadata, as texts by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from datacoolie.engines import Commit, CommitForgottenError, Token

if TYPE_CHECKING:
    from collections.abc import Mapping

PREFIX = "datacoolie."
"""How the names of our entries begin."""

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


def forgotten(dataflow_id: str, seq: int, where: str) -> CommitForgottenError:
    """Return the error for a commit that is known to be in a table, but of which its log says no more."""
    return CommitForgottenError(where, seq, dataflow_id)
