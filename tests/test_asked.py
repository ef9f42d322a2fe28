"""What kind of thing a question asks for, and whether an answer has it: else a user gets his own question back."""

import pytest

from generation.asked import asked, is_day_rate, restates, states, wants_summary


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        ("How much may I spend on meals?", "figure"),
        ("What does a grower pay for a repair when the guarantee is over?", "figure"),
        ("What was the price in June?", "figure"),
        ("When did the store open?", "time"),
        ("From when can growers buy it?", "time"),
        ("Which day is the party?", "time"),
        ("And who approved it?", "name"),
        ("With whom does Bryony learn?", "name"),
        ("Which laboratory did the test?", "name"),
        ("What is the population of Evesham?", "figure"),
        ("What's the total length of the wall?", "figure"),
        ("What was the decision?", None),
        ("What is the cause of the temperature alarm?", None),
        ("Is the office open when it snows?", None),
        ("Why is the launch late?", None),
        ("", None),
    ],
)
def test_the_wording_tells_the_kind(question: str, kind: str | None) -> None:
    assert asked(question) == kind


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("How much does it cost?", "£185"),
        ("How long is the lease?", "It runs for ten years."),
        ("When is the launch?", "On Tuesday."),
        ("When is the launch?", "In early March."),
        ("When is the launch?", "3 September"),
        ("Who approved it?", "Marian approved it."),
        ("Who approved it?", "It was approved by Marian Thwaite."),
        ("Who won in 2002?", "Brazil"),
        ("Who approves a purchase of £8,000?", "Marian Thwaite"),
        ("What does it cost in Euros?", "1,400 EUR"),
        ("What is the tank made of?", "Steel"),
        ("How much rent do we pay?", "It is 1,200 a month, for ten years."),
        ("How much did they spend?", "They spent two million francs in three years."),
        ("Is the office open on Mondays?", "The office is open on Mondays."),
    ],
)
def test_an_answer_states_what_was_asked(question: str, answer: str) -> None:
    assert states(answer, question)


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("What does a grower pay when the guarantee is over?", "The grower pays when the guarantee is over."),
        ("How many of the 300 boxes were sold?", "Boxes were sold out of the 300."),
        ("When is the launch of Wren?", "Wren will be launched."),
        ("Who approved the launch of Wren?", "The launch of Wren was approved."),
        ("Which laboratory did the test of Wren?", "The laboratory recommended a clip."),
        ("What does it cost in euros?", "It costs £1,240."),
        ("What is the capital of Mongolia?", "Mongolia is the capital of Mongolia."),
        ("How much rent do we pay?", "The lease runs for ten years."),
        ("What is the salary of a nurse?", "A nurse has a 12-month contract."),
    ],
)
def test_an_answer_beside_the_point_does_not(question: str, answer: str) -> None:
    assert not states(answer, question)


def test_saying_the_question_back_is_told_from_being_short() -> None:
    question = "How long did they get in prison?"
    assert restates("They are in prison.", question)
    assert not restates("They got life in prison.", question), "says no figure, and answers"
    assert not restates("", "Is it open?")


@pytest.mark.parametrize(
    "question",
    [
        "Summarize the discussion about the budget.",
        "Can you please summarise what the council said?",
        "Give me an overview of the plan",
        "What are the key points of the agreement?",
        "What did the group discuss about the new features?",
        "What was the meeting mainly about?",
    ],
)
def test_who_asks_for_a_summary_gets_more_than_a_sentence(question: str) -> None:
    assert wants_summary(question, spoken=False)


def test_an_opinion_is_spread_over_a_transcript_and_stands_in_one_place_elsewhere() -> None:
    question = "What did Dana say about the price?"
    assert wants_summary(question, spoken=True)
    assert not wants_summary(question, spoken=False)
    assert not wants_summary("Who approved the price?", spoken=True)
    assert not wants_summary("What do you say when you win?", spoken=False)


def test_a_day_rate_is_no_salary() -> None:
    """Else a question about pay that the documents do not answer gets what a contractor costs."""
    asked_for = "What salary do we offer the engineer?"
    assert is_day_rate("What happens if we do not: contractors at £620 a day.", asked_for)
    assert not is_day_rate("The engineer is paid £30 an hour.", asked_for)
    assert not is_day_rate("We offered Priya the post at £52,000 a year.", asked_for)
    assert not is_day_rate("They cost £620 a day.", "What do contractors cost?")
