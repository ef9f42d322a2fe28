"""The same passage twice is one hit with two places; two passages that differ in what matters stay two hits."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.duplicates import copies

NOTICE = (
    "The data centre is shut down for maintenance over the weekend. Please save your work on Friday evening and log "
    "out of all systems. Mail and the wiki can't be reached until the maintenance is over. Call the help desk if "
    "anything does not work afterwards. Thank you for your patience."
)
BUDGET = (
    "The launch costs £412,000 in all. Tooling is £96,000, components are £148,000 and certification is £38,000. The "
    "money comes from the development reserve and from the result of the year. No loan is needed for any of it."
)
TEMPLATE = (
    "Attached you will find the report on the outages of the day. In addition there is a file in the format of your "
    "daily delivery, so that you can load the outages into your own system. Please call with any questions."
)


def are_copies(one: str, other: str, mail: bool = False) -> bool:
    return copies([one, other], [mail, mail]) == [0, 0]


def message(
    body: str, subject: str = "Maintenance", sender: str = "Ada <ada@x.org>", to: str = "all@x.org"
) -> str:
    return f"Subject: {subject}\nFrom: {sender}\nTo: {to}\nDate: Friday, 02 May 2025 09:00 +0000\n\n{body}"


@pytest.mark.parametrize(
    "other",
    [
        NOTICE.upper(),
        NOTICE.replace(". ", ".\n\n  ").replace(",", " –"),
        "Forwarded for your information, as you asked for it.\n\n" + NOTICE,
        NOTICE.replace("anything", "something"),
    ],
)
def test_small_edits_do_not_make_another_passage(other: str) -> None:
    """Else one notice fills the ten places of a search, and what else there is on the question is never seen."""
    assert are_copies(NOTICE, other)


def test_another_name_greeted_is_the_same_letter() -> None:
    assert are_copies(f"Dear Susan,\n\n{NOTICE}\n\nAda", f"Dear Darron,\n\n{NOTICE}\n\nBo")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (BUDGET, BUDGET.replace("£412,000", "£437,500")),
        (BUDGET, BUDGET.replace("£", "€")),
        (BUDGET.replace("launch", "launch v1"), BUDGET.replace("launch", "launch v2")),
        ("Q3: " + NOTICE, "Q4: " + NOTICE),
        (NOTICE, NOTICE.replace("Friday", "Monday")),
        (NOTICE, NOTICE.replace("over the weekend", "over the weekend of 3 May")),
        ("For July. " + NOTICE, "For August. " + NOTICE),
        (NOTICE, NOTICE.replace("is shut down", "is not shut down")),
        (NOTICE, NOTICE.replace("until", "for two hours, until")),
    ],
)
def test_what_differs_in_a_figure_a_day_or_a_not_is_another_passage(one: str, other: str) -> None:
    """The old figure would stand for both, and the new one could not be found at all."""
    assert copies([one, other], [False, False]) == [0, 1]


def test_figures_that_changed_places_are_other_figures() -> None:
    swapped = BUDGET.replace("£96,000", "x").replace("£148,000", "£96,000").replace("x", "£148,000")
    assert not are_copies(BUDGET, swapped)


@pytest.mark.parametrize(
    ("one", "other"),
    [("by Marian Thwaite", "by Zofia Wójcik"), ("see api.pdf", "see aga.pdf"), ("from a@b.c", "from d@e.f")],
)
def test_a_form_filled_in_for_somebody_else_is_another_passage(one: str, other: str) -> None:
    assert not are_copies(f"{NOTICE} Approved, {one}.", f"{NOTICE} Approved, {other}.")


def test_the_same_message_to_several_people_is_one() -> None:
    one = message(NOTICE)
    assert are_copies(
        one, message(NOTICE, sender="Bo <bo@y.org>", to="Cy <cy@z.org>, Di <di@z.org>"), mail=True
    )
    assert are_copies(one, message(NOTICE, subject="Fwd: RE: Maintenance"), mail=True)
    assert are_copies(one, message(NOTICE, subject="Reminder: Maintenance"), mail=True)


def test_a_template_under_another_subject_is_another_message() -> None:
    """Daily reports say in the subject alone what they are about."""
    one, other = (message(TEMPLATE, subject=f"{where} outages") for where in ("Craig (WSCC)", "Salem (MAAC)"))
    assert not are_copies(one, other, mail=True)
    one, other = (message(TEMPLATE, subject=f"Outages of {day} May") for day in (2, 3))
    assert not are_copies(one, other, mail=True)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("Yes, I agree.", "YES, I agree!", True),
        ("Yes, I agree.", "Yes, I do agree.", False),
        ("The radio test of the module is done by Hattie", "The radio test of the module is done by Callum", False),
        ("", "", True),
    ],
)  # fmt: skip
def test_short_passages_are_copies_only_word_for_word(one: str, other: str, same: bool) -> None:
    assert are_copies(one, other) is same


def test_the_best_of_several_stays() -> None:
    assert copies([BUDGET, NOTICE, NOTICE.lower(), BUDGET, TEMPLATE], [False] * 5) == [0, 1, 1, 0, 4]


PIECES = st.lists(
    st.sampled_from([NOTICE, BUDGET, TEMPLATE, "Dear Ada,\n", "a b c ", "not ", "3 May ", "£5 "]), max_size=4
)


@given(st.lists(PIECES.map("".join), max_size=6), st.booleans())
def test_a_copy_of_a_copy_is_one_of_the_first(texts: list[str], mail: bool) -> None:
    first = copies(texts, [mail] * len(texts))
    assert all(first[at] <= index and first[at] == at for index, at in enumerate(first))


@given(st.text(alphabet="abc ABC.,\n12-é", max_size=200))
def test_case_and_white_space_make_no_difference(text: str) -> None:
    assert are_copies(text, "  " + text.upper().replace(" ", " \n"))


def test_only_what_may_be_a_copy_is_compared() -> None:
    """A search says which passages are near in meaning: two that are not are both shown."""
    near = np.array([[True, False, True], [False, True, False], [True, False, True]])
    assert copies([NOTICE] * 3, [False] * 3) == [0, 0, 0]
    assert copies([NOTICE] * 3, [False] * 3, near) == [0, 1, 0]
