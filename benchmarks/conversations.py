"""Follow-ups: how much of what a self-contained question finds is found from the conversation.

    python -m benchmarks.conversations EVAL WORK [--sets clapnq,fiqa,samples] [--write]

`EVAL` is the folder of the public question sets, `WORK` one for what is made of them (kept: a second run embeds
nothing). Each passage of a public set is ingested as a page. A turn is searched for alone, with the turns before it as
a chat has them, and as a person rewrote it; in the public sets these turns are what people said, without answers. The
figure is recall at 5: the share of the right passages among the first five. `samples` are the two-turn conversations
over sample_docs/, where one passage that says the answer is enough.

The weights of `generation.followup` were chosen on the conversations of clapnq whose number is even; the table has both
halves.
"""

import argparse
import json
import tarfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.scoring import write_section
from generation.followup import DEPTH
from generation.types import Turn
from kb import KnowledgeBase
from retrieval.types import Hit

SAMPLES = Path(__file__).parents[1] / "sample_docs"
SETS = ("clapnq", "fiqa", "samples")
K = 5
_SAID = "|user|:"


@dataclass(frozen=True, slots=True)
class Case:
    """A turn of a conversation: the number of the conversation, what was said before and now, the same as a
    self-contained question, and what five hits are worth (0 to 1)."""

    conversation: int
    before: tuple[Turn, ...]
    said: str
    rewritten: str
    worth: Callable[[Sequence[Hit]], float]


def open_pages(folder: Path, name: str, work: Path) -> KnowledgeBase:
    """The knowledge base of a public set's passages, brought up to date."""
    if not (work / name).exists():
        work.mkdir(parents=True, exist_ok=True)
        with tarfile.open(folder / "conversations" / f"{name}.tar.gz") as archive:
            archive.extractall(work, filter="data")
    pages = work / name / "pages"
    if not pages.exists():
        pages.mkdir()
        for passage in _rows(work / name / "corpus.jsonl"):
            title, text = passage["title"].strip(), passage["text"].strip()
            page = f"# {title}\n\n{text.removeprefix(title).strip()}" if title else text
            (pages / f"{passage['id']}.md").write_text(page, "utf-8")
    return _opened(work / "kb" / name, pages)


def cases_of(folder: Path) -> Iterator[Case]:
    """The turns of a public set."""
    gold: dict[str, set[str]] = {}
    for line in (folder / "qrels.tsv").read_text("utf-8").splitlines()[1:]:
        turn, passage, relevant = line.split("\t")
        if int(relevant) > 0:
            gold.setdefault(turn, set()).add(passage)
    rewritten = {row["id"]: _said(row["text"])[-1] for row in _rows(folder / "queries_rewrite.jsonl")}
    numbers: dict[str, int] = {}
    for row in _rows(folder / "queries_questions.jsonl"):
        number = numbers.setdefault(row["id"].partition("<")[0], len(numbers))
        *before, said = _said(row["text"])
        turns = tuple(Turn(question, "") for question in before)
        yield Case(number, turns, said, rewritten[row["id"]], _recall(gold[row["id"]]))


def sample_cases() -> Iterator[Case]:
    """The second turns of the conversations over the sample documents."""
    for number, row in enumerate(_rows(SAMPLES / "conversations.jsonl")):
        before = (Turn(row["first"], row["answer"]),)
        yield Case(number, before, row["followup"], row["standalone"], _says(row["docs"], row["says"]))


def _recall(gold: set[str]) -> Callable[[Sequence[Hit]], float]:
    def worth(hits: Sequence[Hit]) -> float:
        found: dict[str, set[str]] = {}
        for hit in hits:  # of a passage that was split, the first part
            copies = (hit.info.doc, *(copy.info.doc for copy in hit.copies))
            found.setdefault(hit.info.doc, {Path(doc).stem for doc in copies})
        first = set().union(*list(found.values())[:K])
        return len(gold & first) / len(gold)

    return worth


def _says(docs: Sequence[str], texts: Sequence[str]) -> Callable[[Sequence[Hit]], float]:
    def worth(hits: Sequence[Hit]) -> float:
        right = (hit for hit in hits[:K] if hit.info.doc.endswith(tuple(docs)))
        return float(any(text in " ".join(hit.text.split()) for hit in right for text in texts))

    return worth


def measure(kb: KnowledgeBase, cases: Iterable[Case]) -> list[tuple[Case, tuple[float, float, float]]]:
    """What each turn is worth alone, with the conversation, and rewritten."""
    measured = []
    for case in cases:
        alone, rewritten = (kb.search(text, k=DEPTH).hits for text in (case.said, case.rewritten))
        followed = kb.search(case.said, k=DEPTH, history=case.before).hits
        measured.append((case, (case.worth(alone), case.worth(followed), case.worth(rewritten))))
    return measured


HEAD = "| set | turns | alone | in the conversation | rewritten | of rewritten |\n|---|---|---|---|---|---|"


def rows(name: str, measured: Sequence[tuple[Case, tuple[float, float, float]]]) -> Iterator[str]:
    """The set's lines of the table."""
    parts = [("", (0, 1))]
    if name != "samples":
        parts += [(", weights chosen on these", (0,)), (", and not on these", (1,))]
    for label, keep in parts:
        values = [worths for case, worths in measured if case.conversation % 2 in keep]
        alone, followed, rewritten = (sum(column) / len(values) for column in zip(*values, strict=True))
        share = f"{followed / rewritten:.1%}" if rewritten else "-"
        yield f"| {name}{label} | {len(values)} | {alone:.3f} | {followed:.3f} | {rewritten:.3f} | {share} |"


def _opened(folder: Path, docs: Path) -> KnowledgeBase:
    kb = KnowledgeBase.open(folder, create=True)
    report = kb.ingest([docs])
    print(f"{docs}: {report.documents} documents, {report.chunks} chunks, {report.seconds:.0f} s", flush=True)
    return kb


def _rows(file: Path) -> list[dict[str, Any]]:
    with file.open(encoding="utf-8") as lines:  # not `splitlines`: texts hold other line ends than \n
        return [json.loads(line) for line in lines]


def _said(text: str) -> list[str]:
    """What people said in turn; the lines of a set begin with who speaks."""
    return [part.strip() for part in text.split(_SAID)[1:]]


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
        samples = name == "samples"
        kb = (
            _opened(arguments.work / "kb" / name, SAMPLES)
            if samples
            else open_pages(arguments.eval, name, arguments.work)
        )
        with kb:
            cases = sample_cases() if samples else cases_of(arguments.work / name)
            found = list(rows(name, measure(kb, cases)))
        print("\n".join(found), flush=True)
        lines += found
    if arguments.write:
        command = "python -m benchmarks.conversations EVAL WORK --write"
        write_section("Follow-ups in conversations", command, "\n".join(lines))


if __name__ == "__main__":
    main()
