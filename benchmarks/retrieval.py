"""Retrieval: how often the right passage is among the first hits.

    python -m benchmarks.retrieval EVAL WORK [--sets wiki,meetings,mail,pdf] [--baseline] [--ablate] [--write]

`EVAL` is the folder of the public question sets, `WORK` one for the knowledge bases that are made of them (kept: a
second run ingests only what changed). A hit is right when it comes from the gold message (mail), page (wiki), file and
page (pdf), or overlaps a gold span (meetings). In the mail set one in eight of the messages was sent to several people:
a hit that lists the gold message among its copies is right, and a second line counts only the hit's own message.
`--baseline` also measures an off-the-shelf stack (`benchmarks.baseline`), `--ablate` searches again with each stage
left out.
"""

import argparse
import json
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

from benchmarks.scoring import write_section
from kb import KnowledgeBase
from kb.evaluation.measures import is_gold, median
from retrieval import ranking, search
from retrieval.store import Store
from retrieval.types import Hit
from retrieval.words import Pair

SETS = ("wiki", "meetings", "mail", "pdf")
_DEPTH = 10


def open_set(folder: Path, name: str, work: Path) -> KnowledgeBase:
    """The knowledge base of a set's documents, brought up to date."""
    kb = KnowledgeBase.open(work / name, create=True)
    report = kb.ingest([folder / name / "docs"])
    if report.added + report.updated:
        rate = f"{report.chunks / report.seconds:.0f} chunks/s"
        print(
            f"{name}: {report.documents} documents, {report.chunks} chunks in {report.seconds:.0f} s ({rate})"
        )
        print(f"   {report.seconds_by_stage}, {len(report.failed)} failed", flush=True)
    return kb


def questions_of(folder: Path, name: str) -> list[dict[str, Any]]:
    """The set's questions."""
    lines = (folder / name / "questions.jsonl").read_text("utf-8").splitlines()
    return [json.loads(line) for line in lines if line.strip()]


def row(name: str, ranks: Sequence[int | None], seconds: Sequence[float], chunks: int) -> str:
    """A line of the table; a rank counts from 1, None is a miss."""
    at = {k: sum(rank is not None and rank <= k for rank in ranks) / len(ranks) for k in (1, 5, 10)}
    mrr = sum(1 / rank for rank in ranks if rank) / len(ranks)
    figures = " | ".join(f"{value:.3f}" for value in (*at.values(), mrr))
    return f"| {name} ({len(ranks)}) | {chunks} | {figures} | {1000 * median(seconds):.0f} ms |"


HEAD = "| set | chunks | hit@1 | hit@5 | hit@10 | MRR@10 | a search |\n|---|---|---|---|---|---|---|"


def searched(
    kb: KnowledgeBase, questions: Sequence[dict[str, Any]]
) -> tuple[list[tuple[Hit, ...]], list[float]]:
    """The hits of each question, and how long each search took."""
    found, seconds = [], []
    for question in questions:
        started = time.perf_counter()
        found.append(kb.search(question["question"], k=_DEPTH).hits)
        seconds.append(time.perf_counter() - started)
    return found, seconds


def rank_of(found: Sequence[Sequence[Hit]], questions: Sequence[dict[str, Any]]) -> list[int | None]:
    """The rank of the first right hit of each question; None where there is none."""
    return [
        next((hit.rank for hit in hits if is_gold(hit, question)), None)
        for hits, question in zip(found, questions, strict=True)
    ]


def measure(kb: KnowledgeBase, name: str, questions: Sequence[dict[str, Any]]) -> list[str]:
    """The set's lines of the table."""
    found, seconds = searched(kb, questions)
    ranks = rank_of(found, questions)
    own = rank_of([[replace(hit, copies=()) for hit in hits] for hits in found], questions)
    chunks = kb.status().chunks
    lines = [row(name, ranks, seconds, chunks)]
    return lines if own == ranks else [*lines, row(f"{name}, copies not counted", own, seconds, chunks)]


