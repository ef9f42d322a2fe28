"""Ways of answering from the cheapest on: how many questions each takes, how well, and in what time.

    python -m benchmarks.tiers EVAL WORK [--limit N] [--write]

The tiers are the best sentence of the hits as it stands, where the question's wording tells what kind of thing is asked
for, the sentence has one and most of the question's words; the small model; the default model. The models' drafts are
checked as always. A cascade asks the next tier where one gives no answer, and pays for both.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.retrieval import open_set, questions_file
from benchmarks.scoring import markdown, parser, write_section
from generation.asked import asked, states
from generation.context import HITS, rank
from generation.tidy import quoted
from kb import KnowledgeBase
from kb.catalogue import DEFAULT_LLM
from kb.evaluation.measures import is_right, median
from kb.evaluation.questions import Question, read_questions, sample
from retrieval.words import content_words

_SMALL = "qwen2.5-coder-0.5b"
# So many of the question's words a sentence must have to answer it as it stands.
_PLAIN = 0.8
_CASCADES = (("quote",), ("0.5B",), ("1.5B",), ("quote", "1.5B"), ("0.5B", "1.5B"), ("quote", "0.5B", "1.5B"))


@dataclass(frozen=True, slots=True)
class Given:
    """What a tier gives for a question: whether it answers, whether that is right (None where nothing would be), and
    after how many seconds."""

    answered: bool
    right: bool | None
    seconds: float


def main() -> None:
    """Asks the questions of each tier and writes the table."""
    command = parser(__doc__)
    command.add_argument(
        "--limit", type=int, default=150, help="this many questions, the same ones each time"
    )
    arguments = command.parse_args()
    questions = sample(read_questions(questions_file(arguments.eval, "wiki")), arguments.limit)
    with open_set(arguments.eval, "wiki", arguments.work) as kb:
        kb.search("warm")
        given = {"quote": [_quote(kb, question) for question in questions]}
        for name, model in (("0.5B", _SMALL), ("1.5B", DEFAULT_LLM)):
            kb.warm(model)
            given[name] = [_asked(kb, question, model) for question in questions]
    rows = [_row(tiers, given) for tiers in _CASCADES]
    head = ("", "answered", "right", "wrong", "no answer, rightly", "seconds (median)", "seconds (mean)")
    table = f"{len(questions)} questions over wiki pages.\n\n{markdown(head, rows)}"
    print(table)
    if arguments.write:
        run = f"python -m benchmarks.tiers EVAL WORK --limit {arguments.limit} --write"
        write_section("Cheaper tiers", run, table)


def _quote(kb: KnowledgeBase, question: Question) -> Given:
    """The sentence that promises most, where it plainly answers."""
    started = time.perf_counter()
    found = kb.search(question.text, k=HITS)
    encode = kb._open_searcher().encoder.encode
    ranked = rank(question.text, found.hits, encode, lambda text: len(text.split()), narrow=True)
    sentence = quoted(ranked.candidates[int(ranked.scores.argmax())].unit.text) if ranked.candidates else ""
    wanted = set(content_words(question.text))
    share = len(wanted & set(content_words(sentence))) / len(wanted)
    plain = asked(question.text) is not None and states(sentence, question.text) and share >= _PLAIN
    right = is_right(sentence, question.answers) if question.answerable else None
    return Given(plain, right, time.perf_counter() - started)


def _asked(kb: KnowledgeBase, question: Question, model: str) -> Given:
    answer = kb.ask(question.text, model=model)
    right = is_right(answer.text, question.answers) if question.answerable else None
    return Given(answer.status == "answered", right, answer.timings_ms["total"] / 1000)


def _row(tiers: Sequence[str], given: dict[str, list[Given]]) -> list[str]:
    final: list[Given] = []
    seconds: list[float] = []
    for ways in zip(*(given[tier] for tier in tiers), strict=True):
        taken = next((n for n, way in enumerate(ways) if way.answered), len(ways) - 1)
        final.append(ways[taken])
        seconds.append(sum(way.seconds for way in ways[: taken + 1]))
    said = sum(way.answered for way in final)
    right = sum(way.answered and bool(way.right) for way in final)
    rightly_not = sum(not way.answered and way.right is None for way in final)
    name = ", then ".join(tiers)
    times = [f"{median(seconds):.1f}", f"{sum(seconds) / len(seconds):.1f}"]
    return [name, f"{said}", f"{right}", f"{said - right}", f"{rightly_not}", *times]


if __name__ == "__main__":
    main()
