"""Retrieval: how often the right passage is among the first hits.

    python -m benchmarks.retrieval EVAL WORK [--sets wiki,meetings,mail,pdf] [--ablate] [--write]

`EVAL` is the folder of the public question sets, `WORK` one for the knowledge bases that are made of them (kept: a
second run ingests only what changed). A hit is right when it comes from the gold message (mail), page (wiki), file and
page (pdf), or overlaps a gold span (meetings). In the mail set one in eight of the messages was sent to several people:
a hit that lists the gold message among its copies is right, and a second line counts only the hit's own message.
`--ablate` searches again with each kind of evidence left out.
"""

import argparse
import json
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.scoring import write_section
from kb import KnowledgeBase
from kb.evaluation.measures import is_gold, median
from retrieval import ranking

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


def measure(kb: KnowledgeBase, name: str, questions: Sequence[dict[str, Any]]) -> list[str]:
    """The set's lines of the table."""
    ranks: list[int | None] = []
    own: list[int | None] = []
    seconds: list[float] = []
    for question in questions:
        started = time.perf_counter()
        hits = kb.search(question["question"], k=_DEPTH).hits
        seconds.append(time.perf_counter() - started)
        ranks.append(next((hit.rank for hit in hits if is_gold(hit, question)), None))
        alone = (replace(hit, copies=()) for hit in hits)
        own.append(next((hit.rank for hit in alone if is_gold(hit, question)), None))
    chunks = kb.status().chunks
    lines = [row(name, ranks, seconds, chunks)]
    return lines if own == ranks else [*lines, row(f"{name}, copies not counted", own, seconds, chunks)]


# What is left out in turn, by the constants of `retrieval.ranking` that are set to 0.
ABLATIONS = {
    "all": (),
    "without words": ("_WORDS", "_PAIRS"),
    "without pairs of words": ("_PAIRS",),
    "without names of documents": ("_NAME", "_NEWEST"),
    "without times": ("_TIME",),
    "without people": ("_PERSON",),
    "agendas like any passage": ("_OUTLINE",),
    "neighbours like any passage": ("_NEIGHBOUR",),
}


def ablate(kb: KnowledgeBase, name: str, questions: Sequence[dict[str, Any]]) -> list[str]:
    """The set's line of the table for each kind of evidence that is left out: hit@1, hit@10 and MRR@10."""
    lines = []
    for label, constants in ABLATIONS.items():
        kept = {constant: getattr(ranking, constant) for constant in constants}
        for constant in constants:
            setattr(ranking, constant, 0.0)
        found = [kb.search(question["question"], k=_DEPTH).hits for question in questions]
        for constant, value in kept.items():
            setattr(ranking, constant, value)
        ranks = [
            next((hit.rank for hit in hits if is_gold(hit, question)), None)
            for hits, question in zip(found, questions, strict=True)
        ]
        at = [sum(rank is not None and rank <= k for rank in ranks) / len(ranks) for k in (1, _DEPTH)]
        mrr = sum(1 / rank for rank in ranks if rank) / len(ranks)
        lines.append(f"| {name} | {label} | {at[0]:.3f} | {at[1]:.3f} | {mrr:.3f} |")
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
    parser.add_argument("--ablate", action="store_true", help="also search with each evidence left out")
    parser.add_argument("--write", action="store_true", help="put the table into RESULTS.md")
    arguments = parser.parse_args()
    lines, parts = [HEAD], ["| set | | hit@1 | hit@10 | MRR@10 |\n|---|---|---|---|---|"]
    for name in arguments.sets.split(","):
        with open_set(arguments.eval, name, arguments.work) as kb:
            asked = [q for q in questions_of(arguments.eval, name) if q.get("answerable", True)]
            kb.search(asked[0]["question"])  # what is loaded once is no part of a search
            found = measure(kb, name, asked)
            lines += found
            print("\n".join(found), flush=True)
            parts += ablate(kb, name, asked) if arguments.ablate else []
    if arguments.write:
        command = "python -m benchmarks.retrieval EVAL WORK --write"
        write_section("Retrieval on the public sets", command, "\n".join(lines))
        if arguments.ablate:
            write_section("What each evidence is worth", f"{command} --ablate", "\n".join(parts))


if __name__ == "__main__":
    main()
