"""What a question says about where to look: read right it brings the document meant, read wrong it hides one."""

from datetime import date

import pytest
from helpers import info
from hypothesis import given
from hypothesis import strategies as st

from retrieval.asking import asked, named, person, timely

TODAY = date(2026, 11, 25)
REPORTS = {
    1: info("reports/BOEING_2018_10K.pdf", kind="pdf", title="UNITED STATES SECURITIES"),
    2: info("reports/BOEING_2022_10K.pdf", kind="pdf", title="UNITED STATES SECURITIES"),
    3: info("reports/BESTBUY_2023_10K.pdf", kind="pdf", title="Annual report"),
    4: info("reports/PEPSICO_2023Q1_EARNINGS.pdf", kind="pdf", title="Q1 2023 results"),
    5: info("wiki/launch-plan.md", title="Launch plan"),
}


def names(question: str) -> set[int]:
    return set(named(asked(question, TODAY), REPORTS))


@pytest.mark.parametrize(
    ("question", "documents"),
    [
        ("How did Boeing's margin develop?", {1, 2}),
        ("How many stores has Best Buy?", {3}),
        ("What did PepsiCo earn?", {4}),
        ("What does the Launch plan say about August?", {5}),
        ("What is planned for the launch?", set()),
        ("how big is the fleet of boeing", set()),
        ("Who is Dana?", set()),
        ("", set()),
    ],
)
def test_documents_by_name(question: str, documents: set[int]) -> None:
    """31 annual reports say the same things in the same words: only its name tells the one that was asked about. What
    is not written like a name is an ordinary word."""
    assert names(question) == documents


def test_a_name_that_all_documents_have_tells_nothing() -> None:
    documents = {
        i: info(f"wren-{word}.md", title=f"Wren {word}") for i, word in enumerate(["budget", "handbook"])
    }
    assert named(asked("What is in the Wren handbook?", TODAY), documents) == {}, (
        "handbook is no name by itself"
    )
    assert named(asked("What is in the Wren Handbook?", TODAY), documents) == {1: 1.0}


def test_messages_are_not_named_by_their_subject() -> None:
    """ "Re: Boeing" is one of a hundred."""
    mails = {
        1: info("team.mbox", kind="mail", title="Re: Boeing"),
        2: info("team.mbox", kind="mail", title="Lunch"),
    }
    assert named(asked("What about Boeing?", TODAY), mails) == {}


def test_the_document_of_the_time_that_is_asked_about() -> None:
    of_2022 = asked("What was Boeing's revenue in FY2022?", TODAY)
    assert [timely(of_2022, REPORTS[i]) for i in (1, 2, 3)] == [0, 1, 0]
    growth = asked("How did revenue grow from FY2018 to FY2022?", TODAY)
    assert timely(growth, REPORTS[2]) == 1, "a report tells of the years before it"
    quarter = asked("What was decided in Q1 2023?", TODAY)
    assert timely(quarter, REPORTS[4]) == 1
    assert timely(asked("What was decided in Q3 2023?", TODAY), REPORTS[4]) == 0
    mail = info("a.eml", kind="mail", title="Launch", date="2026-10-03T10:00:00+02:00")
    assert timely(asked("What did Dana write last month?", TODAY), mail) == 1
    assert timely(asked("What did Dana write in 2024?", TODAY), mail) == 0
    assert timely(asked("What did Dana write?", TODAY), mail) == 0
    assert timely(asked("What did Dana write in 2024?", TODAY), info("a.md")) == 0, "no date, no fit"


@pytest.mark.parametrize(
    ("question", "kinds"),
    [
        ("What stands in the mail from Dana?", ("mail",)),
        ("which e-mails mention the boiler", ("mail",)),
        ("What does the wiki say about leave?", ("wiki",)),
        ("What is in the 2022 10-K?", ("pdf",)),
        ("What is Dana's email address?", ()),
        ("What was the Q3 decision?", ()),
    ],
)
def test_kinds(question: str, kinds: tuple[str, ...]) -> None:
    assert asked(question, TODAY).kinds == kinds


def test_people() -> None:
    """ "What did Dana write about the budget" must not bring what Ines wrote about it first."""
    question = asked("What did Dana Okafor say about the budget?", TODAY)
    assert person(question, "Dana Okafor <dana@x.org>") == 1
    assert person(question, "Dana Smith <ds@x.org>") == 0.5
    assert person(question, "Ines Brandt <ines@x.org>") == person(question, None) == 0


@given(st.text(max_size=80), st.text(max_size=30))
def test_any_question_is_read(question: str, name: str) -> None:
    read = asked(question, TODAY)
    read.to_json()
    scores = named(read, {1: info(f"{name}.md", title=name), 2: info("b.md", title=question)})
    assert all(0 < score <= 1 for score in scores.values())
    assert 0 <= person(read, name) <= 1
    assert 0 <= timely(read, info("c 2022.md", date="2022-02-29")) <= 1, "dates come from anyone"
