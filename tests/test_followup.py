"""A follow-up is searched for with what it leans on; a new question with nothing else."""

import pytest

from generation.followup import leans, standalone
from generation.types import Turn

BEFORE = [Turn("What was the Q3 decision?", "Wren launches on 30 September. The price stays.")]


@pytest.mark.parametrize(
    "question",
    [
        "and who approved it?",
        "Why?",
        "who approved it",
        "And in the Netherlands?",
        "what about the price?",
        "When was that?",
    ],
)
def test_a_question_that_points_back_takes_its_subject_along(question: str) -> None:
    """Searched for alone, "who approved it" finds every approval there ever was."""
    assert leans(question)
    searched = standalone(question, BEFORE)
    assert searched.endswith(question)
    assert "Q3 decision" in searched and "Wren launches on 30 September" in searched


@pytest.mark.parametrize(
    "question", ["Who approved the marketing budget for Wren?", "How long do we keep support tickets?"]
)
def test_a_new_question_stands_alone(question: str) -> None:
    """The old subject in it would bring the old passages back."""
    assert standalone(question, BEFORE) == question


def test_the_first_question_has_nothing_to_lean_on() -> None:
    assert standalone("and who approved it?", []) == "and who approved it?"
