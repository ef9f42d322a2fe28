"""An answer says which earlier decision it replaces, and cites both."""

from collections.abc import Sequence

import numpy as np
from helpers import bag_of_words, hit, info
from numpy.typing import NDArray

from generation.context import rank
from generation.earlier import with_replaced
from generation.types import Passage
from generation.verify import check
from retrieval.types import Hit

QUESTION = "When is the launch?"
NEW = "It was decided that the launch is on 30 September."
OLD = "Everybody was there. It was decided that the launch is on 26 August."


def encode(texts: Sequence[str]) -> NDArray[np.float32]:
    return bag_of_words(texts, 512)


def told(draft: str, *hits: Hit) -> tuple[str, list[str]]:
    ranked = rank(QUESTION, hits, encode, lambda text: len(text.split()))
    passages = [Passage(n, h, ((h.start, h.end),), h.text) for n, h in enumerate(hits, start=1)]
    checked = with_replaced(check(draft, passages, QUESTION), ranked)
    return checked.text, [citation.quote for citation in checked.citations]


def newer() -> Hit:
    return hit(NEW, info("new.md", date="2025-07-29"), ref="new")


def older(replaced_by: str | None, date: str | None = "2025-06-10T15:00:00+00:00") -> Hit:
    return hit(OLD, info("old.md", date=date), rank=2, ref="old", replaced_by=replaced_by)


def test_what_the_decision_replaced_is_told_with_its_date_and_quote() -> None:
    """Who remembers the old date would else take the answer for a mistake."""
    text, quotes = told("The launch is on 30 September.", newer(), older(f"new:0-{len(NEW)}"))
    assert text == "The launch is on 30 September [1]. It replaces what was said on 10 June 2025 [2]."
    assert quotes == [NEW, "It was decided that the launch is on 26 August."]


def test_nothing_is_said_where_nothing_is_known() -> None:
    plain = "The launch is on 30 September [1]."
    assert told("The launch is on 30 September.", newer(), older(None))[0] == plain
    assert told("The launch is on 30 September.", newer(), older("another:0-50"))[0] == plain
    assert told("The launch is on 30 September.", newer(), older(f"new:0-{len(NEW)}", date=None))[0] == plain


def test_a_note_about_the_change_is_not_what_was_replaced() -> None:
    old = f"{OLD} The council revised the launch decision later, when the launch is see there."
    document = hit(old, info("old.md", date="2025-06-10"), rank=2, ref="old", replaced_by=f"new:0-{len(NEW)}")
    assert told("The launch is on 30 September.", newer(), document)[1][1:] == [
        "It was decided that the launch is on 26 August."
    ]
