"""Half an answer is shown with the whole sentence: of a list a small model names the first, of two people either."""

import pytest
from helpers import hit, info

from generation.sourced import with_source
from generation.types import Passage
from generation.verify import check

FILM = "They travel to the coasts of Australia, Hawaii, Senegal and Ghana in a quest for new surf spots."


def told(question: str, draft: str, source: str, title: str = "Surfers") -> str:
    found = hit(source, info("page.md", title=title))
    passage = Passage(1, found, ((found.start, found.end),), source)
    checked = with_source(check(draft, [passage], question), question)
    for sentence in checked.sentences:
        assert all(checked.citations[n - 1].quote in source for n in sentence.cites)
    return checked.text


def test_a_list_is_given_whole() -> None:
    text = told("Where was the film made?", "The film was made on the coasts of Australia.", FILM)
    assert text == f"The film was made on the coasts of Australia [1]. Surfers: “{FILM[:-1]}” [1]."


@pytest.mark.parametrize(
    ("question", "draft", "source"),
    [
        (
            "Who sang it?",
            "The song was sung by Nick Lowe.",
            "The song was written by Nick Lowe and first sung by Dave Edmunds.",
        ),
        (
            "When did the policy end?",
            "The policy ended in 2016.",
            "The policy ended between the end of 2015 and the beginning of 2016.",
        ),
        (
            "How long is the guarantee?",
            "The guarantee is 24 months.",
            "The guarantee is 24 months, and 36 months for the cabinet.",
        ),
        (
            "Does an error count as an at bat?",
            "Yes, an error counts as an at bat.",
            "An error counts as an at bat unless, in the judgment of the scorer, first base was safe.",
        ),
        (
            "What does the red lamp mean?",
            "The red lamp means a broken sensor.",
            "The red lamp means a broken sensor or a controller that has lost its clock.",
        ),
        (
            "How many books are there?",
            "There are twelve books.",
            "Twelve books have been written, and two diaries for the films.",
        ),
        ("Where does the water go?", "The water goes to a tank.", "The water goes to a tank below the yard."),
        (
            "What is the population of Evesham?",
            "The population of Evesham is 23,576.",
            "The population of Evesham was 23,576, and is estimated at 27,684.",
        ),
    ],
)
def test_what_else_could_be_the_answer_is_seen(question: str, draft: str, source: str) -> None:
    """The reader would else have to open the source to learn that the model chose."""
    assert told(question, draft, source).endswith(f"“{source[:-1]}” [1].")


@pytest.mark.parametrize(
    ("question", "draft", "source"),
    [
        # Nothing else of the kind.
        (
            "Who sang it?",
            "The song was sung by Nick Lowe.",
            "The song was written and sung by Nick Lowe on a Monday in March.",
        ),
        (
            "When is the launch?",
            "The launch is on 30 September.",
            "The launch of 300 units is on 30 September.",
        ),
        ("How many units?", "There are 300 units.", "There are 300 units at £1,240, from 30 September 2025."),
        # Hardly a word more.
        ("Why is it late?", "Wren is late as the modules are.", "Wren is late now, as the modules are."),
        # Rows and items are no sentences.
        ("Who is it?", "Hattie does the marking.", "| Hattie | Joost | marking |"),
        ("Who is it?", "Hattie does the marking.", "- Hattie does the marking with Joost Verhoeven."),
        # "[3]" would be taken for a citation of the answer.
        ("Who is it?", "Hattie does the marking.", "Hattie does the marking with Joost Verhoeven.[3]"),
        # What follows would be no short answer.
        ("Who did it?", "Hattie did the marking.", f"Hattie did the marking with Joost, {'word ' * 60}."),
    ],
)
def test_an_answer_that_is_whole_stays_short(question: str, draft: str, source: str) -> None:
    assert told(question, draft, source) == f"{draft[:-1]} [1]."


def test_a_quote_that_is_too_long_is_cut_at_a_comma() -> None:
    source = f"Hattie did the marking with Joost and Bryony, who came late, {'and wrote ' * 16}it all down, and left."
    text = told("Who did it?", "Hattie did the marking of all the boxes.", source)
    assert text.endswith("it all down …” [1].") and "with Joost and Bryony, who came late, and" in text
    assert len(text.split()) <= 60


def test_the_part_of_a_long_quote_that_says_nothing_of_the_answer_is_not_shown() -> None:
    """Beside where the missiles were stood a pilot and his 928 pictures."""
    source = f"Major Heyser took 928 pictures of Cuba, {'which he chose with great care ' * 7}, they were in Ferndale."
    draft = "The missiles were in Ferndale."
    assert told("Where were the missiles of Cuba?", draft, source) == "The missiles were in Ferndale [1]."


def test_a_quote_that_is_too_long_goes_without_its_brackets() -> None:
    names = (
        "; also called verification value, verification code, signature code (SPC)" + ", or another code" * 8
    )
    source = f"A card security code (CSC{names}) is a feature for payments without a card, against fraud."
    text = told("What is a CSC?", "A CSC is a feature against fraud in a transaction.", source)
    assert text.endswith(
        "“A card security code … is a feature for payments without a card, against fraud” [1]."
    )


def test_a_sentence_gives_way_to_its_quote_where_both_are_too_long() -> None:
    """The sentence of a small model that leaves out who did it is worth less than the source's own."""
    left_out = "the pool that had been put in for the swimmers was covered and made into a room for the press"
    source = f"In 1969 Richard Nixon had decided that {left_out} and a lounge that could hold them all for a briefing."
    text = told("Who made the room for the press?", f"{left_out.capitalize()}.", source)
    assert text == f"“{source[:-1]}” [1]."


def test_who_she_is_says_the_title_of_the_page() -> None:
    """ "He took over in 1991" names nobody, and neither does a quote that begins so."""
    source = "She is known for the roles of Kathryn Janeway and Galina Reznikov."
    text = told("Who plays the cook?", "The cook is played by Galina Reznikov.", source, "Kate Mulgrew")
    assert text == f"The cook is played by Galina Reznikov [1]. Kate Mulgrew: “{source[:-1]}” [1]."
    assert told("Who led it?", "He led it from 1991.", "He led it from 1991.", "Tim Russert") == (
        "Tim Russert: He led it from 1991 [1]."
    )
    assert told("Who led it?", "He led it.", "He led it.", "Notes [1]") == "He led it [1]."
