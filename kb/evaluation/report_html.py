"""The report as one HTML file: no script, no picture from elsewhere, all text escaped."""

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

from kb.evaluation import plots
from kb.evaluation.compare import Comparison
from kb.evaluation.results import Result
from kb.evaluation.summary import figures, outcomes, ranks, risk_coverage
from kb.evaluation.table import flip_lines, outcome
from retrieval.text import one_line

if TYPE_CHECKING:
    from kb.evaluation.report import Run

_STYLE = """
:root { color-scheme: light dark; --ink: #1c2024; --soft: #667; --line: #d9dce1; --back: #fff; --good: #2a7f62;
  --bad: #c2413a; --mild: #d99a2b; --calm: #4a78b5; --odd: #8b5aa8; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e8ea; --soft: #9aa3ad; --line: #363c44; --back: #16191d;
  --good: #4fb28f; --bad: #e2726b; --mild: #e0b25c; --calm: #7ba6dd; --odd: #b58ad0; } }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--back); max-width: 66rem;
  margin: 2rem auto; padding: 0 1.2rem; }
h1 { font-size: 1.5rem; margin-bottom: .2rem } h2 { font-size: 1.1rem; margin: 2.2rem 0 .6rem }
p { color: var(--soft); margin: .2rem 0 1rem }
table { border-collapse: collapse; width: 100% }
th, td { text-align: left; padding: .28rem .7rem .28rem 0; border-bottom: 1px solid var(--line); vertical-align: top }
th { font-weight: 600; color: var(--soft) } td.number { text-align: right; font-variant-numeric: tabular-nums }
td.says { color: var(--soft) } td.group { font-weight: 600 } .good { color: var(--good) } .bad { color: var(--bad) }
.plots { display: flex; flex-wrap: wrap; gap: 1rem 3rem } figure { margin: 0 } figcaption { color: var(--soft) }
svg text { font: 12px system-ui, sans-serif; fill: var(--ink) } svg .soft { fill: var(--soft) }
.wide { overflow-x: auto } .wide td { overflow-wrap: anywhere; min-width: 3rem }
pre { font: inherit; white-space: pre-wrap; margin: 0 }
"""
_GROUPED = '<td class="group">'


def html_report(run: "Run", comparison: Comparison | None) -> str:
    """The whole report."""
    parts = [
        "<!doctype html>",
        '<html lang="en"><head><meta charset="utf-8">',
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">",
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>How good the answers are</title><style>{_STYLE}</style></head><body>",
        "<h1>How good the answers are</h1>",
        f"<p>{_text(run.line)} · {_text(run.when)}</p>",
        _figures(run, comparison),
        *_plots(run),
    ]
    if comparison:
        lines = escape("\n".join(flip_lines(comparison, None)).strip("\n"))
        parts.append(f"<h2>Against the earlier run</h2><pre>{lines}</pre>")
    parts += ["<h2>Questions</h2>", _questions(run.results), "</body></html>"]
    return "\n".join(parts) + "\n"


def _figures(run: "Run", comparison: Comparison | None) -> str:
    old = {(c.now.group, c.now.name): c for c in comparison.changes} if comparison else {}
    rows, group = [], ""
    for figure in figures(run.results):
        head = figure.group if figure.group != group else ""
        group = figure.group
        bar = plots.bar(figure.value) if figure.unit == "share" else ""
        row = (
            f"{_GROUPED}{head}</td><td>{_text(figure.name)}</td><td class=number><b>{figure.text()}</b></td>"
        )
        if comparison:
            change = old.get((figure.group, figure.name))
            colour = {1: "good", -1: "bad", 0: ""}[change.direction] if change else ""
            mark = {1: "▲", -1: "▼", 0: ""}[change.direction] if change else ""
            earlier = figure.text(change.earlier) if change else ""
            row += f'<td class="number">{earlier}</td><td class="{colour}">{mark}</td>'
        rows.append(
            f'<tr>{row}<td>{bar}</td><td class="number">{figure.of}</td><td class="says">{_text(figure.says)}</td></tr>'
        )
    earlier = "<th>earlier</th><th></th>" if comparison else ""
    head = f"<tr><th></th><th></th><th>now</th>{earlier}<th></th><th>of</th><th></th></tr>"
    return f"<table>{head}{''.join(rows)}</table>"


def _plots(run: "Run") -> list[str]:
    drawn = []
    if run.about.model and any(outcomes(run.results).values()):
        drawn.append(("What became of the questions", plots.stacked(outcomes(run.results))))
    if any(result.found for result in run.results):
        drawn.append(("Rank of the first good hit", plots.columns(ranks(run.results))))
    curve = risk_coverage(run.results)
    if curve:
        points = [(point.coverage, point.risk) for point in curve]
        drawn.append(
            ("When only the surest are answered", plots.curve(points, "share answered", "of it wrong"))
        )
    shown = "".join(f"<figure><figcaption>{name}</figcaption>{svg}</figure>" for name, svg in drawn)
    return [f'<h2>At a glance</h2><div class="plots">{shown}</div>'] if drawn else []


def _questions(results: Sequence[Result]) -> str:
    rows = []
    for result in sorted(results, key=lambda result: result.good is not False):
        given, found = result.given, result.found
        colour = {True: "good", False: "bad", None: ""}[result.good]
        cells = [
            _text(result.id),
            _text(result.question),
            f'<span class="{colour}">{outcome(result)}</span>',
            _text(given.text) if given and given.answered else "",
            _text(result.answers[0]) if result.answers else "",
            "" if found is None else str(found.rank or "–"),
            f"{given.confidence:.2f}" if given and given.confidence is not None else "",
            f"{given.total_ms / 1000:.1f}" if given else "",
        ]
        rows.append("<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>")
    heads = ("id", "question", "outcome", "answer", "wanted", "rank", "confidence", "seconds")
    head = "".join(f"<th>{name}</th>" for name in heads)
    return f'<div class="wide"><table><tr>{head}</tr>{"".join(rows)}</table></div>'


def _text(text: str) -> str:
    return escape(one_line(text))
