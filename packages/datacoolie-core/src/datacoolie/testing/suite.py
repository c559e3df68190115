"""What all suites have in common: gaps are said, and nothing is overridden silently."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import pytest

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Gap:
    """Something of the contract that a plugin does not do yet. Its test has to fail: once it passes, the gap goes.

    Attributes:
        reason: why, for people.
        raises: what the test fails with; anything when it is not given.
    """

    reason: str
    raises: type[BaseException] | tuple[type[BaseException], ...] = BaseException


class Suite:
    """Tests of a contract. Subclasses give the plugin as a fixture and say its gaps; they may add tests of their own.

    Attributes:
        gaps: by the name of a test: `test_x` for all its cases, `test_x[case]` for one.
    """

    gaps: ClassVar[Mapping[str, Gap]] = {}

    def __init_subclass__(cls, **kwargs: object) -> None:
        """Look at the names of tests.

        Raises:
            TypeError: a test is overridden, or a gap names no test.
        """
        super().__init_subclass__(**kwargs)
        owners: dict[str, type] = {}
        for owner in reversed(cls.__mro__):
            for name in (name for name in vars(owner) if name.startswith("test_")):
                if (first := owners.setdefault(name, owner)) is not owner:
                    message = (
                        f"{owner.__name__}.{name} would hide the test of {first.__name__}. "
                        "Say in `gaps` what the plugin can't do, or call your own test otherwise."
                    )
                    raise TypeError(message)
        if unknown := [name for name in cls.gaps if name.partition("[")[0] not in owners]:
            message = f"{cls.__name__}.gaps names {', '.join(unknown)}, but there are no such tests."
            raise TypeError(message)

    @pytest.fixture(autouse=True)
    def _known_gap(self, request: pytest.FixtureRequest) -> None:
        gap = self.gaps.get(request.node.name) or self.gaps.get(request.node.originalname)
        if gap is not None:
            request.applymarker(pytest.mark.xfail(reason=gap.reason, raises=gap.raises, strict=True))
