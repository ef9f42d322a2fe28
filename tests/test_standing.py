"""What a passage says of itself: decided, proposed, refused, or none of them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.standing import Standing, standing

CASES: dict[Standing, list[str]] = {
    "decided": [
        "**Decision (D-14, the Q3 decision): launch Wren on 26 August.** In favour: seven.",
        "We agreed to keep the price at £1,240.",
        "Version 2 of the budget, 437,500 pounds, is approved by Marian Thwaite.",
        "Status: Accepted\nType: Process",
        "**Status: decided, 29 July 2025.** On the proposal of Nerys Pugh.",
        "It was resolved that the office moves to Pershore.",
        "The policy of 2023 is replaced by this page.",
        "No meetings on Thursday mornings, with immediate effect.",
        "Finance signed off the second version yesterday.",
        "Our first day in Pershore is now Monday 10 November, not 27 October.",
        "Three dates were proposed. The council decided on 26 August.",
        "Nerys proposed July, which was rejected; the council decided on August.",
        "## Decisions\n\n1. Two people on the phones on Sundays.",
        "Der Vorstand hat den Umzug beschlossen.",
        "Ab sofort gilt die neue Regel.",
    ],
    "proposed": [
        "This is what I propose: launch on 15 July.",
        "Status: Draft",
        "I suggest that we wait for the second test.",
        "We could put a second sensor into each cabinet.",
        "The price is still under discussion.",
        "The date is not decided yet.",
        "The date has not yet been decided.",
        "The date isn't decided.",
        "Nothing is decided until the council decides.",
        "No decision was taken on the price.",
        "Let us decide on Friday.",
        "The venue is to be decided.",
        "The budget goes to Marian for approval this week.",
        "Once it is approved, the draft goes out.",
        "Mein Vorschlag: wir warten.",
        "Darüber ist noch nicht entschieden.",
    ],
    "rejected": [
        "The proposal was rejected.",
        "The motion was voted down, five to two.",
        "We decided against a second supplier.",
        "The board decided not to renew the lease.",
        "The request was not approved.",
        "Our offer was declined by the landlord.",
        "D-13 was withdrawn before the vote.",
        "Status: Withdrawn\n\nThis was accepted in 2001.",
        "This proposal has been rejected. A similar one was approved later.",
        "Der Antrag wurde abgelehnt.",
    ],
    "open": [
        "Have we decided on a date?",
        "Has it been approved? Do you propose July?",
        "Sales declined in May.",
        "The meal allowance is £52 for a full day away.",
        "Faulty modules are replaced within 15 working days.",
        "Claims are approved by your team lead.",
        "If it is approved, we begin in May.",
        "",
    ],
}  # fmt: skip


@pytest.mark.parametrize(
    ("text", "expected"), [(text, name) for name, texts in CASES.items() for text in texts]
)
def test_standing(text: str, expected: Standing) -> None:
    """A proposal taken for a decision is the worst answer to "what did we decide": it is wrong and has a source."""
    assert standing(text) == expected


def test_the_subject_of_a_reply_is_another_messages() -> None:
    """A "thank you" under "Re: The Q3 decision has changed" would be the newest decision."""
    head = "From: Joost <j@x.org>\nTo: Nerys <n@x.org>\nDate: Thursday, 31 July 2025 18:12 +0200\n\n"
    body = "Rang the first nine of my forty. One laughed."
    assert standing(f"Subject: Re: The Q3 decision has changed\n{head}{body}") == "open"
    assert standing(f"Subject: The Q3 decision has changed\n{head}{body}") == "decided"


def test_a_wrapped_line_is_one_sentence() -> None:
    assert standing("The council has not\nyet decided.") == "proposed"


@given(st.text())
def test_any_text_has_a_standing(text: str) -> None:
    assert standing(text) in CASES
