"""When one look is not enough: what a search brings by its names, and what goes on to be read."""

from dataclasses import replace

import numpy as np
import pytest
from helpers import hit, info

from generation.context import rank
from generation.plan import is_composite, names, names_to_follow, needs_plan, together

CHAIN = "Who approved the change that delayed the opening of the Atlas bridge?"


def encode(texts):
    """All texts equally near: what is left to choose by are the words."""
    return np.ones((len(texts), 1), dtype=np.float32)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("The delay came with change C-17, which Ines Rocha wrote.", ["C-17", "Ines Rocha"]),
        ("# Bank of England\n\nIt was moved on Tuesday.", ["Bank of England"]),
        ("On 3 September the board met in Łódź.", ["Łódź"]),
        ("Three equal faults. Summary\nOn Sunday C-17 came, and Ines Rocha's plan.", ["C-17", "Ines Rocha"]),
        ("Version: 4.2.0; Released: 24 June 2025; Owner: Ines Rocha", ["Ines Rocha"]),
        ("nothing here has a name", []),
    ],
)
def test_what_counts_as_a_name(text, found):
    assert names(text) == found


def test_a_question_that_one_passage_answers_is_looked_up_once():
    """More looks cost time, and bring passages that distract a small model."""
    assert not needs_plan(
        CHAIN, [hit("Nerys approved the change that delayed the opening of the Atlas bridge.")]
    )
    assert not needs_plan("How long is the bridge?", [hit("The harbour is deep.")])


def test_a_name_with_an_and_in_it_is_one_thing():
    """Other films that are looked up for "Arsenic and Old Lace" only bring other towns."""
    question = "where does arsenic and old lace take place?"
    assert is_composite(question, [hit("A play.", info(title="Lace"))])
    assert not is_composite(question, [hit("A play.", info(title="Arsenic and Old Lace"))])
    assert is_composite("where do the rhine and the elbe rise?", [hit("A river.", info(title="Rhine"))])


def test_a_question_of_several_parts_that_no_passage_has_is_looked_up_again():
    hits = [hit("Change C-17 delayed Atlas by a week."), hit("The harbour is deep.")]
    assert needs_plan(CHAIN, hits)


def test_the_names_that_lead_on_are_those_which_the_question_lacks():
    hits = [hit("Atlas was delayed by C-17."), hit("Ines Rocha wrote it, not C-17.")]
    ranked = rank(CHAIN, hits, encode, len)
    assert names_to_follow(CHAIN, ranked) == ["C-17", "Ines Rocha"]


def test_all_looks_are_read_together_without_a_passage_twice():
    """The passage that both looks find must not take two places of the few that there are."""
    first = [replace(hit(f"text {n}"), ref=f"a:{n}-9", score=1 - n / 10) for n in range(8)]
    new = [replace(hit(f"new {n}"), ref=f"b:{n}-9", score=2 - n / 10) for n in range(6)]
    plan = together(["C-17"], first, [[first[0], *new[:3]], [new[0], *new[3:]]])
    assert [found.ref for found in plan.hits] == [
        "a:0-9",
        "a:1-9",
        "a:2-9",
        "a:3-9",
        "b:0-9",
        "b:1-9",
        "b:2-9",
        "b:3-9",
    ]
    assert [found.rank for found in plan.hits] == list(range(1, 9))
    assert plan.worth[0] == plan.worth[4] == 1.0 and min(plan.worth) >= 0
