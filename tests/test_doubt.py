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
    draft = "".join(text for text, _ in told)
    assert least_probability(pieces(*told), draft, "Why did the vents close?") == sure


def test_words_that_are_not_kept_do_not_count() -> None:
    """A third sentence, begun before the model is stopped, and a preamble are never shown."""
    told = pieces(("According to the log,", 0.1), (" it cost 395 EUR.", 0.9), (" Growers", 0.1))
    assert least_probability(told, "It cost 395 EUR.", "What did it cost?") == 0.9


def test_what_was_said_before_is_not_added() -> None:
    told = pieces(("The", 0.9), (" greenhouse", 0.1), (" doesn't cost Dana's 42,000 EUR", 0.8))
    draft = "".join(piece.text for piece in told)
    assert least_probability(told, draft, "What does it cost?\nWhat is built?\nA greenhouse.") == 0.8


@given(st.lists(st.tuples(st.sampled_from(["May ", "june ", "Dana ", "the ", "12 "]), st.floats(0, 1))))
def test_an_answer_is_as_sure_as_its_least_sure_new_word(told: list[tuple[str, float]]) -> None:
    draft = "".join(text for text, _ in told)
    expected = min((p for text, p in told if text not in ("the ", "Dana ")), default=1.0)
    assert least_probability(pieces(*told), draft, "When does Dana come?") == expected


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


def test_what_is_attached_to_a_message_is_of_one_piece_with_it() -> None:
    letter = replace(info("a.eml", "1@x", kind="mail", title="Offer"), message_id="1@x")
    attached = hit(
        "42,000 EUR.", replace(letter, part="1@x/offer.pdf", kind="pdf", title="offer.pdf"), ref="p:0-5"
    )
    found = hit("See what is attached.", letter, ref="l:0-5")
    assert not is_astray([citation(attached)], [found, attached], "what does the greenhouse cost", shared)


def test_a_thread_of_mail_is_one_conversation() -> None:
    """ "Owen 18 to 25 August" answers the message before it, and says nothing of what that was about."""
    asks = info("team.mbox", "1@x", kind="mail", title="Who takes my week?")
    asks = replace(asks, message_id="1@x")
    answers = replace(asks, part="2@x", message_id="2@x", references=("1@x",), title="Re: Who takes my week?")
    first, second = hit("Who?", asks, ref="m:0-4"), hit("Owen.", answers, ref="n:0-5")
    assert not is_astray([citation(second)], [first, second], "who took the week in August", shared)
    assert is_astray([citation(second)], [BEST, second], "who took the week in August", shared)
