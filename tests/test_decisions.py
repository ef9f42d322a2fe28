"""The newest decision on a matter is in force, and nothing else is marked as overtaken."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from retrieval.decisions import Statement, superseded, with_threads
from retrieval.facts import facts
from retrieval.standing import standing

PROPOSAL = (
    "I propose: launch Wren on 15 July in the UK and the Netherlands, first batch of 450 units, price £1,190."
)
FIRST = (
    "Decision (the Q3 decision): launch Wren on 26 August 2025 in the UK and the Netherlands together, first batch of "
    "450 units, price £1,240."
)
REVISED = (
    "Decision (the Q3 decision as revised): launch Wren in the UK only, on 30 September 2025, with a first batch of "
    "300 units. The price stays at £1,240. It replaces the Q3 decision of 10 June."
)


def pointing(cosine: float = 1.0) -> NDArray[np.float32]:
    """A unit vector at this cosine to `pointing()`."""
    return np.array([cosine, (1 - cosine**2) ** 0.5, 0], np.float32)


def replaced(*dated: tuple[str | None, str], cosine: float = 0.8) -> dict[int, int]:
    """What `superseded` makes of texts with their dates; the first is at `cosine` to all others."""
    vectors = [pointing(cosine if at == 0 else 1.0) for at in range(len(dated))]
    return superseded(
        [Statement(text, day, vector) for (day, text), vector in zip(dated, vectors, strict=True)]
    )


def test_a_decision_replaces_the_proposal_and_the_decision_before_it() -> None:
    """ "When do we launch" has three answers in the documents, and only the last of them is true."""
    assert replaced(("2025-05-12", PROPOSAL), ("2025-06-10", FIRST), ("2025-07-29", REVISED)) == {0: 2, 1: 2}
    assert replaced(("2025-07-29", REVISED), ("2025-06-10", FIRST), ("2025-05-12", PROPOSAL)) == {1: 0, 2: 0}


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        (
            "Support records are kept for 24 months, as agreed.",
            "Decision: support records are kept for 18 months.",
        ),
        (
            "We agreed on a Wren launch budget of £412,000.",
            "The Wren launch budget rises from £412,000 to £437,500.",
        ),
        (
            "The lease is signed. First day in Pershore is Monday 27 October.",
            "Our first day in Pershore is now Monday 10 November, not 27 October.",
        ),
        (
            "It was decided that the Dutch handbook is translated by Joost Verhoeven.",
            "We decided that the Dutch handbook is translated by Hattie Loxley.",
        ),
        (
            "We agreed that dogs are allowed in the office.",
            "We agreed that dogs are not allowed in the office.",
        ),
        (
            "We agreed that flights need the consent of the director.",
            "The old policy on flights and the consent of the director is no longer in force.",
        ),
    ],
)
def test_what_a_later_decision_can_change(older: str, newer: str) -> None:
    assert replaced(("2025-02-18", older), ("2025-09-02", newer)) == {0: 1}


@pytest.mark.parametrize(
    "newer",
    [
        "UK only, 30 September, 300 units, as decided in July. On 26 September we pack them: come and help.",
        "Status: decided, 29 July 2025. The Q3 decision is to launch Wren in the UK on 30 September 2025, with a first "
        "batch of 300 units. The Netherlands launch moves to 3 February 2026. The price stays at £1,240.",
        REVISED.lower(),
    ],
)
def test_saying_it_again_replaces_nothing(newer: str) -> None:
    """The minutes where it was decided are the better source than the mail that repeats them."""
    assert replaced(("2025-07-29", REVISED), ("2025-09-17", newer)) == {}


def test_a_newer_proposal_replaces_no_decision() -> None:
    assert replaced(("2025-06-10", FIRST), ("2025-07-01", PROPOSAL)) == {}


@pytest.mark.parametrize(
    "newer", ["Have we decided to launch Wren on 1 October?", "The launch of Wren on 1 October was rejected."]
)
def test_nor_do_a_question_and_a_refusal(newer: str) -> None:
    assert replaced(("2025-06-10", FIRST), ("2025-07-01", newer)) == {}


def test_another_matter_is_left_alone() -> None:
    """The budget has a price in it too."""
    budget = "The Wren launch budget rises to £437,500. Approved by Marian Thwaite and Delphine Caron."
    assert replaced(("2025-06-10", FIRST), ("2025-09-16", budget)) == {}
    assert replaced(("2025-06-10", FIRST), ("2025-07-29", REVISED), cosine=0.5) == {}
    assert (
        replaced(("2025-06-10", "We agreed on 26 August."), ("2025-07-29", "We agreed on 30 September."))
        == {}
    )


def test_without_dates_nobody_knows_what_came_later() -> None:
    assert replaced((None, FIRST), ("2025-07-29", REVISED)) == {}
    assert replaced(("2025-06-10", FIRST), ("last summer", REVISED)) == {}


def test_passages_of_one_document_never_replace_one_another() -> None:
    """A decision log has the date of its last change, whatever the dates of its entries."""
    assert replaced(("2025-09-17", FIRST), ("2025-09-17", REVISED)) == {}
    assert replaced(("2025-09-17", FIRST), ("2025-09-17T12:00+01:00", REVISED)) == {}


def test_an_old_decision_that_a_log_keeps_is_not_in_force() -> None:
    """A log that was changed yesterday still tells of the first date, and says that it is over."""
    log = "Status: superseded by D-17. The council decided to launch Wren on 26 August 2025, first batch of 450 units."
    assert replaced(("2025-07-29", REVISED), ("2025-09-17", log)) == {}


def test_times_are_compared_with_their_offsets() -> None:
    assert replaced(("2025-07-29T10:00+02:00", FIRST), ("2025-07-29T09:30+01:00", REVISED)) == {0: 1}
    assert replaced(("2025-07-29T10:00+01:00", FIRST), ("2025-07-29T10:30+02:00", REVISED)) == {1: 0}


def test_figures_are_told_with_what_they_are_of() -> None:
    found = facts(
        "First batch of 450 units, price £1,240; the launch was planned for 26 August 2025, up by 5 percent."
    )
    assert [(fact.kind, fact.value, fact.past) for fact in found] == [
        ("unit", "450", False), ("£", "1240", False), ("date", "08-26", True), ("%", "5", False),
    ]  # fmt: skip
    assert found[1].about == {"pric"}


def test_the_day_of_a_decision_is_no_part_of_it() -> None:
    """Else two approvals of one day's difference would contradict one another."""
    assert (
        facts("Approved by Marian Thwaite on 17 June 2025.")
        == facts("On 10 June 2025 the council decided.")
        == []
    )


