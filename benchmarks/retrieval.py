"""Retrieval: how often the right passage is among the first hits.

    python -m benchmarks.retrieval EVAL WORK [--sets wiki,meetings,mail,pdf] [--baseline] [--ablate] [--write]

`EVAL` is the folder of the public question sets, `WORK` one for the knowledge bases that are made of them (kept: a
second run ingests only what changed). A hit is right when it comes from the gold message (mail), page (wiki), file and
page (pdf), or overlaps a gold span (meetings). In the mail set one in eight of the messages was sent to several people:
a hit that lists the gold message among its copies is right, and a second line counts only the hit's own message.
`--baseline` also measures an off-the-shelf stack (`benchmarks.baseline`), `--ablate` searches again with each stage
left out.
"""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

from benchmarks.scoring import markdown, parser, write_section
from kb import KnowledgeBase
from kb.catalogue import DEFAULT_EMBEDDER
from kb.evaluation.measures import DEPTH, median
from kb.evaluation.questions import Question, read_questions
from kb.evaluation.results import Found, Result, judge_hits
from kb.evaluation.summary import figures
from kb.model_store import ModelStore
from retrieval import engine, ranking, search
from retrieval.store import Store
from retrieval.words import Pair

SETS = ("wiki", "meetings", "mail", "pdf")


def open_set(folder: Path, name: str, work: Path) -> KnowledgeBase:
    """The knowledge base of a set's documents (in its folder `docs`, or beside its questions), brought up to date."""
    kb = KnowledgeBase.open(work / name, create=True)
    docs = folder / name / "docs"
    report = kb.ingest([docs if docs.is_dir() else folder / name])
    if report.added + report.updated:
        rate = f"{report.chunks / report.seconds:.0f} chunks/s"
        print(
            f"{name}: {report.documents} documents, {report.chunks} chunks in {report.seconds:.0f} s ({rate})"
        )
        print(f"   {report.seconds_by_stage}, {len(report.failed)} failed", flush=True)
    return kb


def questions_file(folder: Path, name: str) -> Path:
    """The file of the set's questions."""
    return folder / name / "questions.jsonl"


def questions_of(folder: Path, name: str) -> list[dict[str, Any]]:
    """The set's questions as they stand in their file."""
    lines = questions_file(folder, name).read_text("utf-8").splitlines()
    return [json.loads(line) for line in lines if line.strip()]


HEAD = ("set", "chunks", "hit@1", "hit@5", "hit@10", "MRR@10", "nDCG@10", "a search")


def searched(kb: KnowledgeBase, questions: Sequence[Question]) -> tuple[list[Found], list[Found]]:
    """What is found for each question, and the same with the copies of the hits left out."""
    found, alone = [], []
    for question in questions:
        result = kb.search(question.text, k=DEPTH)
        milliseconds = result.timings_ms["total"]
        found.append(judge_hits(result.hits, question.places, milliseconds))
        own = [replace(hit, copies=()) for hit in result.hits]
        alone.append(judge_hits(own, question.places, milliseconds))
    return found, alone


def measure(kb: KnowledgeBase, name: str, questions: Sequence[Question]) -> list[list[str]]:
    """The set's lines of the table."""
    found, alone = searched(kb, questions)
    chunks = kb.status().chunks
    lines = [_line(chunks, name, found)]
    return lines if alone == found else [*lines, _line(chunks, f"{name}, copies not counted", alone)]


def _line(chunks: int, name: str, found: Sequence[Found]) -> list[str]:
    speed = f"{median([entry.milliseconds for entry in found]):.0f} ms"
    return [f"{name} ({len(found)})", f"{chunks}", *_shares(found).values(), speed]


def _shares(found: Sequence[Found]) -> dict[str, str]:
    results = [Result(str(n), "", (), True, entry) for n, entry in enumerate(found)]
    return {f.name: f.text() for f in figures(results) if f.group == "retrieval"}


