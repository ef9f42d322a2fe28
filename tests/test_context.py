"""What is put before the model: little, the best of it, and nothing twice."""

import re
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from helpers import bag_of_words, hit, info
from numpy.typing import NDArray

from generation.context import BUDGET_TOKENS, build_context, passages_alone, rank
from generation.prompt import user_prompt
from generation.types import Passage, Turn
from retrieval.types import Hit

QUESTION = "What is the marketing budget?"
FILLER = " ".join(f"Sentence number {n} is about gardens and nothing else." for n in range(40))


def encode(texts: Sequence[str]) -> NDArray[np.float32]:
    return bag_of_words(texts, 512)


def count(text: str) -> int:
    return len(text.split())


def context(hits: Sequence[Hit], budget: int = BUDGET_TOKENS) -> list[Passage]:
    return build_context(rank(QUESTION, hits, encode, count), budget)


def test_the_answer_is_found_in_a_long_passage_within_the_budget() -> None:
    text = f"{FILLER} The marketing budget is 42,000 EUR. {FILLER}"
    (passage,) = context([hit(text)], 60)
    assert "The marketing budget is 42,000 EUR." in passage.text
    assert count(passage.text.replace("…", "")) <= 60


def test_of_hits_that_are_alike_each_gives_its_best_sentence() -> None:
    """The budget in a plan and in a mail: where they differ, the model has to see both."""
    plan, mail = "The marketing budget is 42,000 EUR.", "The marketing budget is 50,000 EUR now."
    hits = [hit(f"{plan} {FILLER}", ref="a"), hit(f"{FILLER} {mail}", rank=2, ref="b")]
    first, second = context(hits, 60)
    assert first.text.startswith(plan)
    assert second.text.endswith(mail)


def test_a_hit_far_behind_the_best_one_stays_out() -> None:
    """What has nothing to do with the question costs seconds and leads a small model astray."""
    best = hit("The marketing budget is 42,000 EUR.", score=1.0)
    passages = context([best, hit(FILLER, rank=2, ref="other", score=0.2)])
    assert [passage.hit for passage in passages] == [best]


def test_a_page_far_behind_is_not_read_even_if_it_has_the_question_s_words() -> None:
    """Another film's actor answers "who plays him?" as well as this one's does."""
    near = "The marketing budget is 50,000 EUR."
    best = hit("42,000 EUR are set aside for marketing.", score=1.0)
    assert len(context([best, hit(near, rank=2, ref="other", score=0.6)])) == 2
    for about, read in (
        (hit(near, rank=2, ref="other", score=0.85), 2),
        (hit(near, rank=2, ref="other", score=0.6), 1),
        (replace(hit(near, rank=2, score=0.6), document_id=best.document_id), 2),
        (hit(near, rank=2, ref="other", score=0.6, replaced_by=best.ref), 2),
    ):
        ranked = rank(QUESTION, [best, about], encode, count, narrow=True)
        assert len(ranked.hits) == read
    question = replace(info("team.mbox", "a@x", "mail"), message_id="a@x")
    reply = replace(info("team.mbox", "b@x", "mail"), message_id="b@x", references=("a@x",))
    thread = [hit("The budget?", question), hit(near, reply, rank=2, ref="b", score=0.2)]
    assert len(rank(QUESTION, thread, encode, count, narrow=True).hits) == 2


def test_the_sentence_after_the_question_s_words_comes_along() -> None:
    text = f"{FILLER} What about the marketing budget? 42,000 EUR it is. {FILLER}"
    (passage,) = context([hit(text)], 60)
    assert "42,000 EUR it is." in passage.text


def test_spans_are_slices_of_the_document() -> None:
    text = "The marketing budget is 42,000 EUR. It rained. The budget for marketing is final."
    found = hit(text, start=1000)
    for passage in context([found]):
        for start, end in passage.spans:
            assert text[start - 1000 : end - 1000] in passage.text


def test_no_hits_no_passages() -> None:
    assert context([]) == []


def test_passages_that_are_read_alone_are_one_of_each_hit() -> None:
    """A summary that took its sentences from the best hit only would leave out who disagreed."""
    texts = [f"{FILLER} The marketing budget is {n},000 EUR. {FILLER}" for n in (42, 43, 44)]
    ranked = rank(QUESTION, [hit(text) for text in texts], encode, count)
    passages = passages_alone(ranked, 12, 2)
    assert [passage.n for passage in passages] == [1, 2]
    for passage, figure in zip(passages, ("42,000", "43,000"), strict=True):
        assert figure in passage.text
        assert count(passage.text) <= 14
    assert passages_alone(ranked, 1, 1)[0].text
    assert passages_alone(rank(QUESTION, [], encode, count), 12, 2) == []


def test_what_has_been_replaced_is_not_told_in_a_summary_as_if_it_held() -> None:
    newer = hit("The marketing budget is 42,000 EUR.")
    older = hit("The marketing budget is 50,000 EUR.", rank=2, ref="old", replaced_by=newer.ref)
    ranked = rank(QUESTION, [newer, older], encode, count)
    assert [passage.hit for passage in passages_alone(ranked, 50, 3)] == [newer]


def test_the_sentence_nearest_to_a_draft_stands_for_it() -> None:
    """A draft with a wrong figure gives way to what the source says."""
    (vector,) = encode(["The budget of marketing is 43,000 EUR."])
    ranked = rank(QUESTION, [hit(f"{FILLER} The marketing budget is 42,000 EUR.")], encode, count)
    assert ranked.nearest(vector)[0] == "The marketing budget is 42,000 EUR."
    assert rank(QUESTION, [], encode, count).nearest(vector) == []


def test_no_heading_and_no_row_of_figures_stands_for_a_draft() -> None:
    """A line like "PepsiCo International Limited | United Kingdom" is no answer to anything."""
    report = replace(
        hit(
            "Marketing budget\n\nMarketing budget | 42,000 | 38,000\n\nThe budget was this in both years:\n\nIt grew."
        ),
        info=info(kind="pdf"),
    )
    ranked = rank(QUESTION, [report], encode, count)
    assert ranked.nearest(encode(["The marketing budget is 42,000."])[0]) == ["It grew."]


def test_a_sentence_longer_than_the_budget_is_better_than_nothing() -> None:
    text = "The marketing budget " + "and again the marketing budget " * 50
    assert context([hit(text)], 10)


@pytest.mark.parametrize(
    ("about", "heading", "line"),
    [
        (info(title="Plan", date="2024-09-03"), ("Plan", "Money"), "Plan, Money, 2024-09-03"),
        (info(title="Re: Launch", kind="mail", author="Dana Fox <d@x.org>"), (), "Re: Launch, mail from Dana Fox"),
        (info(title="Plan"), ("Plan",), "Plan"),
    ],
)  # fmt: skip
def test_each_source_says_what_it_is(about, heading: tuple[str, ...], line: str) -> None:
    """Without a date the model can't know which of two decisions is the later one."""
    found = hit("It is final.", about, heading=heading)
    prompt = user_prompt(QUESTION, [Passage(1, found, ((0, 12),), "It is final.")])
    assert re.search(rf"^Source: {re.escape(line)}\nIt is final\.$", prompt, re.MULTILINE)
    assert prompt.endswith(f"Question: {QUESTION}")


def test_the_turns_before_stand_in_front_of_the_question() -> None:
    prompt = user_prompt("And who approved it?", [], [Turn(QUESTION, "42,000 EUR.")])
    assert prompt.index(QUESTION) < prompt.index("42,000 EUR.") < prompt.index("And who approved it?")