DATED = st.tuples(
    st.sampled_from([None, "2025-05-12", "2025-06-10", "2025-06-10T09:00:00+02:00", "2025-07-29"]),
    st.sampled_from([PROPOSAL, FIRST, REVISED, "We agreed on £5.", "Hello."]) | st.text(max_size=40),
)


@given(st.lists(DATED, max_size=6))
def test_what_replaces_is_a_later_decision_that_nothing_replaces(dated: list[tuple[str | None, str]]) -> None:
    found = replaced(*dated)
    for older, newer in found.items():
        assert standing(dated[newer][1]) == "decided" and newer not in found
        assert (dated[older][0] or "")[:10] <= (dated[newer][0] or "")[:10]


def test_an_opinion_in_the_thread_of_a_proposal_is_overtaken_with_it() -> None:
    """ "From when can growers in the Netherlands buy it" would be answered with what somebody would have liked."""
    opinion = (
        "2025-05-12T15:41:00+02:00",
        "In the Netherlands nobody buys in July. I would take late August.",
    )
    proposal, decision = ("2025-05-16T16:20:00+01:00", PROPOSAL), ("2025-07-29", REVISED)
    later = ("2025-08-02T09:00:00+01:00", "Thank you all, I would have waited too.")
    statements = [
        Statement(text, day, pointing()) for day, text in (opinion, proposal, decision, later, opinion)
    ]
    threads = [{"root", "a"}, {"root", "b"}, set(), {"root", "c"}, {"another"}]
    assert superseded(statements) == {1: 2}
    assert with_threads({1: 2}, statements, threads) == {0: 2, 1: 2}
