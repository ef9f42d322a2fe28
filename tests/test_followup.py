"""A follow-up is searched for with what was said before it; a new subject is found all the same."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from helpers import hit

from generation.followup import fuse, leans, queries, recent, standalone
from generation.types import Turn
from kb import KnowledgeBase
from retrieval.types import Hit

SAMPLES = Path(__file__).parents[1] / "sample_docs"
CONVERSATIONS = [
    json.loads(line) for line in (SAMPLES / "conversations.jsonl").read_text("utf-8").splitlines()
]
BEFORE = [Turn("What was the Q3 decision?", "Wren launches on 30 September [1]. The price stays [2].")]


@pytest.mark.parametrize(
    "question",
    [
        "and who approved it?",
        "Why?",
        "who approved it",
        "And in the Netherlands?",
        "what about the price?",
        "When was that?",
        "The price",
    ],
)
def test_a_question_that_points_back_takes_its_subject_along(question: str) -> None:
    """Searched for alone, "who approved it" finds every approval there ever was."""
    assert leans(question)
    own, before = queries(question, BEFORE)
    assert own.text == question and own.weight == 1
    assert before.text == f"What was the Q3 decision? Wren launches on 30 September {question}"
    assert standalone(question, BEFORE) == f"{question} (What was the Q3 decision?)"


@pytest.mark.parametrize(
    "question", ["Who approved the marketing budget for Wren?", "How long do we keep support tickets?"]
)
def test_a_question_that_can_stand_alone_hardly_hears_the_one_before(question: str) -> None:
    """The old subject, if it counted as much, would bring the old passages back."""
    assert standalone(question, BEFORE) == question
    assert queries(question, BEFORE)[1].weight < queries("and who approved it?", BEFORE)[1].weight / 2


def test_the_first_question_has_nothing_to_lean_on() -> None:
    assert [query.text for query in queries("and who approved it?", [])] == ["and who approved it?"]
    assert standalone("and who approved it?", []) == "and who approved it?"


def test_a_chain_of_follow_ups_is_followed_back_to_its_subject() -> None:
    """ "and who approved it?", "why?": the second has its subject from two questions ago."""
    chain = [Turn("What of Corvane?", "Late."), *BEFORE, Turn("and who approved it?", "Marian.")]
    assert queries("why?", chain)[1].text == "What was the Q3 decision? and who approved it? Marian. why?"
    assert standalone("why?", chain) == "why? (What was the Q3 decision?)"


def test_a_passage_that_both_searches_know_comes_first() -> None:
    a, b, c = (hit(text, ref=text, score=score) for text, score in (("a", 0.9), ("b", 0.8), ("c", 0.7)))
    better, other = hit("b", ref="b", score=0.95), hit("d", ref="d", score=0.2, rank=2)
    fused = fuse([(1.0, [a, b, c]), (0.5, [better, other])], 2)
    assert [(found.text, found.rank) for found in fused] == [("b", 1), ("a", 2)]
    assert fused[0].score == better.score, "what is shown of it is from the search in which it did best"


def test_an_empty_search_changes_nothing() -> None:
    """A filter can leave one of the searches without a hit."""
    hits = [hit("a", ref="a"), hit("b", ref="b", score=0.5, rank=2)]
    assert fuse([(1.0, hits), (0.5, [])], 5) == hits
    assert fuse([(1.0, []), (0.5, [])], 5) == []


def test_a_long_conversation_stays_within_the_models_window() -> None:
    """A pasted page as a question, or an answer of --long, would else push the sources out or end in an error."""

    def words(text: str) -> int:
        return len(text.split())

    long = Turn("Tell me all", "It is late. " + "And so on. " * 200)
    [cut] = recent([long], words, 20)
    assert cut == Turn("Tell me all", "It is late")
    assert recent([Turn("word " * 500, "Yes."), Turn("Why?", "So.")], words, 20) == [Turn("Why?", "So.")]
    assert recent([Turn(f"{n}?", "Yes.") for n in range(50)], words, 300) == [
        Turn("48?", "Yes."),
        Turn("49?", "Yes."),
    ]


def _found(hits: Sequence[Hit], conversation: dict) -> bool:
    right = [hit for hit in hits if hit.info.doc.endswith(tuple(conversation["docs"]))]
    return any(says in " ".join(hit.text.split()) for hit in right for says in conversation["says"])


def test_follow_ups_find_what_the_whole_question_finds(sample_kb: KnowledgeBase) -> None:
    """Without the conversation the second question of most talks finds something else."""
    alone = followed = rewritten = 0
    for talk in CONVERSATIONS:
        before = [Turn(talk["first"], talk["answer"])]
        alone += _found(sample_kb.search(talk["followup"], k=5).hits, talk)
        followed += _found(sample_kb.search(talk["followup"], k=5, history=before).hits, talk)
        rewritten += _found(sample_kb.search(talk["standalone"], k=5).hits, talk)
    assert rewritten >= 36
    assert followed >= 0.9 * rewritten
    assert followed >= alone + 8
