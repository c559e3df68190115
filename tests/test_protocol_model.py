"""The protocol keeps its promises in every order of events, and each part of it is needed."""

from __future__ import annotations

import pytest

from tests.protocol_model import LeftOut, Model


@pytest.mark.parametrize("merge", [False, True])
def test_the_protocol_keeps_its_promises(merge: bool) -> None:  # noqa: FBT001 - data
    assert Model(merge=merge).explore() > 10_000


@pytest.mark.parametrize(
    ("merge", "left_out", "harm"),
    [
        (False, "adoption", "lost"),
        (False, "condition", "doubled"),
        (True, "condition", "foreign rows lost"),
        (False, "frozen window", "mark ahead of data"),
    ],
)
def test_what_happens_without_a_part_of_it(merge: bool, left_out: LeftOut, harm: str) -> None:  # noqa: FBT001 - data
    with pytest.raises(AssertionError, match=f"^{harm}"):
        Model(merge=merge, left_out=left_out).explore()


@pytest.mark.parametrize("merge", [False, True])
@pytest.mark.parametrize("left_out", ["check", "compare"])
def test_the_lease_only_saves_work(merge: bool, left_out: LeftOut) -> None:  # noqa: FBT001 - data
    """What makes a load safe is its conditional commit: the check of the lease just before could be left out."""
    assert Model(merge=merge, left_out=left_out).explore() > 10_000