def _no_pairs(store: Store, pairs: Sequence[Pair], texts: Sequence[tuple[str, ...]]) -> list[float]:
    return [0.0] * len(texts)


def off_the_shelf(folder: Path, name: str, questions: Sequence[Question]) -> list[list[str]]:
    """The set's lines for a stack of ready-made parts; none for a set whose documents need a reader."""
    from benchmarks import baseline
    from ingest.embedder import Embedder, ModelFolder

    if name not in baseline.SETS:
        return []
    embedder = Embedder(ModelFolder(DEFAULT_EMBEDDER, ModelStore().path(DEFAULT_EMBEDDER)))
    docs = folder / name / "docs"
    found = baseline.search(docs, questions, embedder)
    chunks = len(baseline.passages(docs))
    return [_line(chunks, f"{name}, off the shelf: {how}", its) for how, its in found.items()]


# What is left out in turn: the constants that are set to something else, by module.
ABLATIONS: dict[str, dict[ModuleType, dict[str, Any]]] = {
    "all": {},
    "without words": {ranking: {"_WORDS": 0.0, "_PAIRS": 0.0}},
    "without pairs of words": {ranking: {"_PAIRS": 0.0}, engine: {"adjacent": _no_pairs}},
    "without names of documents": {ranking: {"_NAME": 0.0, "_NEWEST": 0.0}, search: {"_NAMED": 0}},
    "without times": {ranking: {"_TIME": 0.0}},
    "without people": {ranking: {"_PERSON": 0.0}},
    "transcripts like any document": {ranking: {"_DOCUMENT": 0.0}},
    "agendas like any passage": {ranking: {"_OUTLINE": 0.0}},
    "neighbours like any passage": {ranking: {"_NEIGHBOUR": 0.0}},
    "copies each by itself": {search: {"copies": lambda texts, mail, near: list(range(len(texts)))}},
    "decisions like any passage": {search: {"superseded": lambda statements: {}}},
    "long questions as they are": {search: {"_LONG": 1_000_000}},
}


def ablate(kb: KnowledgeBase, name: str, questions: Sequence[Question]) -> list[list[str]]:
    """The set's line of the table for each stage that is left out: what it finds then, and the median of a search."""
    lines = []
    chunks = kb.status().chunks
    for label, changes in ABLATIONS.items():
        kept = [(module, key, getattr(module, key)) for module, its in changes.items() for key in its]
        for module, its in changes.items():
            for key, value in its.items():
                setattr(module, key, value)
        found, _ = searched(kb, questions)
        for module, key, value in kept:
            setattr(module, key, value)
        lines.append(_line(chunks, f"{name}: {label}", found))
        print(" | ".join(lines[-1]), flush=True)
    return lines


def main() -> None:
    """Measures the sets and writes the table."""
    command = parser(__doc__, SETS)
    command.add_argument("--ablate", action="store_true", help="also search with each stage left out")
    command.add_argument("--baseline", action="store_true", help="also measure an off-the-shelf stack")
    arguments = command.parse_args()
    lines: list[list[str]] = []
    parts: list[list[str]] = []
    for name in arguments.sets.split(","):
        with open_set(arguments.eval, name, arguments.work) as kb:
            asked = [q for q in read_questions(questions_file(arguments.eval, name)) if q.places]
            kb.search(asked[0].text)  # what is loaded once is no part of a search
            found = measure(kb, name, asked)
            found += off_the_shelf(arguments.eval, name, asked) if arguments.baseline else []
            lines += found
            print("\n".join(" | ".join(line) for line in found), flush=True)
            parts += ablate(kb, name, asked) if arguments.ablate else []
    if arguments.write:
        flag = " --baseline" if arguments.baseline else ""
        run = f"python -m benchmarks.retrieval EVAL WORK{flag} --write"
        write_section("Retrieval on the public sets", run, markdown(HEAD, lines))
        if arguments.ablate:
            write_section("What each stage is worth", f"{run} --ablate", markdown(HEAD, parts))


if __name__ == "__main__":
    main()
