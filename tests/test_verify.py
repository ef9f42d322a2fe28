"""Checking a draft: every mark points to a real quote, and what no source says is not passed off as known."""

import re
import time

import pytest
from helpers import hit, info
from hypothesis import given
from hypothesis import strategies as st

from generation.types import Passage
from generation.verify import Checked, check, quotes, strip_marks

MAIL = (
    "Hi all,\n\nthe supplier is late. We moved the launch to 3 September 2024. The marketing budget is now 42,000 EUR "
    "instead of 38,000 EUR.\n\nBest,\nDana"
)
WIKI = "# Launch plan\n\nThe launch was planned for 15 August 2024. Ines Moreau approved the plan."
PETS = "Dogs are welcome in the office on Fridays. Cats are not."


def passage(
    n: int, text: str, *, start: int = 0, ref: str | None = None, title: str = "Notes", **about: str
) -> Passage:
    found = hit(text, info(title=title, **about), rank=n, start=start, ref=ref or f"doc{n}")  # type: ignore[arg-type]
    return Passage(n, found, ((found.start, found.end),), text)


@pytest.fixture
def passages() -> list[Passage]:
    return [
        passage(
            1, MAIL, start=1000, kind="mail", title="Re: Launch", author="Dana Okafor <d@x.org>", date="2024-07-30"
        ),
        passage(2, WIKI, start=50, title="Launch plan"),
        passage(3, PETS, title="House rules"),
    ]  # fmt: skip


def assert_lawful(checked: Checked, passages: list[Passage]) -> None:
    """What holds for every draft: citations are slices, marks exist, and unsupported sentences cite nothing."""
    for at, citation in enumerate(checked.citations, start=1):
        assert citation.n == at
        source = next(p.hit for p in passages if p.hit.ref.startswith(citation.ref.partition(":")[0] + ":"))
        assert source.start <= citation.start < citation.end <= source.end
        assert citation.quote == source.text[citation.start - source.start : citation.end - source.start]
        assert citation.ref.endswith(f":{citation.start}-{citation.end}")
        assert citation.info == source.info
    numbers = {citation.n for citation in checked.citations}
    assert {n for s in checked.sentences for n in s.cites} == numbers, (
        "no mark without citation, no citation unused"
    )
    assert {int(n) for n in re.findall(r"\[(\d+)\]", checked.text)} == numbers
    for sentence in checked.sentences:
        assert sentence.supported == bool(sentence.cites)
        assert re.sub(r"\s*\[\d+\]", "", sentence.text) == sentence.text, (
            "marks are taken out of the sentence"
        )


def test_a_true_sentence_keeps_its_mark_and_gets_its_quote(passages: list[Passage]) -> None:
    checked = check("The launch was moved to 3 September 2024 [1].", passages)
    assert checked.text == "The launch was moved to 3 September 2024 [1]."
    (citation,) = checked.citations
    assert citation.quote == "We moved the launch to 3 September 2024."
    assert citation.start == 1000 + MAIL.index("We moved")
    assert checked.sentences[0].supported and citation.verified
    assert_lawful(checked, passages)


@pytest.mark.parametrize(
    "draft",
    [
        "The marketing budget is 45,000 EUR [1].",
        "The launch was moved to 4 September 2024 [1].",
        "The launch was moved to 3 October 2024 [1].",
        "Tom Becker approved the plan [2].",
        "The plan was approved by Ines Okafor [2].",
        "Cats are welcome at Acme [3].",
        "The weather will be fine [3].",
        "The launch party takes place in a castle in Scotland [1].",
    ],
)
def test_what_no_source_says_is_not_supported_and_cites_nothing(draft: str, passages: list[Passage]) -> None:
    """An invented number with a mark behind it looks proven; it must look like what it is."""
    checked = check(draft, passages)
    assert [s.supported for s in checked.sentences] == [False]
    assert checked.citations == ()
    assert "[" not in checked.text
    assert_lawful(checked, passages)


@pytest.mark.parametrize(
    "mark", [" [2]", " [3]", "[7]", " [0]", " [999]", "", " [2, 3]", " [2][3]", " [ 2 ; 3 ]"]
)
def test_a_wrong_mark_is_corrected_to_the_passage_that_says_it(mark: str, passages: list[Passage]) -> None:
    """Small models often write the right fact and the wrong number."""
    checked = check(f"The marketing budget is 42,000 EUR{mark}.", passages)
    assert checked.text == "The marketing budget is 42,000 EUR [1]."
    assert checked.citations[0].info.title == "Re: Launch"
    assert_lawful(checked, passages)