def _no_pairs(store: Store, pairs: Sequence[Pair], texts: Sequence[tuple[str, ...]]) -> list[float]:
    return [0.0] * len(texts)


def off_the_shelf(folder: Path, name: str, questions: Sequence[dict[str, Any]]) -> list[str]:
    """The set's lines for a stack of ready-made parts; none for a set whose documents need a reader."""
    from benchmarks import baseline
    from ingest.embedder import Embedder, ModelFolder
    from kb.model_store import ModelStore

    if name not in baseline.SETS:
        return []
    model = "all-minilm-l6-v2"
    embedder = Embedder(ModelFolder(model, ModelStore().folder / model))
    found = baseline.ranks(folder / name / "docs", questions, embedder, _DEPTH)
    chunks = len(baseline.passages(folder / name / "docs"))
    return [row(f"{name}, off the shelf: {how}", *of, chunks) for how, of in found.items()]


# What is left out in turn: the constants that are set to something else, by module.
ABLATIONS: dict[str, dict[ModuleType, dict[str, Any]]] = {
    "all": {},
    "without words": {ranking: {"_WORDS": 0.0, "_PAIRS": 0.0}},
    "without pairs of words": {ranking: {"_PAIRS": 0.0}, search: {"adjacent": _no_pairs}},
    "without names of documents": {ranking: {"_NAME": 0.0, "_NEWEST": 0.0}, search: {"_NAMED": 0}},
    "without times": {ranking: {"_TIME": 0.0}},
    "without people": {ranking: {"_PERSON": 0.0}},
    "transcripts like any document": {search: {"is_transcript": lambda text: False}},
    "agendas like any passage": {ranking: {"_OUTLINE": 0.0}},
    "neighbours like any passage": {ranking: {"_NEIGHBOUR": 0.0}},
    "copies each by itself": {search: {"copies": lambda texts, mail, near: list(range(len(texts)))}},
    "decisions like any passage": {search: {"superseded": lambda statements: {}}},
    "long questions as they are": {search: {"_LONG": 1_000_000}},
}


def ablate(kb: KnowledgeBase, name: str, questions: Sequence[dict[str, Any]]) -> list[str]:
    """The set's line of the table for each stage that is left out: what it finds then, and the median of a search."""
    lines = []
    for label, changes in ABLATIONS.items():
        kept = [(module, key, getattr(module, key)) for module, its in changes.items() for key in its]
        for module, its in changes.items():
            for key, value in its.items():
                setattr(module, key, value)
        found, seconds = searched(kb, questions)
        for module, key, value in kept:
            setattr(module, key, value)
        lines.append(row(f"{name}: {label}", rank_of(found, questions), seconds, kb.status().chunks))
        print(lines[-1], flush=True)
    return lines


def main() -> None:
    """Measures the sets and writes the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("eval", type=Path)
    parser.add_argument("work", type=Path)
    parser.add_argument("--sets", default=",".join(SETS))
    parser.add_argument("--baseline", action="store_true", help="also measure an off-the-shelf stack")
    parser.add_argument("--ablate", action="store_true", help="also search with each stage left out")
    parser.add_argument("--write", action="store_true", help="put the table into RESULTS.md")
    arguments = parser.parse_args()
    lines, parts = [HEAD], [HEAD]
    for name in arguments.sets.split(","):
        with open_set(arguments.eval, name, arguments.work) as kb:
            asked = [q for q in questions_of(arguments.eval, name) if q.get("answerable", True)]
            kb.search(asked[0]["question"])  # what is loaded once is no part of a search
            found = measure(kb, name, asked)
            found += off_the_shelf(arguments.eval, name, asked) if arguments.baseline else []
            lines += found
            print("\n".join(found), flush=True)
            parts += ablate(kb, name, asked) if arguments.ablate else []
    if arguments.write:
        command = "python -m benchmarks.retrieval EVAL WORK --write"
        write_section("Retrieval on the public sets", command, "\n".join(lines))
        if arguments.ablate:
            write_section("What each stage is worth", f"{command} --ablate", "\n".join(parts))


if __name__ == "__main__":
    main()
