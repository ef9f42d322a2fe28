"""The report in Markdown, its plots drawn in characters."""

import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from kb.evaluation.compare import Comparison
from kb.evaluation.results import Result
from kb.evaluation.summary import figures, outcomes, ranks, risk_steps
from kb.evaluation.table import flip_lines, outcome
from retrieval.text import one_line

if TYPE_CHECKING:
    from kb.evaluation.report import Run

_BAR = 30
_SPECIAL = re.compile(r"([\\`*_\[\]<>|#!&~])")


def markdown_report(run: "Run", comparison: Comparison | None) -> str:
    """The whole report."""
    parts = ["# How good the answers are", f"{_plain(run.line)} · {run.when}", _figures(run, comparison)]
    if comparison:
        parts += ["## Against the earlier run", _fenced(flip_lines(comparison, None))]
    if run.about.model:
        parts += ["## What became of the questions", _bars(outcomes(run.results))]
        steps = risk_steps(run.results)
        if steps:
            rows = [
                [f"{p.coverage:.2f}", f"{p.risk:.2f} {_bar(p.risk)}", f"{p.confidence:.2f}"] for p in steps
            ]
            parts += [
                "## Risk and coverage",
                _RISK,
                _rows(["answered", "of it wrong", "confidence from"], rows),
            ]
    if any(result.found for result in run.results):
        parts += ["## Rank of the first good hit", _bars(ranks(run.results))]
    parts += ["## Questions", _questions(run.results)]
    return "\n\n".join(parts) + "\n"


_RISK = "If only the surest answers were given: the share of all questions answered, and how much of that is wrong."


def _figures(run: "Run", comparison: Comparison | None) -> str:
    old = {(c.now.group, c.now.name): c for c in comparison.changes} if comparison else {}
    rows = []
    for figure in figures(run.results):
        change = old.get((figure.group, figure.name))
        row = [figure.group, figure.name, f"**{figure.text()}**", f"{figure.of}"]
        if comparison:
            mark = {1: "▲", -1: "▼", 0: ""}[change.direction] if change else ""
            row.append(f"{figure.text(change.earlier)} {mark}" if change else "")
        rows.append([*row, _plain(figure.says)])
    return _rows(["", "", "now", "of", *(["earlier"] if comparison else []), ""], rows)


def _questions(results: Sequence[Result]) -> str:
    rows = [
        [
            _plain(result.id),
            _plain(result.question),
            outcome(result),
            _plain(result.given.text) if result.given and result.given.answered else "",
            _plain(result.answers[0]) if result.answers else "",
            "" if result.found is None else str(result.found.rank or "–"),
        ]
        for result in sorted(results, key=lambda result: result.good is not False)
    ]
    return _rows(["id", "question", "outcome", "answer", "wanted", "rank"], rows)


def _rows(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _bars(counts: dict[str, int]) -> str:
    most, name_width = max(counts.values(), default=0), max(map(len, counts), default=0)
    return _fenced(
        [f"{name:<{name_width}}  {count:>4}  {_bar(count / max(most, 1))}" for name, count in counts.items()]
    )


def _bar(share: float) -> str:
    return "█" * round(_BAR * share)


def _fenced(lines: Sequence[str]) -> str:
    fence = "`" * (1 + max((len(run) for line in lines for run in re.findall("`+", line)), default=2))
    return "\n".join((fence, "\n".join(lines).strip("\n"), fence))


def _plain(text: str) -> str:
    """Text that Markdown shows as it is, on one line."""
    return _SPECIAL.sub(r"\\\1", one_line(text))