def test_what_an_answer_adds_must_stand_in_its_quote() -> None:
    """The question's own words bore out anything that was said with them."""
    question = "Where are haploid cells found in the human body?"
    page = passage(1, "The haploid number is unique to gametes, not to other cells of the human body.")
    assert not check("Haploid cells are found in the bone marrow.", [page], question).citations
    (citation,) = check("Haploid cells of the human body are gametes.", [page], question).citations
    assert "unique to gametes" in citation.quote


@pytest.mark.parametrize(
    ("question", "draft", "source"),
    [
        (
            "How many lighthouses work?",
            "There are three lighthouses.",
            "There are 3 lighthouses in operation.",
        ),
        ("How long is the guarantee?", "It lasts two years in total.", "The guarantee is for 2 years."),
        ("What did the repair cost?", "It cost 395 euros altogether.", "The repair cost € 395."),
        ("Whose idea was it?", "It was Dana's idea.", "Dana had the idea."),
        ("Was it moved?", "Yes, the launch was moved.", "It was moved to May."),
        ("Wurde der Start verschoben?", "Ja, der Start wurde verschoben.", "Der Start wurde verschoben."),
    ],
)
def test_one_thing_said_in_two_ways_is_proven(question: str, draft: str, source: str) -> None:
    assert check(draft, [passage(1, source, title="Launch")], question).citations


def test_what_was_said_before_a_follow_up_need_not_be_proven_again() -> None:
    """ "Who approved it?" is answered by "The launch budget was approved by Dana", and the source has "it" as well."""
    page = passage(1, "Dana approved it on 3 May.")
    draft, question = "The launch budget was approved by Dana.", "Who approved it?"
    before = "What is the launch budget?\nThe launch budget is 42,000 EUR."
    assert check(draft, [page], question, before=before).citations
    assert not check(draft, [page], question).citations
    assert not check("Ines approved it.", [page], question, before=before).citations


@pytest.mark.parametrize("draft", ["The office move was cancelled.", "Yes, the office move was cancelled."])
def test_what_was_asked_is_not_true_because_it_was_asked(draft: str) -> None:
    """ "Details on the office move" has all of the words but the one that matters."""
    page = passage(
        1, "We move to Pershore on 10 November. Details on the office move: Ruth.", title="Decision log"
    )
    assert not check(draft, [page], "Was the office move cancelled?").citations
    assert check("Yes, we move to Pershore.", [page], "Do we move to Pershore?").citations


def test_what_is_denied_must_be_denied_in_the_quote() -> None:
    moved = passage(1, "The launch was moved to May.")
    assert not check("No, the launch was not moved.", [moved], "Was the launch moved?").citations
    stays = passage(1, "The move of the launch was rejected.")
    assert check("No, the launch is not moved.", [stays], "Was the launch moved?").citations


def test_what_only_affirms_the_question_must_stand_in_its_quote() -> None:
    """Of "yes" and the question's own words something is found in every sentence of the page."""
    page = passage(
        1,
        "The launch was moved to May. It pleased the growers. She wrote so. Lunch was late. Nobody came. It rained "
        "all day. There was music. They left. The garden was empty.",
    )
    (citation,) = check("Yes, the launch was moved.", [page], "Was the launch moved?").citations
    assert citation.quote == "The launch was moved to May."
    scattered = "growers have lunch and music in the garden at the launch in the rain"
    assert not check(f"Yes, {scattered}.", [page], f"Did {scattered}?").citations


def test_a_fiscal_year_is_the_year_of_its_source() -> None:
    """The right answer was refused for "FY", which no report writes."""
    rates = [
        passage(
            1, "The effective tax rate was 21.6 percent and 24.6 percent for 2022 and 2021, respectively."
        )
    ]
    asked = "How did the effective tax rate change between FY2021 and FY2022?"
    assert check(
        "The effective tax rate fell from 24.6% in FY2021 to 21.6% in FY2022.", rates, asked
    ).citations
    assert not check(
        "The effective tax rate fell from 24.6% in FY2020 to 21.6% in FY2022.", rates, asked
    ).citations


def test_the_currency_of_a_table_is_that_of_its_other_rows() -> None:
    rows = "Cash | $ 4,466 | $ 4,249\nInventories | 5,622 | 5,261"
    assert check("Inventories were $5,622 million.", [passage(1, rows)]).citations[0].quote == (
        "Inventories | 5,622 | 5,261"
    )
    assert not check("Inventories were €5,622 million.", [passage(1, rows)]).citations
    lunch = "The lunch cost €4.\n\nStaff | 2024 | 2025\nEmployees | 5,622 | 5,261\nWages | €3 | €4"
    assert not check("Employees cost €5,622.", [passage(1, lunch)]).citations, "prose, and what comes later"
    bare = "(Dollars in millions) | 2019 | 2018\nInventories | 5,622 | 5,261"
    assert check("Inventories were $5,622 million.", [passage(1, bare)]).citations


