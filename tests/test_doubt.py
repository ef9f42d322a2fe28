"""What a draft that is borne out can still be refused for: a wrong answer in a source's own words looks proven."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from helpers import hit, info
from hypothesis import given
from hypothesis import strategies as st

from generation.doubt import is_astray, least_probability
from generation.types import Citation, Piece
from retrieval.types import Hit


def pieces(*told: tuple[str, float]) -> list[Piece]:
    return [Piece(text, n, probability) for n, (text, probability) in enumerate(told, start=1)]


@pytest.mark.parametrize(
    ("told", "sure"),
    [
        # What the answer adds counts, a token of a word for the whole word.
        ([("The vents", 0.9), (" closed", 0.9), (" because of fr", 0.8), ("ost", 0.1)], 0.1),
        # How the model begins, the question's words and stop words in other forms do not.
        ([("The", 0.1), (" vent", 0.1), (" closes", 0.1), (" with", 0.1), (" frost", 0.7), (".", 0.1)], 0.7),
        ([("The vents closed.", 0.1)], 1.0),
        ([], 1.0),
    ],
)
def test_how_sure_an_answer_is_is_told_by_what_it_adds(told: list[tuple[str, float]], sure: float) -> None:
    assert least_probability(pieces(*told), "Why did the vents close?") == sure


@given(st.lists(st.tuples(st.text(max_size=8), st.floats(0, 1))), st.text(max_size=20))
def test_an_answer_is_never_surer_than_its_least_sure_word(
    told: list[tuple[str, float]], question: str
) -> None:
    sure = least_probability(pieces(*told), question)
    assert sure == 1.0 or sure in {probability for _, probability in told}


def citation(found: Hit) -> Citation:
    return Citation(1, found.ref, found.info, found.start, found.end, found.text, found.heading)


def shared(text: str, others: Sequence[str]) -> list[float]:
    """The share of a text's words that each of the others has."""
    words = set(text.lower().split())
    return [len(words & set(other.lower().split())) / len(words) for other in others]


QUESTION = "where are haploid cells found"
BEST = hit("The haploid number is unique to gametes.", info("ploidy.md", title="Ploidy"), ref="a:0-10")
OTHER = hit("They develop in the bone marrow.", info("blood.md", title="Red blood cell"), ref="b:0-10")
NEAR = hit("Haploid cells are found in the gonads.", info("meiosis.md", title="Meiosis"), ref="c:0-10")


def test_a_quote_of_another_page_that_is_not_about_the_question_proves_nothing() -> None:
    """ "In the bone marrow", proven by a page about blood, was the answer to where haploid cells are found."""
    assert is_astray([citation(OTHER)], [BEST, OTHER], QUESTION, shared)


def test_another_page_may_answer_when_it_is_about_the_question() -> None:
    assert not is_astray([citation(NEAR)], [BEST, NEAR], QUESTION, shared)
    assert not is_astray([citation(OTHER), citation(NEAR)], [BEST, OTHER, NEAR], QUESTION, shared)


def test_the_best_page_may_answer_in_any_words() -> None:
    assert not is_astray(
        [citation(replace(BEST, ref="a:90-99", text="In gonads."))], [BEST], QUESTION, shared
    )


def test_a_thread_of_mail_is_one_conversation() -> None:
    """ "Owen 18 to 25 August" answers the message before it, and says nothing of what that was about."""
    asks = info("team.mbox", "1@x", kind="mail", title="Who takes my week?")
    asks = replace(asks, message_id="1@x")
    answers = replace(asks, part="2@x", message_id="2@x", references=("1@x",), title="Re: Who takes my week?")
    first, second = hit("Who?", asks, ref="m:0-4"), hit("Owen.", answers, ref="n:0-5")
    assert not is_astray([citation(second)], [first, second], "who took the week in August", shared)
    assert is_astray([citation(second)], [BEST, second], "who took the week in August", shared)
