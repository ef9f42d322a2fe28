"""Answers: how many are right, cited and rightly refused, and what they cost.

    python -m benchmarks.answers EVAL WORK [--sets wiki,pdf,meetings] [--limit N] [--model NAME] [--resume] [--write]
    python -m benchmarks.answers EVAL WORK --sets wiki --plain N [--resume] [--write]
    python -m benchmarks.answers . WORK --sets sample_docs

`EVAL` is a folder of question sets, `WORK` one for the knowledge bases that are made of them. A citation is right when
it is of the gold page (wiki), of the gold page in the gold file (pdf), or overlaps a gold span (meetings). What is
wanted of meetings are summaries, which no answer in a sentence can hold: whether one is right is not said. Each result
is kept in `WORK/answers-SET.jsonl` as it is measured; `--resume` goes on from those that a stopped run has kept.
With `--plain` N of the questions are also asked with a plain prompt over four passages, for comparison. With `--drafts`
what the model writes is taken from a file where that knows the prompt (benchmarks.drafts), and no seconds are reported.
"""

from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path

from benchmarks.drafts import kept_drafts
from benchmarks.retrieval import open_set, questions_file
from benchmarks.scoring import markdown, parser, write_section
from kb.catalogue import DEFAULT_EMBEDDER, DEFAULT_LLM
from kb.evaluation.journal import Journal
from kb.evaluation.measures import median
from kb.evaluation.questions import Question, read_questions, sample
from kb.evaluation.results import Given, Result
from kb.evaluation.run import about, measure
from kb.evaluation.summary import outcomes, risk_steps
from kb.model_store import ModelStore

_SETS = ("wiki", "pdf", "meetings")
_TITLES = {
    "sample_docs": "Answers to the sample questions",
    "wiki": "Answers to public questions over wiki pages",
    "pdf": "Answers to public questions over annual reports",
    "meetings": "Answers to public questions over meetings",
}
_SUMMARIES = ("meetings",)
_TOLD = 10


def main() -> None:
    """Runs the questions of each set and writes its tables."""
    command = parser(__doc__, _SETS)
    command.add_argument("--limit", type=int, help="this many questions of each set, the same ones each time")
    command.add_argument("--model", default=DEFAULT_LLM)
    command.add_argument("--resume", action="store_true", help="go on from the results that WORK has")
    command.add_argument("--plain", type=int, help="ask so many of the questions with a plain prompt, too")
    command.add_argument("--drafts", type=Path, help="a file for what the model writes")
    command.add_argument(
        "--verbose", action="store_true", help="show every answer that is not right and rightly cited"
    )
    arguments = command.parse_args()
    for name in arguments.sets.split(","):
        kept = arguments.work / f"answers-{name}.jsonl"
        if not arguments.resume:
            kept.unlink(missing_ok=True)
        questions = read_questions(questions_file(arguments.eval, name))
        if arguments.limit:
            questions = sample(questions, arguments.limit)
        results: list[Result] = []
        keeping = kept_drafts(arguments.drafts) if arguments.drafts else nullcontext()
        with keeping, open_set(arguments.eval, name, arguments.work) as kb:
            how = about(kb, questions, arguments.model).to_json()
            with Journal(kept, how) as journal:
                for result in measure(kb, questions, arguments.model, journal):
                    results.append(result)
                    _tell(results, len(questions), arguments.verbose)
        tables = tables_of(name, results, timed=not arguments.drafts)
        if arguments.plain:
            some = sample(questions, arguments.plain)
            plain = _plainly(arguments.eval / name / "docs", some, arguments.model)
            tables = f"{tables}\n\n{beside(results, plain)}"
        print(f"{name}\n{tables}")
        if arguments.write:
            limit = f" --limit {arguments.limit}" if arguments.limit else ""
            limit += f" --plain {arguments.plain}" if arguments.plain else ""
            limit += " --drafts FILE" if arguments.drafts else ""
            place = "." if (Path(name) / "questions.jsonl").exists() else "EVAL"
            run = f"python -m benchmarks.answers {place} WORK --sets {name}{limit} --model {arguments.model} --write"
            write_section(_TITLES.get(name, f"Answers: {name}"), run, tables)


