"""What was measured, as a table in Markdown."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tools.bench.jobs import Job, Promise
    from tools.bench.process import Usage

_MB = 1_000_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Result:
    """The repetitions of a job.

    Attributes:
        job: the job.
        pairs: what datacoolie and the baseline used, a pair for each repetition.
    """

    job: Job
    pairs: Sequence[tuple[Usage, Usage]]

    def kept(self) -> Iterator[tuple[Promise, float, bool]]:
        """Yield each promise with the median of its values and whether it was kept."""
        for promise in self.job.promises:
            value = median(promise.value(ours, base) for ours, base in self.pairs)
            yield promise, value, value <= promise.at_most

    def medians(self, value: Callable[[Usage], float]) -> tuple[float, float]:
        """Return the medians of one value of datacoolie and of the baseline."""
        return median(value(ours) for ours, _ in self.pairs), median(value(base) for _, base in self.pairs)


def markdown(results: Sequence[Result]) -> str:
    """Return a table: medians of both sides and their ratio, then each promise with what came of it."""
    lines = [
        "| job | CPU s | wall s | peak MB | measured and promised |",
        "| --- | --- | --- | --- | --- |",
    ]
    lines.extend(_row(result) for result in results)
    return "\n".join(lines)


def _row(result: Result) -> str:
    cells = [
        result.job.title,
        _cell(*result.medians(lambda used: used.cpu), "{:.2f}"),
        _cell(*result.medians(lambda used: used.wall), "{:.2f}"),
        _cell(*result.medians(lambda used: used.memory / _MB), "{:.0f}"),
        "; ".join(
            f"{promise.what} {value:.3f} of at most {promise.at_most:g}: {'kept' if kept else '**missed**'}"
            for promise, value, kept in result.kept()
        ),
    ]
    return f"| {' | '.join(cells)} |"


def _cell(ours: float, base: float, digits: str) -> str:
    ratio = f" = {ours / base:.2f}x" if base else ""
    return f"{digits.format(ours)} / {digits.format(base)}{ratio}"
