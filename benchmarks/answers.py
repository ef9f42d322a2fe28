"""Answers: how many are right, cited and rightly refused, and what they cost.

    python -m benchmarks.answers KB QUESTIONS.jsonl [--limit N] [--model NAME] [--verbose]

`KB` is a knowledge base with the questions' documents in it. A question has `answers` (accepted wordings), `docs` or
`doc` (where the answer stands) and `answerable`.
"""

import argparse
import json
import random
from pathlib import Path
from typing import Any

from benchmarks.scoring import write_section
from kb import KnowledgeBase
from kb.evaluation.measures import is_right, median


def main() -> None:
    """Runs the questions and writes the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("kb", type=Path)
    parser.add_argument("questions", type=Path)
    parser.add_argument("--limit", type=int, help="this many questions, in a fixed random order")
    parser.add_argument("--model")
    parser.add_argument("--title", help="write the table into RESULTS.md under this title")
    parser.add_argument("--verbose", action="store_true", help="show every answer that is not right")
    arguments = parser.parse_args()
    questions = [json.loads(line) for line in arguments.questions.read_text().splitlines() if line.strip()]
    if arguments.limit:
        random.Random(1).shuffle(questions)
        questions = questions[: arguments.limit]
    with KnowledgeBase.open(arguments.kb) as kb:
        rows = [_one(kb, question, arguments.model, arguments.verbose) for question in questions]
    table = _table(rows)
    print(table)
    if arguments.title:
        name = f"{arguments.questions.parent.name}/{arguments.questions.name}"
        limit = f" --limit {arguments.limit}" if arguments.limit else ""
        write_section(arguments.title, f"python -m benchmarks.answers KB {name}{limit}", table)


def _one(kb: KnowledgeBase, question: dict[str, Any], model: str | None, verbose: bool) -> dict[str, Any]:
    answer = kb.ask(question["question"], model=model)
    wanted = question.get("docs") or [question.get("doc")]
    row = {
        "answerable": question["answerable"],
        "answered": answer.status == "answered",
        "right": answer.status == "answered" and is_right(answer.text, question["answers"]),
        "cited": any(c.info.doc.endswith(str(doc)) for c in answer.citations for doc in wanted),
        "prompt": answer.prompt_tokens,
        "first": answer.timings_ms.get("first_token", 0.0),
        "total": answer.timings_ms["total"],
    }
    good = row["right"] and row["cited"] if row["answerable"] else not row["answered"]
    if verbose and not good:
        cited = [citation.info.doc for citation in answer.citations]
        print(
            f"- {question['question']} {question['answers'][:2]} | {answer.text} {cited} | {answer.why}",
            flush=True,
        )
    return row


def _table(rows: list[dict[str, Any]]) -> str:
    yes = [row for row in rows if row["answerable"]]
    no = [row for row in rows if not row["answerable"]]
    answered = [row for row in yes if row["answered"]]
    asked = [row for row in rows if row["prompt"]]
    cells = {
        "right and cited": f"{sum(r['right'] and r['cited'] for r in yes)}/{len(yes)}",
        "right": f"{sum(r['right'] for r in yes)}/{len(yes)}",
        "wrong": str(sum(not r["right"] for r in answered)),
        "refused though answerable": str(len(yes) - len(answered)),
        "refused rightly": f"{sum(not r['answered'] for r in no)}/{len(no)}",
        "cited gold / answered": f"{sum(r['cited'] for r in answered)}/{len(answered)}",
        "prompt tokens (median)": f"{median([r['prompt'] for r in asked]):.0f}",
        "first word (median)": f"{median([r['first'] for r in asked]) / 1000:.1f} s",
        "whole answer (median)": f"{median([r['total'] for r in rows]) / 1000:.1f} s",
    }
    return "\n".join(
        ("| " + " | ".join(cells) + " |", "|---" * len(cells) + "|", "| " + " | ".join(cells.values()) + " |")
    )


if __name__ == "__main__":
    main()