def tables_of(name: str, results: Sequence[Result], *, timed: bool = True) -> str:
    """The set's figures, and how wrong its answers are when only the surest are given."""
    row = cells(results, has_right=name not in _SUMMARIES)
    if not timed:
        row = {column: cell for column, cell in row.items() if not cell.endswith(" s")}
    table = markdown(list(row), [list(row.values())])
    steps = [] if name in _SUMMARIES else risk_steps(results)
    if not steps:
        return table
    risks = [[f"{p.coverage:.2f}", f"{p.risk:.2f}", f"{p.confidence:.2f}"] for p in steps]
    text = "When only the surest answers are given: the share of all questions answered, and how much of it is wrong."
    return f"{table}\n\n{text}\n\n{markdown(('answered', 'of it wrong', 'confidence from'), risks)}"


def _plainly(docs: Path, questions: Sequence[Question], name: str) -> list[Result]:
    """The results of a plain prompt."""
    from benchmarks.plain import ask
    from generation.llm import LocalModel
    from ingest.embedder import Embedder, ModelFolder

    store = ModelStore()
    embedder = Embedder(ModelFolder(DEFAULT_EMBEDDER, store.path(DEFAULT_EMBEDDER)))
    model = LocalModel(store.path(name))
    try:
        return list(ask(docs, questions, embedder, model))
    finally:
        model.close()


def beside(results: Sequence[Result], plain: Sequence[Result]) -> str:
    """The same questions answered from a plain prompt and by kb."""
    asked = {result.id for result in plain}
    rows = {
        "plain prompt, 4 passages of 160 words": cells(plain, has_right=True),
        "kb": cells([result for result in results if result.id in asked], has_right=True),
    }
    table = markdown(
        ["", *next(iter(rows.values()))], [[label, *row.values()] for label, row in rows.items()]
    )
    what = "of these questions, beside the same model with a plain prompt over the nearest passages:"
    return f"{len(plain)} {what}\n\n{table}"


def cells(results: Sequence[Result], *, has_right: bool) -> dict[str, str]:
    """The set's figures by the name of their column."""
    yes = [r.given for r in results if r.given and r.answerable]
    answered = [given for given in yes if given.answered]
    no = [r.given for r in results if r.given and r.answerable is False]
    given = [r.given for r in results if r.given]
    asked = [g for g in given if g.prompt_tokens]
    counts = outcomes(results)
    citations = sum(g.citations for g in answered)
    row = {}
    if has_right:
        row["right and cited"] = f"{sum(bool(g.right and g.cited_right) for g in yes)}/{len(yes)}"
        row["right"] = f"{counts['right']}/{len(yes)}"
        row["wrong"] = f"{counts['wrong']}"
    return row | {
        "refused though answerable": f"{len(yes) - len(answered)}",
        "refused rightly": f"{counts['refused rightly']}/{len(no)}" if no else "–",
        "cited gold / answered": f"{sum(bool(g.cited_right) for g in answered)}/{len(answered)}",
        "citations that are gold": f"{sum(g.cited_right or 0 for g in answered)}/{citations}",
        "prompt tokens (median)": f"{median([g.prompt_tokens for g in asked]):.0f}",
        "tokens written (median)": f"{median([g.completion_tokens for g in answered]):.0f}",
        "first word (median)": _seconds([g.first_ms for g in given if g.first_ms is not None]),
        "whole answer (median)": _seconds([g.total_ms for g in given]),
    }


def _seconds(milliseconds: Sequence[float]) -> str:
    return f"{median(milliseconds) / 1000:.1f} s"


def _tell(results: Sequence[Result], total: int, verbose: bool) -> None:
    last = results[-1]
    if verbose and not _good(last, last.given):
        print(
            f"- {last.question} {list(last.answers[:2])} | {last.given.text if last.given else ''}",
            flush=True,
        )
    if len(results) % _TOLD == 0:
        print(f"{len(results)} of {total}, {sum(bool(r.good) for r in results)} well", flush=True)


def _good(result: Result, given: Given | None) -> bool:
    """Right and rightly cited, or rightly refused."""
    return bool(result.good and given and (given.cited_right or not given.answered))


if __name__ == "__main__":
    main()
