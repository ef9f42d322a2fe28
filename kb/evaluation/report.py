"""A run as a file: JSON to compare with later, Markdown or HTML to read. Neither holds a script, and what comes from
documents is escaped."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kb.evaluation.compare import Comparison
from kb.evaluation.results import Result
from kb.evaluation.run import About
from kb.evaluation.summary import figures, outcomes, risk_coverage, summary_json
from retrieval.errors import UsageError
from retrieval.text import escaped, one_line


@dataclass(frozen=True, slots=True)
class Run:
    """What was measured: how, of which file's questions, when (ISO 8601, UTC), whether to the end, and the results."""

    about: About
    file: str
    when: str
    asked: int
    results: tuple[Result, ...]

    @property
    def complete(self) -> bool:
        """Whether no question is missing."""
        return len(self.results) == self.asked

    @property
    def line(self) -> str:
        """What this is a run of."""
        about = self.about
        count = f"{len(self.results)}" if self.complete else f"{len(self.results)} of {self.asked}"
        parts = (
            f"{count} questions of {one_line(self.file)}",
            one_line(about.model) if about.model else "retrieval only",
            f"{about.documents:,} documents, {about.chunks:,} chunks",
        )
        return " · ".join(parts)

    def to_json(self, comparison: Comparison | None = None) -> dict[str, Any]:
        """The run as the commands' JSON contract has it."""
        run: dict[str, Any] = {
            "about": self.about.to_json() | {"file": self.file, "when": self.when},
            "complete": self.complete,
            "summary": summary_json(figures(self.results)),
            "outcomes": outcomes(self.results),
            "risk_coverage": [
                {
                    "coverage": round(p.coverage, 4),
                    "risk": round(p.risk, 4),
                    "confidence": round(p.confidence, 4),
                }
                for p in risk_coverage(self.results)
            ],
            "questions": [result.to_json() for result in self.results],
        }
        return run | ({"against": comparison.to_json()} if comparison else {})


def write_report(file: Path, run: Run, comparison: Comparison | None) -> None:
    """Writes the report in the format that the file's name says. Raises UsageError when it can't be written."""
    text = _format_of(file)(run, comparison)
    try:
        file.write_text(text, "utf-8")
    except OSError as error:
        raise UsageError(f"the report can't be written to {file}: {error.strerror or error}") from None


def check_format(file: Path) -> None:
    """Raises UsageError, before anything is measured, when no report can be written to `file`."""
    _format_of(file)
    if not file.absolute().parent.is_dir():
        raise UsageError(f"the report can't be written to {file}: there is no such folder")


def _format_of(file: Path) -> Callable[[Run, Comparison | None], str]:
    from kb.evaluation.report_html import html_report
    from kb.evaluation.report_markdown import markdown_report

    formats = {".html": html_report, ".md": markdown_report, ".json": _json}
    if file.suffix.lower() not in formats:
        raise UsageError(f"a report is written as {', '.join(formats)}: name {file} so")
    return formats[file.suffix.lower()]


def _json(run: Run, comparison: Comparison | None) -> str:
    return escaped(json.dumps(run.to_json(comparison), ensure_ascii=False, indent=2)) + "\n"
