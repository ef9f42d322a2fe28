"""`kb eval`: how good the answers are on one's own questions."""

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kb.options import Json, KbFolder, ModelName
from kb.terminal import console, is_terminal, print_json, say, width
from retrieval.errors import UsageError

if TYPE_CHECKING:
    from kb.evaluation.compare import Comparison
    from kb.evaluation.questions import Question
    from kb.evaluation.report import Run
    from kb.evaluation.results import Result
    from kb.knowledge import KnowledgeBase

_EXAMPLES = """\b
Examples:
  kb eval --make 20 questions.jsonl
  kb eval questions.jsonl --against before.json --report report.html

A line of questions.jsonl is {"question": "…", "answers": ["…"], "doc": "notes.md", "page": 3, "span": [120, 180],
"message_id": "…", "answerable": true, "id": "…"}; only the question must be there."""
# A line on stderr after each of so many questions, where no bar can be shown.
_TOLD = 10


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("eval", epilog=_EXAMPLES)(evaluate)


def evaluate(
    file: Annotated[
        Path | None,
        typer.Argument(metavar="FILE.jsonl", help="Questions with known answers.", show_default=False),
    ] = None,
    folder: KbFolder = None,
    model: ModelName = None,
    retrieval_only: Annotated[
        bool, typer.Option("--retrieval-only", help="Only search; no language model is loaded.")
    ] = False,
    limit: Annotated[
        int | None,
        typer.Option("--limit", min=1, help="Only so many of the questions, drawn the same each time."),
    ] = None,
    against: Annotated[
        Path | None,
        typer.Option(
            "--against", metavar="EARLIER.json", help="An earlier run: its --json or --report FILE.json."
        ),
    ] = None,
    report: Annotated[
        Path | None,
        typer.Option(
            "--report", metavar="FILE", help="Also write a report: FILE.html, FILE.md or FILE.json."
        ),
    ] = None,
    resume: Annotated[
        Path | None,
        typer.Option(
            "--resume", metavar="FILE", help="Keep each result in FILE, and go on from those in it."
        ),
    ] = None,
    make: Annotated[
        int | None,
        typer.Option(
            "--make", metavar="N", min=1, help="Propose N questions about your documents, to be edited."
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Measure search and answers on your own questions."""
    from kb.catalogue import DEFAULT_LLM
    from kb.evaluation.compare import compare, read_run
    from kb.evaluation.questions import read_questions, sample
    from kb.evaluation.report import check_format, write_report
    from kb.knowledge import KnowledgeBase

    if make is not None:
        _make(folder, file, make, model or DEFAULT_LLM)
        return
    if file is None:
        raise UsageError("name a file with questions, one JSON object a line (see kb eval --help)")
    questions = read_questions(file)
    if limit is not None:
        questions = sample(questions, limit)
    earlier = read_run(against) if against else None
    if report:
        check_format(report)
    with KnowledgeBase.open(folder) as kb:
        run = _measured(
            kb, file, questions, None if retrieval_only else model or DEFAULT_LLM, resume, as_json
        )
    comparison = compare(run.results, earlier) if earlier is not None else None
    if as_json:
        print_json(run.to_json(comparison))
    else:
        _print(run, comparison)
    if report:
        write_report(report, run, comparison)
    if not run.complete:
        left = f"stopped after {len(run.results)} of {run.asked} questions"
        say(left + (f"; the same command goes on from {resume}" if resume else ""))
        raise typer.Exit(130)


def _make(folder: Path | None, file: Path | None, count: int, model: str) -> None:
    """Writes proposed questions to the file, which must not be there yet, or to stdout; each as soon as it is made."""
    from generation.llm import LocalModel
    from kb.evaluation.make import make_questions
    from kb.knowledge import KnowledgeBase
    from kb.model_store import ModelStore
    from kb.offer import offer_missing

    if file is not None and file.exists():
        raise UsageError(f"{file} is there already: name a new file for the questions, or remove it")
    made = 0
    with KnowledgeBase.open(folder) as kb, ExitStack() as stack:
        offer_missing([model])
        loaded = LocalModel(ModelStore().resolve_llm(model))
        stack.callback(loaded.close)
        try:
            out = stack.enter_context(file.open("w", encoding="utf-8")) if file else sys.stdout
        except OSError as error:
            raise UsageError(f"the questions can't be written to {file}: {error.strerror or error}") from None
        for made, entry in enumerate(make_questions(kb.folder, loaded, count), start=1):
            out.write(json.dumps(entry) + "\n")
            out.flush()
            if file is not None or not sys.stdout.isatty():
                say(f"{made} of {count}: {entry['question']}")
    if made < count:
        say(f"the documents gave {made} questions, {count} were wanted")
    say("read them before you use them: drop those that nobody would ask, and mend questions and answers")


def _measured(
    kb: "KnowledgeBase", file: Path, questions: "Sequence[Question]", model: str | None, resume: Path | None,
    quiet: bool,
) -> "Run":  # fmt: skip
    """The run of the questions; what there is of it when Ctrl-C stops it."""
    from kb.catalogue import DEFAULT_EMBEDDER
    from kb.evaluation.journal import Journal
    from kb.evaluation.report import Run
    from kb.evaluation.run import about, measure
    from kb.offer import offer_missing

    offer_missing([kb.embedder or DEFAULT_EMBEDDER, *([model] if model else [])])
    how = about(kb, questions, model)
    results: list[Result] = []
    with ExitStack() as stack:
        journal = stack.enter_context(Journal(resume, how.to_json())) if resume else None
        tell = stack.enter_context(_progress(len(questions), show=not quiet))
        try:
            for result in measure(kb, questions, model, journal):
                results.append(result)
                tell(results)
        except KeyboardInterrupt:
            if not results:
                raise
    when = datetime.now(UTC).isoformat(timespec="seconds")
    return Run(how, str(file), when, len(questions), tuple(results))


@contextmanager
def _progress(total: int, *, show: bool) -> "Iterator[Callable[[Sequence[Result]], None]]":
    """A bar on stderr that says how many came out well so far, of those that can be judged; on no terminal, a line now
    and then."""

    def well(results: "Sequence[Result]") -> str:
        judged = [result.good for result in results if result.good is not None]
        return f"{sum(judged)} of {len(judged)} well"

    if not show:
        yield lambda results: None
    elif is_terminal(sys.stderr):
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        columns = (
            TextColumn("measuring"), BarColumn(bar_width=24), MofNCompleteColumn(), TextColumn("{task.fields[well]}"),
            TimeRemainingColumn(),
        )  # fmt: skip
        with Progress(*columns, console=console(sys.stderr), transient=True) as bar:
            task = bar.add_task("", total=total, well="")
            yield lambda results: bar.update(task, completed=len(results), well=well(results))
    else:

        def tell(results: "Sequence[Result]") -> None:
            if len(results) % _TOLD == 0 or len(results) == total:
                say(f"{len(results)} of {total} questions, {well(results)}")

        yield tell


def _print(run: "Run", comparison: "Comparison | None") -> None:
    """The table on stdout, and the questions to look at."""
    from kb.evaluation.summary import figures
    from kb.evaluation.table import comparison_table, failed_lines, figures_table, flip_lines

    out, columns = console(), width(sys.stdout)
    measured = figures(run.results)
    out.print(run.line, style="bold", soft_wrap=True)
    out.print()
    if comparison is None:
        out.print(figures_table(measured))
        lines = failed_lines(run.results, columns)
    else:
        out.print(comparison_table(comparison))
        lines = flip_lines(comparison, columns)
    out.print("\n".join(lines), soft_wrap=True)
    unknown = sum(result.answerable is None for result in run.results)
    if unknown:
        say(f"of {unknown} questions neither an answer nor a place is known: only their cost is measured")
