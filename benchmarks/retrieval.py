"""Retrieval: how often the right passage is among the first hits.

    python -m benchmarks.retrieval EVAL WORK [--sets wiki,meetings,mail,pdf] [--write]

`EVAL` is the folder of the public question sets, `WORK` one for the knowledge bases that are made of them (kept: a
second run ingests only what changed). A hit is right when it comes from the gold message (mail), page (wiki), file and
page (pdf), or overlaps a gold span (meetings).
"""

import argparse
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.scoring import median, write_section
from kb import KnowledgeBase
from retrieval.types import Hit

SETS = ("wiki", "meetings", "mail", "pdf")
_DEPTH = 10


def is_right(hit: Hit, question: dict[str, Any]) -> bool:
    """Whether a hit is one that the question's gold names."""
    if "message_id" in question:
        return hit.info.message_id == question["message_id"]
    if Path(hit.info.doc).name != Path(question["doc"]).name:
        return False
    if "pages" in question:
        return hit.page in question["pages"]
    if "char_spans" in question:
        return any(hit.start < end and start < hit.end for start, end in question["char_spans"])
    return True


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


def measure(kb: KnowledgeBase, name: str, questions: Sequence[dict[str, Any]]) -> str:
    """The set's line of the table."""
    ranks: list[int | None] = []
    seconds: list[float] = []
    for question in questions:
        started = time.perf_counter()
        hits = kb.search(question["question"], k=_DEPTH).hits
        seconds.append(time.perf_counter() - started)
        ranks.append(next((hit.rank for hit in hits if is_right(hit, question)), None))
    return row(name, ranks, seconds, kb.status().chunks)


def main() -> None:
    """Measures the sets and writes the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("eval", type=Path)
    parser.add_argument("work", type=Path)
    parser.add_argument("--sets", default=",".join(SETS))
    parser.add_argument("--write", action="store_true", help="put the table into RESULTS.md")
    arguments = parser.parse_args()
    lines = [HEAD]
    for name in arguments.sets.split(","):
        with open_set(arguments.eval, name, arguments.work) as kb:
            asked = [q for q in questions_of(arguments.eval, name) if q.get("answerable", True)]
            lines.append(measure(kb, name, asked))
            print(lines[-1], flush=True)
    if arguments.write:
        write_section(
            "Retrieval on the public sets",
            "python -m benchmarks.retrieval EVAL WORK --write",
            "\n".join(lines),
        )


if __name__ == "__main__":
    main()