def test_the_marked_passage_goes_first_when_several_say_it() -> None:
    twins = [passage(1, "The launch is in autumn."), passage(2, "In autumn the launch takes place.")]
    assert check("The launch is in autumn [2].", twins).citations[0].info == twins[1].hit.info
    assert check("The launch is in autumn [2].", twins).citations[0].ref.startswith("doc2:")
    assert check("The launch is in autumn [1].", twins).citations[0].ref.startswith("doc1:")


def test_the_quote_is_the_smallest_run_of_sentences_that_says_it(passages: list[Passage]) -> None:
    """A quote of half a page proves nothing at a glance."""
    assert check("Dogs are welcome on Fridays [3].", passages).citations[0].quote == (
        "Dogs are welcome in the office on Fridays."
    )
    both = check("The launch moved to 3 September 2024 with a budget of 42,000 EUR [1].", passages)
    assert both.citations[0].quote == MAIL[MAIL.index("We moved") : MAIL.index("\n\nBest")]
    assert_lawful(both, passages)


def test_what_stands_in_title_sender_and_date_counts_beside_the_quote(passages: list[Passage]) -> None:
    """ "Dana Okafor wrote in July that …" is borne out by the mail's head together with the quote."""
    checked = check("Dana Okafor said that the supplier is late [1].", passages)
    assert checked.sentences[0].supported
    assert checked.citations[0].quote == "the supplier is late."


def test_title_and_date_alone_prove_nothing(passages: list[Passage]) -> None:
    """Otherwise any sentence made of a title's words would be "proven" by a quote about something else."""
    assert check("House rules [3].", passages).citations == ()


def test_marks_are_numbered_in_order_of_appearance(passages: list[Passage]) -> None:
    checked = check(
        "Dogs are welcome in the office on Fridays [3]. Ines Moreau approved the plan [2]. The supplier is late [1]. "
        "The launch was planned for 15 August 2024 [2].",
        passages,
    )
    assert re.findall(r"\[\d+\]", checked.text) == ["[1]", "[2]", "[3]", "[4]"]
    assert [c.info.title for c in checked.citations] == [
        "House rules",
        "Launch plan",
        "Re: Launch",
        "Launch plan",
    ]
    assert_lawful(checked, passages)


def test_a_quote_used_twice_is_one_citation(passages: list[Passage]) -> None:
    checked = check("The budget is 42,000 EUR [1]. Before it was 38,000 EUR [1].", passages)
    assert [s.cites for s in checked.sentences] == [(1,), (1,)]
    assert len(checked.citations) == 1
    assert_lawful(checked, passages)


def test_a_wrong_sentence_among_right_ones_is_told_apart(passages: list[Passage]) -> None:
    checked = check(
        "The supplier is late [1]. The budget is 99,000 EUR [1]. Dogs are welcome on Fridays [3].", passages
    )
    assert [s.supported for s in checked.sentences] == [True, False, True]
    assert [s.cites for s in checked.sentences] == [(1,), (), (2,)]
    assert_lawful(checked, passages)


def test_a_mark_behind_the_full_stop_belongs_to_its_sentence(passages: list[Passage]) -> None:
    checked = check("The supplier is late. [1] Ines Moreau approved the plan. [2]", passages)
    assert checked.text == "The supplier is late [1]. Ines Moreau approved the plan [2]."


def test_line_breaks_of_the_draft_stay(passages: list[Passage]) -> None:
    checked = check("- The supplier is late [1]\n- Dogs are welcome on Fridays [3]", passages)
    assert checked.text == "- The supplier is late [1]\n- Dogs are welcome on Fridays [2]"


@pytest.mark.parametrize(
    "draft", ["", "   \n", "[1]", "[1][2]", "...", "[", "]]]", "[[[1]]]", "[1].[2].", "-", "👩‍🚀"]
)
def test_a_draft_that_says_nothing_has_no_sentences_to_trust(draft: str, passages: list[Passage]) -> None:
    checked = check(draft, passages)
    assert not any(s.supported for s in checked.sentences)
    assert checked.citations == ()
    assert_lawful(checked, passages)


def test_without_passages_nothing_is_supported() -> None:
    checked = check("The supplier is late [1].", [])
    assert [s.supported for s in checked.sentences] == [False]
    assert "[1]" not in checked.text


