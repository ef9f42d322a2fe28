"""Ranks from evidence, and passages that are no answers: agendas, copies, neighbours."""

from datetime import date

import pytest
from helpers import info
from hypothesis import given
from hypothesis import strategies as st

from retrieval.asking import Asked, asked
from retrieval.outline import is_outline
from retrieval.ranking import Candidate, about, evidence, spread
from retrieval.turns import is_transcript, substance, turns

TODAY = date(2026, 11, 25)


def candidate(i: int, document: int = 0, dense: float = 0.5, words: float = 0.0, **more: object) -> Candidate:
    about = info(f"{document or i}.md", title=f"Page {document or i}")
    return Candidate(i, document or i, about, None, dense, words, **more)  # type: ignore[arg-type]


def scores(question: str | Asked, *candidates: Candidate) -> list[float]:
    read = asked(question, TODAY) if isinstance(question, str) else question
    places = about(read, {c.document: c.info for c in candidates})
    spoken = {c.document for c in candidates if is_transcript(c.text)}
    return [sum(parts.values()) for parts in evidence(places, candidates, spoken)]


def test_meaning_words_and_pairs_add_up() -> None:
    by_meaning, by_words, by_pairs = scores(
        "x",
        candidate(1, dense=0.6),
        candidate(2, dense=0.5, words=0.6),
        candidate(3, dense=0.5, words=0.6, pairs=0.4),
    )
    assert by_meaning == pytest.approx(0.6), "a document of one chunk has its chunk's score"
    assert by_meaning < by_words < by_pairs


def test_a_meeting_that_answers_well_lifts_its_other_passages() -> None:
    """Of two meetings where somebody mentions the budget, the one that was about it is more likely meant."""
    said = "**Dana:** The budget is 42,000 EUR.\n**Ines:** Is it?\n" * 3
    best, other, stray = scores(
        "x", candidate(1, 7, 0.8, text=said), candidate(2, 7, 0.4, text=said), candidate(3, 8, 0.5, text=said)
    )
    assert best > other > stray
    log = "**Status:** decided.\nWe said: no.\n**Status:** open.\nOwner: Dana.\n**Status:** dropped.\nSee: below."
    for page in ("", "Tooling: up by £3,500", "**Status:** decided.\n" * 8, log):
        of_a_page, stray = scores(
            "x", candidate(1, 7, 0.8, text=page), candidate(2, 7, 0.4, text=page), candidate(3, 8, 0.5)
        )[1:]
        assert of_a_page < stray, "in other documents every passage stands for itself"


def test_an_agenda_comes_after_what_it_points_to() -> None:
    agenda, answer = scores(
        "what about the launch date",
        candidate(1, 7, 0.7, text="Topics: launch date; budget"), candidate(2, 7, 0.6, text="The launch is in May."),
    )  # fmt: skip
    assert answer > agenda


def test_the_latest_is_the_newest() -> None:
    old, new = (
        Candidate(i, i, info(f"{i}.md", date=day), None, 0.5, 0.5)
        for i, day in enumerate(["2024-05-01", "2025-05-01"])
    )
    before, after = scores("What is the latest budget?", old, new)
    assert before < after
    assert len(set(scores("What is the budget?", old, new))) == 1


def test_evidence_names_only_what_counts() -> None:
    read = asked("what about the boiler", TODAY)
    found = candidate(1, words=0.5)
    (parts,) = evidence(about(read, {found.document: found.info}), [found])
    assert parts.keys() == {"meaning", "words"}


def test_a_neighbour_stands_back_for_another_place() -> None:
    """Three pieces of one page say less than one of each of three pages; who opens the first sees its neighbours."""
    beside, far = candidate(2, 7), candidate(9, 8)
    order = spread([candidate(1, 7), beside, far], [0.9, 0.8, 0.79], 3)
    assert [at for at, _ in order] == [0, 2, 1]
    assert order[0][1] == order[1][1] == 0 and order[2][1] < 0
    assert [at for at, _ in spread([candidate(1, 7), beside, far], [0.9, 0.8, 0.5], 3)] == [0, 1, 2], (
        "a little only"
    )


@given(st.lists(st.floats(0, 1), max_size=20), st.integers(0, 25))
def test_spreading_loses_nobody(values: list[float], k: int) -> None:
    candidates = [candidate(i + 1, 1 + i % 3) for i in range(len(values))]
    order = [at for at, _ in spread(candidates, values, k)]
    assert len(set(order)) == len(order) == min(k, len(values))
    assert not order or values[order[0]] == max(values)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Topics: launch; budget", True),
        ("# Council, 3 May\n\nAgenda:\n- launch\n- budget", True),
        ("**Contents**\n\n- Launch", True),
        (
            "Risk Factors ........ 9\nProperties ........ 21\nLegal ........ 21\nMine Safety ........ 22",
            True,
        ),
        (
            "Item 1 Business | 3\nItem 2 Risks | 14\nItem 3 Staff | 30\nItem 4 Control | 31\nItem 5 Market | 33",
            True,
        ),
        ("Sales | 120\nCosts | 80\nProfit | 40\nTax | 10", False),
        # The link above every page of a report.
        ("Table of Contents\n\nConsolidated Statement of Cash Flows", False),
        (
            "Table of Contents\n\nAssets | 2019 | 2018\nCash | 466 | 49\nLoan | 7 | 9\nOil | 3 | 8\nGas | 2 | 9",
            False,
        ),
        ("Table of Contents\n\nBusiness | 3\nRisks | 14\nStaff | 30\nControl | 31", True),
        ("The agenda was long.", False),
        ("Topics were discussed at length.", False),
        ("Contents may settle in transport.", False),
        ("", False),
    ],
)
def test_what_is_an_outline(text: str, expected: bool) -> None:
    assert is_outline(text) is expected


def test_who_speaks_in_a_transcript() -> None:
    text = "**Dana:** Hello.\n\n**Ines (sales):** Yes: we launch.\nMore of it.\nKofi: At 10:30, then."
    assert [name for _, name in turns(text)] == ["Dana", "Ines (sales)", "Kofi"]
    assert is_transcript(text * 3)
    assert not is_transcript("Price: 10 EUR\n" + "A page about things.\n" * 30)
    assert substance("Dana: Mm-hmm.\nInes: We launch Wren {cough} in September.\nKofi: OK.") == (
        "Ines: We launch Wren in September."
    )
    assert substance("Dana: Yes.") == "Dana: Yes.", "better than nothing"
