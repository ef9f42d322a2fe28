"""A run on the terminal: a table that is read in ten seconds, and the questions to look at."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from kb.evaluation.compare import Comparison
from kb.evaluation.results import Result
from kb.evaluation.summary import Figure
from retrieval.text import one_line

if TYPE_CHECKING:
    from rich.table import Table

_BAR = 12
# Questions that are named under the table.
_NAMED = 5
# From this probability on flips are called chance.
_CHANCE = 0.05
_MARKS = {1: "▲ better", -1: "▼ worse", 0: ""}
_STYLES = {1: "green", -1: "red", 0: ""}


def figures_table(figures: Sequence[Figure]) -> "Table":
    """The figures of a run, by group, shares with a bar."""
    from rich.text import Text

    table = _table("", "value", "", "of", "")
    group = ""
    for figure in figures:
        if group and figure.group != group:
            table.add_row()
        head = Text(figure.group if figure.group != group else "", style="bold")
        value, says = Text(figure.text(), style="bold"), Text(figure.says, style="dim")
        bar = "━" * round(_BAR * figure.value) if figure.unit == "share" else ""
        table.add_row(head, figure.name, value, bar, f"{figure.of}", says)
        group = figure.group
    return table


def comparison_table(comparison: Comparison) -> "Table":
    """The figures beside the earlier ones, with what got better and worse."""
    from rich.text import Text

    table = _table("", "earlier", "now", "", "of")
    group = ""
    for change in comparison.changes:
        figure = change.now
        if group and figure.group != group:
            table.add_row()
        head = Text(figure.group if figure.group != group else "", style="bold")
        value = Text(figure.text(), style="bold")
        mark = Text(_MARKS[change.direction], style=_STYLES[change.direction])
        table.add_row(head, figure.name, figure.text(change.earlier), value, mark, f"{figure.of}")
        group = figure.group
    return table


def flip_lines(comparison: Comparison, width: int | None) -> list[str]:
    """Which questions came out well in one of the runs only."""
    lines = []
    for name, flipped in (("better", comparison.better), ("worse", comparison.worse)):
        if flipped:
            lines += ["", f"{name}: {len(flipped)}"]
            lines += [line for result in flipped for line in _lines(result, width)]
    flips, chance = len(comparison.better) + len(comparison.worse), comparison.by_chance
    if flips:
        says = "this may well be chance" if chance > _CHANCE else "this is hardly chance"
        lines += ["", f"{flips} of {comparison.common} questions flipped: {says} (p = {chance:.2f})"]
    else:
        lines += ["", f"none of {comparison.common} questions flipped"]
    if comparison.left_out:
        lines.append(f"{comparison.left_out} questions that only one of the runs has are left out of this")
    return lines


def failed_lines(results: Sequence[Result], width: int | None) -> list[str]:
    """The first questions that did not come out well, and how many more there are."""
    failed = [result for result in results if result.good is False]
    lines = ["", f"not well: {len(failed)}"] if failed else []
    lines += [line for result in failed[:_NAMED] for line in _lines(result, width)]
    more = len(failed) - _NAMED
    return [*lines, f"  … and {more} more: --report FILE has all"] if more > 0 else lines


def outcome(result: Result) -> str:
    """What became of a question, in a few words."""
    if result.given is None:
        rank = result.found.rank if result.found else None
        return f"found at {rank}" if rank else "not among ten"
    if result.answerable is None:
        return "answered" if result.given.answered else "refused"
    if not result.given.answered:
        return "refused, though the documents say" if result.answerable else "refused rightly"
    if result.answerable is False:
        return "answered, though the documents do not say"
    if result.given.right is None:
        return "answered"
    return "right" if result.given.right else "wrong"


def _lines(result: Result, width: int | None) -> list[str]:
    """A question, and what became of it, a line each."""
    said = f": “{one_line(result.given.text)}”" if result.given and result.given.answered else ""
    wanted = f" · wanted: {one_line(result.answers[0])}" if result.answers and not result.good else ""
    lines = [f"{one_line(result.id)}  {one_line(result.question)}", f"  {outcome(result)}{said}{wanted}"]
    return [f"  {line if width is None else _shortened(line, width - 2)}" for line in lines]


def _shortened(line: str, width: int) -> str:
    return line if len(line) <= width else line[: max(width - 2, 0)].rstrip() + " …"


def _table(*columns: str) -> "Table":
    from rich.table import Table

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for number, name in enumerate(("", *columns)):
        is_number = name in ("value", "earlier", "now", "of")
        head = "" if name == "value" else name
        # Only what a figure means is wrapped where the window is narrow.
        table.add_column(head, justify="right" if is_number else "left", no_wrap=number < len(columns))
    return table
