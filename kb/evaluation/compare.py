"""A run beside an earlier one: what got better, what got worse, and whether that says anything."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from math import comb
from pathlib import Path
from typing import Any

from kb.evaluation.results import Result
from kb.evaluation.summary import Figure, figures
from retrieval.errors import UsageError

# Seconds and tokens that differ by less are the same: a machine is never quite as fast twice.
_NOISE = 0.1


@dataclass(frozen=True, slots=True)
class Change:
    """A figure over the questions that both runs have, and what it was."""

    now: Figure
    earlier: float

    @property
    def direction(self) -> int:
        """1 when it got better, -1 when it got worse, else 0."""
        difference = self.now.value - self.earlier
        if self.now.unit != "share" and abs(difference) <= _NOISE * max(self.now.value, self.earlier):
            return 0
        return self.now.sign * (difference > 0) - self.now.sign * (difference < 0)


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two runs, over the `common` questions that both have. `better` and `worse` are those that came out well in one of
    them only, as they are now. `left_out` counts the questions of either run that the other has not."""

    common: int
    left_out: int
    changes: tuple[Change, ...]
    better: tuple[Result, ...]
    worse: tuple[Result, ...]

    @property
    def by_chance(self) -> float:
        """How probable it is that as many flips or more go one way when either way is as probable (sign test)."""
        flips, fewer = len(self.better) + len(self.worse), min(len(self.better), len(self.worse))
        return min(1.0, sum(comb(flips, k) for k in range(fewer + 1)) / 2 ** (flips - 1)) if flips else 1.0

    def to_json(self) -> dict[str, Any]:
        """The comparison as the commands' JSON contract has it."""
        return {
            "common": self.common,
            "left_out": self.left_out,
            "changes": [
                {
                    "group": change.now.group,
                    "name": change.now.name,
                    "earlier": round(change.earlier, 4),
                    "now": round(change.now.value, 4),
                    "is": {1: "better", -1: "worse", 0: "same"}[change.direction],
                }
                for change in self.changes
            ],
            "better": [result.id for result in self.better],
            "worse": [result.id for result in self.worse],
            "p": round(self.by_chance, 4),
        }


def read_run(file: Path) -> list[Result]:
    """The results of an earlier run, as `kb eval --json` prints them. Raises UsageError when the file holds none."""
    try:
        return [Result.from_json(kept) for kept in json.loads(file.read_text("utf-8"))["questions"]]
    except OSError as error:
        raise UsageError(f"the earlier run in {file} can't be read: {error.strerror or error}") from None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise UsageError(f"{file} holds no earlier run: it should be what kb eval --json printed") from None


def compare(now: Sequence[Result], earlier: Sequence[Result]) -> Comparison:
    """The runs beside each other."""
    before = {result.id: result for result in earlier}
    pairs = [(r, before[r.id]) for r in now if r.id in before and before[r.id].question == r.question]
    old = {(figure.group, figure.name): figure.value for figure in figures([was for _, was in pairs])}
    changes = tuple(
        Change(figure, old[figure.group, figure.name])
        for figure in figures([result for result, _ in pairs])
        if (figure.group, figure.name) in old
    )
    # An answer right and a hit found are different things: only what was measured alike can flip.
    alike = [(r, was) for r, was in pairs if (r.given is None) == (was.given is None)]
    return Comparison(
        common=len(pairs),
        left_out=len(now) + len(earlier) - 2 * len(pairs),
        changes=changes,
        better=tuple(r for r, was in alike if r.good and was.good is False),
        worse=tuple(r for r, was in alike if r.good is False and was.good),
    )
