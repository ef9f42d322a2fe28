"""The figures of a run: a wrong rule here would make a worse answer look like a better one."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from helpers import hit, info
from hypothesis import given
from hypothesis import strategies as st

from kb.evaluation.compare import compare, read_run
from kb.evaluation.journal import Journal
from kb.evaluation.measures import is_contained, is_exact, ndcg, token_f1
from kb.evaluation.questions import places_of
from kb.evaluation.results import Found, Given, Result, judge_hits
from kb.evaluation.summary import Figure, figures, outcomes, ranks, risk_coverage, risk_steps, summary_json
from retrieval.errors import UsageError

GIVEN = Given(
    answered=True, text="It was Ada. [1]", confidence=0.9, right=True, exact=False, contained=True, f1=0.5, citations=1,
    cited_right=1, cited_holding=1, sentences=1, supported=1, prompt_tokens=200, completion_tokens=10, first_ms=1000.0,
    total_ms=2000.0,
)  # fmt: skip
REFUSED = replace(
    GIVEN, answered=False, right=False, contained=False, f1=0.0, citations=0, cited_right=0, cited_holding=0,
    sentences=0, supported=0,
)  # fmt: skip


def result(
    name: str, given: Given | None = GIVEN, *, answerable: bool | None = True, rank: int | None = 1
) -> Result:
    good = tuple(number == rank for number in range(1, 11))
    found = Found(good, 0 if rank else 1, 30.0) if answerable else None
    return Result(name, f"question {name}?", ("Ada",) if answerable else (), answerable, found, given)


def wrong(confidence: float = 0.9) -> Given:
    return replace(GIVEN, right=False, contained=False, f1=0.0, cited_right=0, confidence=confidence)


def right(confidence: float = 0.9) -> Given:
    return replace(GIVEN, confidence=confidence)


def refused() -> Given:
    return REFUSED


def unanswerable(given: Given) -> Given:
    """What is judged of an answer that nothing can be right about."""
    return replace(
        given, right=None, exact=None, contained=None, f1=None, cited_right=None, cited_holding=None
    )


def value(measured: Sequence[Figure], group: str, name: str) -> float:
    return next(figure.value for figure in measured if (figure.group, figure.name) == (group, name))


@pytest.mark.parametrize(
    ("answer", "accepted", "exact", "contained", "f1"),
    [
        ("The Ada Berg.", ["ada berg"], True, True, 1.0),
        ("It was Ada Berg. [1]", ["Ada Berg"], False, True, pytest.approx(2 / 3)),
        ("It was Berg, Ada.", ["Ada Berg"], False, False, pytest.approx(2 / 3)),
        ("It was Adam.", ["Ada"], False, False, 0.0),  # the beginning of a word is another word
        ("£1,240 [2]", ["£1240"], True, True, 1.0),
        ("nobody", ["Ada", "Nobody"], True, True, 1.0),
        ("", ["Ada"], False, False, 0.0),
        ("Ada", [], False, False, 0.0),
    ],
)
def test_answers_are_compared_as_squad_does(
    answer: str, accepted: list[str], exact: bool, contained: bool, f1: Any
) -> None:
    assert (is_exact(answer, accepted), is_contained(answer, accepted)) == (exact, contained)
    assert token_f1(answer, accepted) == f1


def test_ndcg_of_rankings_worked_out_by_hand() -> None:
    assert ndcg([], []) == 0
    assert ndcg([(True, False)], [0]) == pytest.approx(1)
    assert ndcg([(False, True)], [0]) == pytest.approx(0.6309, abs=1e-4)  # 1 / log2(3)
    assert ndcg([(True,)], [1]) == pytest.approx(
        1 / 1.6309, abs=1e-4
    )  # a short list finds nothing by being short
    assert ndcg([()], [1]) == 0
    assert ndcg([(True,), ()], [0, 3]) == pytest.approx(0.5)


def test_a_place_counts_once_and_two_in_one_hit_count_as_one() -> None:
    """Ten chunks of the one right page are not ten right hits; a chunk over two spans has found both."""
    place = places_of({"doc": "a.md", "spans": [[0, 5], [8, 12], [500, 600]]})
    hits = [hit("x" * 20, info("a.md"), rank=rank) for rank in (1, 2)]
    assert judge_hits(hits, place, 1.0) == Found((True, False), 1, 1.0)
    assert judge_hits([], place, 1.0).rank is None


def test_the_measures_of_a_run() -> None:
    run = [
        result("a", rank=1),
        result("b", wrong(), rank=4),
        result("c", refused(), rank=None),
        result("d", unanswerable(refused()), answerable=False),
        result("e", unanswerable(GIVEN), answerable=False),
    ]
    measured = figures(run)
    assert [value(measured, "retrieval", f"hit@{k}") for k in (1, 5, 10)] == pytest.approx(
        [1 / 3, 2 / 3, 2 / 3]
    )
    assert value(measured, "retrieval", "MRR@10") == pytest.approx((1 + 1 / 4) / 3)
    assert value(measured, "answers", "right") == pytest.approx(1 / 3)
    assert value(measured, "refusals", "precision") == 1 / 2  # c was refused though the documents say
    assert value(measured, "refusals", "recall") == 1 / 2  # e was not refused
    assert value(measured, "refusals", "risk") == pytest.approx(2 / 3)  # b and e, of a, b and e
    assert value(measured, "citations", "precision") == 1 / 2  # of those of a and b
    assert value(measured, "cost", "tokens read") == 200
    assert list(outcomes(run).values()) == [1, 1, 1, 1, 1]
    assert ranks(run) == {"1": 1, "4": 1, "none": 1} | dict.fromkeys("2 3 5 6 7 8 9 10".split(), 0)
    assert summary_json(measured)["answers"]["right"] == {"value": 0.3333, "of": 3}


def test_what_was_not_measured_has_no_figure() -> None:
    """A share of nothing must not be shown as 0."""
    assert figures([]) == []
    assert {figure.group for figure in figures([result("a", None)])} == {"retrieval", "cost"}
    bare = Result("a", "q?", (), None, None, unanswerable(GIVEN))
    assert {figure.group for figure in figures([bare])} == {"citations", "cost"}
    assert bare.good is None and risk_coverage([bare]) == []


def test_a_refusal_is_judged_where_only_the_place_is_known() -> None:
    """That an answer stands in a document is enough to tell a refusal, and not enough to tell a right answer."""
    unknown = {"right": None, "exact": None, "contained": None, "f1": None, "cited_holding": None}
    said, not_said = (replace(result("a"), given=replace(given, **unknown)) for given in (GIVEN, REFUSED))
    assert (said.good, not_said.good) == (None, False)
    assert risk_coverage([said, not_said]) == []


def test_risk_falls_when_only_the_surest_are_answered() -> None:
    run = [result("a", right(0.9)), result("b", wrong(0.6)), result("c", right(0.8)), result("d", refused())]
    curve = risk_coverage(run)
    assert [(point.coverage, point.confidence) for point in curve] == [(0.25, 0.9), (0.5, 0.8), (0.75, 0.6)]
    assert [point.risk for point in curve] == pytest.approx([0, 0, 1 / 3])
    assert value(figures(run), "refusals", "risk, surer half") == 0


@given(
    st.lists(st.tuples(st.sampled_from([0.2, 0.5, 0.9]), st.sampled_from([right, wrong, None])), max_size=12)
)
def test_the_curve_ends_where_the_run_is(run: list[tuple[float, Any]]) -> None:
    results = [
        result(f"{n}", refused() if make is None else make(sure)) for n, (sure, make) in enumerate(run)
    ]
    curve = risk_coverage(results)
    answered = [r for r in results if r.given and r.given.answered]
    assert bool(curve) == bool(answered)
    if curve:
        assert curve[-1].coverage == pytest.approx(len(answered) / len(results))
        assert curve[-1].risk == pytest.approx(sum(not r.good for r in answered) / len(answered))
        assert [p.coverage for p in curve] == sorted({p.coverage for p in curve})
        assert set(risk_steps(results)) <= set(curve) and risk_steps(results)[-1] == curve[-1]


def test_a_comparison_names_the_questions_that_flipped() -> None:
    earlier = [result("a"), result("b", wrong()), result("c"), result("gone")]
    now = [result("a"), result("b"), result("c", wrong()), result("new")]
    comparison = compare(now, earlier)
    assert ([r.id for r in comparison.better], [r.id for r in comparison.worse]) == (["b"], ["c"])
    assert (comparison.common, comparison.left_out) == (3, 2)
    assert comparison.by_chance == 1


def test_a_difference_is_marked_by_what_is_better() -> None:
    slow, fewer = replace(GIVEN, total_ms=9000.0), replace(GIVEN, prompt_tokens=100)
    faster = compare([result("a")], [result("a", slow)])
    assert {c.now.name: c.direction for c in faster.changes}["whole answer"] == 1
    longer = compare([result("a")], [result("a", fewer)])
    assert {c.now.name: c.direction for c in longer.changes}["tokens read"] == -1
    noise = compare([result("a")], [result("a", replace(GIVEN, total_ms=1900.0))])
    assert all(change.direction == 0 for change in noise.changes)


def test_a_question_that_was_reworded_is_another_question() -> None:
    assert compare([result("a")], [replace(result("a", wrong()), question="else?")]).common == 0


def test_an_answer_and_a_hit_are_not_compared() -> None:
    """A run of retrieval only says nothing about answers: its questions have not got worse."""
    assert compare([result("a", wrong())], [result("a", None)]).worse == ()


def test_flips_that_all_go_one_way_are_hardly_chance() -> None:
    earlier = [result(f"{n}", wrong()) for n in range(8)]
    assert compare([result(f"{n}") for n in range(8)], earlier).by_chance == pytest.approx(2 / 2**8)


def test_a_result_is_kept_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "run.json"
    run = [result("a"), result("b", None, rank=None), result("c", unanswerable(refused()), answerable=False)]
    file.write_text(json.dumps({"questions": [r.to_json() for r in run]}))
    assert read_run(file) == run


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", '{"questions": 1}', '{"questions": [{"id": "a"}]}', "[" * 99_999]
)
def test_a_file_that_is_no_run_says_so(tmp_path: Path, content: str) -> None:
    file = tmp_path / "run.json"
    file.write_text(content)
    with pytest.raises(UsageError, match="holds no earlier run"):
        read_run(file)


def test_a_killed_run_goes_on_where_it_was(tmp_path: Path) -> None:
    """Half a line at the end is what kill -9 leaves; the results before it took minutes and stay."""
    file = tmp_path / "kept.jsonl"
    with Journal(file, {"model": "m"}) as journal:
        journal.add(result("a"))
        journal.add(result("b"))
    file.write_bytes(file.read_bytes()[:-30])
    with Journal(file, {"model": "m"}) as journal:
        assert journal.results == {"a": result("a")}
        journal.add(result("b", wrong()))
    with Journal(file, {"model": "m"}) as journal:
        assert journal.results == {"a": result("a"), "b": result("b", wrong())}


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b'{"model": "other"}\n', r"something else \(model\)"),
        (b'{"question": "who?"}\n', "not what an earlier run has kept"),
        (b'{"question": "who?"}', "not what an earlier run has kept"),
        (b'{"model": "m"}\n{"id": 1}\n', "not what an earlier run has kept"),
        (b"\xff\xff\n", "not what an earlier run has kept"),
        (b"no\nJSON\n", "not what an earlier run has kept"),
    ],
)
def test_a_file_of_something_else_is_left_alone(tmp_path: Path, content: bytes, says: str) -> None:
    """Somebody names the question file by mistake: it must not be written to."""
    file = tmp_path / "kept.jsonl"
    file.write_bytes(content)
    with pytest.raises(UsageError, match=says):
        Journal(file, {"model": "m"})
    assert file.read_bytes() == content
