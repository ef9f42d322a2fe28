"""Retrieval: how often the right passage is among the first hits.

    python -m benchmarks.retrieval EVAL WORK [--sets wiki,meetings,mail,pdf] [--ablate] [--write]

`EVAL` is the folder of the public question sets, `WORK` one for the knowledge bases that are made of them (kept: a
second run ingests only what changed). A hit is right when it comes from the gold message (mail), page (wiki), file and
page (pdf), or overlaps a gold span (meetings). In the mail set one in eight of the messages was sent to several people:
a hit that lists the gold message among its copies is right, and a second line counts only the hit's own message.
`--ablate` searches again with each kind of evidence left out.
"""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.scoring import markdown, parser, write_section
from kb import KnowledgeBase
from kb.evaluation.measures import DEPTH, median
from kb.evaluation.questions import Question, read_questions
from kb.evaluation.results import Found, Result, judge_hits
from kb.evaluation.summary import figures
from retrieval import ranking

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


def search(kb: KnowledgeBase, questions: Sequence[Question]) -> tuple[list[Found], list[Found]]:
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
    found, alone = search(kb, questions)
    lines = [_line(kb, name, found)]
    return lines if alone == found else [*lines, _line(kb, f"{name}, copies not counted", alone)]


def _line(kb: KnowledgeBase, name: str, found: Sequence[Found]) -> list[str]:
    speed = f"{median([entry.milliseconds for entry in found]):.0f} ms"
    return [f"{name} ({len(found)})", f"{kb.status().chunks}", *_shares(found).values(), speed]


def _shares(found: Sequence[Found]) -> dict[str, str]:
    results = [Result(str(n), "", (), True, entry) for n, entry in enumerate(found)]
    return {f.name: f.text() for f in figures(results) if f.group == "retrieval"}


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


def ablate(kb: KnowledgeBase, name: str, questions: Sequence[Question]) -> list[list[str]]:
    """The set's line of the table for each kind of evidence that is left out."""
    lines = []
    for label, constants in ABLATIONS.items():
        kept = {constant: getattr(ranking, constant) for constant in constants}
        for constant in constants:
            setattr(ranking, constant, 0.0)
        shares = _shares(search(kb, questions)[0])
        for constant, value in kept.items():
            setattr(ranking, constant, value)
        lines.append([name, label, *(shares[measured] for measured in _ABLATED)])
        print(" | ".join(lines[-1]), flush=True)
    return lines


_ABLATED = ("hit@1", "hit@10", "MRR@10")


def main() -> None:
    """Measures the sets and writes the table."""
    command = parser(__doc__, SETS)
    command.add_argument("--ablate", action="store_true", help="also search with each evidence left out")
    arguments = command.parse_args()
    lines: list[list[str]] = []
    parts: list[list[str]] = []
    for name in arguments.sets.split(","):
        with open_set(arguments.eval, name, arguments.work) as kb:
            asked = [q for q in read_questions(questions_file(arguments.eval, name)) if q.places]
            kb.search(asked[0].text)  # what is loaded once is no part of a search
            found = measure(kb, name, asked)
            lines += found
            print("\n".join(" | ".join(line) for line in found), flush=True)
            parts += ablate(kb, name, asked) if arguments.ablate else []
    if arguments.write:
        run = "python -m benchmarks.retrieval EVAL WORK --write"
        write_section("Retrieval on the public sets", run, markdown(HEAD, lines))
        if arguments.ablate:
            table = markdown(("set", "", *_ABLATED), parts)
            write_section("What each evidence is worth", f"{run} --ablate", table)


if __name__ == "__main__":
    main()