@pytest.mark.parametrize(
    ("sentence", "text", "marks"),
    [
        ("It is late [1].", "It is late.", [1]),
        ("It is late [1, 2].", "It is late.", [1, 2]),
        ("It is late [1;2][ 3 ].", "It is late.", [1, 2, 3]),
        ("It [is] late.", "It [is] late.", []),
        ("In [2024] it was late.", "In [2024] it was late.", []),
        ("[1]", "", [1]),
    ],
)
def test_marks_are_read_and_other_brackets_left_alone(sentence: str, text: str, marks: list[int]) -> None:
    assert strip_marks(sentence) == (text, marks)


def test_no_quote_when_the_passage_is_about_something_else(passages: list[Passage]) -> None:
    assert quotes("The launch was moved to 3 September 2024.", passages[2]) == []


@pytest.mark.parametrize("bracket", ["[2024]", "[note]", "[12345]", "[sic]"])
def test_brackets_of_the_source_are_not_taken_for_marks(bracket: str) -> None:
    """A copied "[2024]" must not turn into a citation that does not exist."""
    source = passage(1, f"The {bracket} launch moved to autumn for the whole team.")
    checked = check(f"The {bracket} launch moved to autumn [1].", [source])
    assert checked.sentences[0].cites == (1,)
    assert bracket in checked.text


pieces = st.sampled_from(
    "The supplier is late . The budget is 42,000 EUR . Dogs are welcome on Fridays . [1] [2] [3] [7] [ ] [] [1, 2] "
    "\n \n\n - ! ? … 3 September 2024 Ines Moreau approved the plan . [12345] [1;2] [٣] [²] Not found | # 1. A. [x]"
    .split(" ")
)  # fmt: skip


@given(
    st.one_of(
        st.lists(pieces, max_size=30).map(" ".join),
        st.lists(pieces, max_size=30).map("".join),
        st.text(max_size=80),
    )
)
def test_whatever_the_model_writes_every_quote_is_a_slice_and_every_mark_exists(draft: str) -> None:
    passages = [passage(1, MAIL, start=1000), passage(2, WIKI, start=50), passage(3, PETS)]
    checked = check(draft, passages)
    for citation in checked.citations:
        source = next(p.hit for p in passages if p.hit.ref.startswith(citation.ref.partition(":")[0] + ":"))
        assert citation.quote == source.text[citation.start - source.start : citation.end - source.start]
    numbers = {citation.n for citation in checked.citations}
    assert {int(n) for n in re.findall(r"\[(\d{1,3})\]", checked.text)} <= numbers
    assert {n for s in checked.sentences for n in s.cites} == numbers
    assert all(s.supported == bool(s.cites) for s in checked.sentences)


@pytest.mark.parametrize(
    "unit", ["[", "[1", "[1,", "[1] ", "]", "A. ", "[ ", ". ", "a ", "[1].", ".[1]", "\n"]
)
def test_a_draft_that_runs_wild_is_checked_in_time(unit: str, passages: list[Passage]) -> None:
    """A model that repeats itself until its limit (320 tokens, some 2,000 characters) must not hang the answer."""
    started = time.perf_counter()
    check((unit * 4000)[:4000], passages)
    assert time.perf_counter() - started < 10


def test_names_of_the_question_may_stand_elsewhere_in_the_passage() -> None:
    """Else "the bridge between Aldholm and Vesk is 12.9 km long" is refused, where one sentence names the towns and
    another, further on, the length."""
    text = (
        "The bridge joins Aldholm to Vesk.\n\nIt was painted twice. Nobody knows by whom. People fish from it. "
        "It is 12.9 km long."
    )
    question = "How long is the bridge between Aldholm and Vesk?"
    draft = "The bridge between Aldholm and Vesk is 12.9 km long."
    checked = check(draft, [passage(1, text, title="Crossings")], question)
    assert checked.citations[0].quote == "It is 12.9 km long."
    other = draft.replace("Vesk", "Norrby")
    assert not check(other, [passage(1, text, title="Crossings")], question).citations, (
        "not a name of the question"
    )
    far = question.replace("Vesk", "Norrby")
    assert not check(other, [passage(1, text, title="Crossings")], far).citations, "not a name of the passage"


def test_two_rows_of_a_table_are_no_proof() -> None:
    """Else the decision of one row gets the status of another."""
    rows = "| D-12 | Records kept for 24 months | superseded |\n| D-11 | Corvane as the only supplier | decided |"
    found = hit(rows, info(title="Decision log"))
    sources = [Passage(1, found, ((0, len(rows)),), rows)]
    assert check("Corvane as the only supplier was decided in D-11.", sources).citations
    assert not check("Corvane as the only supplier in D-11 was superseded by D-12.", sources).citations
