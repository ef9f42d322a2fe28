"""Questions that several passages answer together: how many have all of them in their context, and are answered right.

    python -m benchmarks.multihop EVAL WORK [--answers N] [--write]

`EVAL` has `multihop/` with a corpus and questions of HotpotQA and of MuSiQue; `WORK` keeps the knowledge bases made of
them. `--answers` asks so many questions of each, in a fixed random order, with and without looking more than once.
"""

import argparse
import json
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from benchmarks.scoring import write_section
from generation.answer import PLAN_BUDGET, Answerer
from generation.context import HITS, build_context, rank, relative
from generation.llm import LocalModel
from generation.plan import FROM_HITS, LOOK_HITS, is_composite, names_to_follow, needs_plan, together
from generation.types import Answer
from kb import KnowledgeBase
from kb.catalogue import DEFAULT_LLM
from kb.evaluation.measures import is_right
from kb.model_store import ModelStore
from retrieval.types import Hit

SETS = {"hotpotqa": "HotpotQA", "musique": "MuSiQue"}


@dataclass(frozen=True, slots=True)
class Outcome:
    """Of one question: whether all of its passages are among the 8 hits of a plain search, in the context made of
    them, and in the context after more looks where `planned`."""

    found: bool
    plain: bool
    looked: bool
    planned: bool


def main() -> None:
    """Asks the questions and writes the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("eval", type=Path)
    parser.add_argument("work", type=Path)
    parser.add_argument("--answers", type=int, default=0)
    parser.add_argument("--write", action="store_true", help="write the table into RESULTS.md")
    arguments = parser.parse_args()
    rows = [
        "| | all among 8 hits | all in the context | with more looks | looked more than once |",
        "|---|---|---|---|---|",
    ]
    asked = ["", "| right | one look | more looks where needed |", "|---|---|---|"]
    outcomes: list[Outcome] = []
    model = LocalModel(ModelStore().resolve_llm(DEFAULT_LLM))
    for name, title in SETS.items():
        questions = _lines(arguments.eval / "multihop" / f"{name}-queries.jsonl")
        with _knowledge_base(arguments.eval, arguments.work, name) as kb:
            bench = Bench(kb, model, [p["id"] for p in _corpus(arguments.eval, name)])
            its = [bench.outcome(question) for question in questions]
            outcomes += its
            rows.append(_row(f"{title} ({len(its)})", its))
            print(rows[-1], flush=True)
            if arguments.answers:
                chosen = random.Random(1).sample(questions, arguments.answers)
                right = [sum(bench.right(question, looks) for question in chosen) for looks in (False, True)]
                asked.append(f"| {title} ({len(chosen)}) | {right[0]} | {right[1]} |")
                print(asked[-1], flush=True)
    rows.append(_row(f"both ({len(outcomes)})", outcomes))
    table = "\n".join(rows + (asked if arguments.answers else []))
    print(table)
    if arguments.write:
        more = f" --answers {arguments.answers}" if arguments.answers else ""
        command = f"python -m benchmarks.multihop EVAL WORK{more} --write"
        write_section("Questions that need more than one look", command, table)


class Bench:
    """One set's knowledge base; `ids` are those of the passages by their number."""

    def __init__(self, kb: KnowledgeBase, model: LocalModel, ids: Sequence[str]) -> None:
        self._kb, self._model, self._ids = kb, model, ids
        self._encode = kb._open_searcher().encoder.encode

    def outcome(self, question: dict[str, Any]) -> Outcome:
        """What the looks bring into the context."""
        text, wanted = question["text"], set(question["supporting"])
        hits = self._kb.search(text, k=HITS).hits
        narrow = not is_composite(text, hits)
        ranked = rank(text, hits, self._encode, self._model.count, narrow=narrow)
        plain = self._passages(passage.hit for passage in build_context(ranked))
        looked = plain
        planned = needs_plan(text, hits)
        if planned:
            worth = relative([hit.score for hit in hits])[:FROM_HITS]
            names = names_to_follow(
                text, rank(text, hits[:FROM_HITS], self._encode, self._model.count, worth)
            )
            plan = together(names, hits, [self._look(text, name) for name in names])
            ranked = rank(text, plan.hits, self._encode, self._model.count, plan.worth)
            looked = self._passages(p.hit for p in build_context(ranked, PLAN_BUDGET, each=True))
        return Outcome(wanted <= self._passages(hits), wanted <= plain, wanted <= looked, planned)

    def right(self, question: dict[str, Any], looks: bool) -> bool:
        """Whether the question is answered right, with more than one look where it is needed or never."""
        text = question["text"]
        hits = self._kb.search(text, k=HITS).hits
        answerer = Answerer(lambda: self._model, self._encode)
        look = (lambda name: self._look(text, name)) if looks else None
        *_, answer = answerer.answer(text, hits, look=look)
        assert isinstance(answer, Answer)
        return answer.status == "answered" and is_right(answer.text, question["answers"])

    def _look(self, text: str, name: str) -> Sequence[Hit]:
        return self._kb.search(f"{text} {name}", k=LOOK_HITS).hits

    def _passages(self, hits: Iterable[Hit]) -> set[str]:
        return {self._ids[int(Path(hit.info.doc).stem)] for hit in hits}


def _knowledge_base(folder: Path, work: Path, name: str) -> KnowledgeBase:
    """One document per passage, named by its number in the corpus."""
    documents = work / name / "docs"
    documents.mkdir(parents=True, exist_ok=True)
    for number, passage in enumerate(_corpus(folder, name)):
        (documents / f"{number:04}.md").write_text(f"# {passage['title']}\n\n{passage['text']}\n", "utf-8")
    kb = KnowledgeBase.open(work / name / "kb", create=True)
    kb.ingest([documents])
    return kb


def _corpus(folder: Path, name: str) -> list[dict[str, Any]]:
    return _lines(folder / "multihop" / f"{name}-corpus.jsonl")


def _lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def _row(title: str, outcomes: Sequence[Outcome]) -> str:
    shares = [
        sum(getattr(outcome, field.name) for outcome in outcomes) / len(outcomes) for field in fields(Outcome)
    ]
    return f"| {title} | " + " | ".join(f"{share:.2f}" for share in shares) + " |"


if __name__ == "__main__":
    main()
