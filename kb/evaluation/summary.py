"""The figures of a run: from the results of the questions to what a person wants to know."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from kb.evaluation.measures import DEPTH, median, ndcg
from kb.evaluation.results import Found, Given, Result

Unit = Literal["share", "count", "seconds"]


@dataclass(frozen=True, slots=True)
class Figure:
    """A measure of a run. `of` is the number of questions (citations, sentences) that it is over, `sign` is 1 when more
    is better, -1 when less is, 0 when it is neither. `says` tells a reader what it means."""

    group: str
    name: str
    value: float
    of: int
    unit: Unit
    sign: int
    says: str

    def text(self, value: float | None = None) -> str:
        """Its value, or another one of it, for people."""
        value = self.value if value is None else value
        if self.unit == "share":
            return f"{value:.3f}"
        if self.unit == "count":
            return f"{value:,.0f}"
        return f"{value:.1f} s" if value >= 1 else f"{1000 * value:.0f} ms"


@dataclass(frozen=True, slots=True)
class Risk:
    """When only the questions with at least `confidence` are answered: the share of all questions that is
    (`coverage`), and the share of wrong ones among them."""

    coverage: float
    risk: float
    confidence: float


def figures(results: Sequence[Result]) -> list[Figure]:
    """All measures that the results allow, by group."""
    return [
        *_retrieval(results),
        *_answers(results),
        *_refusals(results),
        *_citations(results),
        *_cost(results),
    ]


def summary_json(measured: Iterable[Figure]) -> dict[str, dict[str, Any]]:
    """The measures by group and name: their value, and what they are over."""
    groups: dict[str, dict[str, Any]] = {}
    for figure in measured:
        groups.setdefault(figure.group, {})[figure.name] = {"value": round(figure.value, 4), "of": figure.of}
    return groups


def risk_coverage(results: Sequence[Result]) -> list[Risk]:
    """The curve of risk over coverage, the surest answers first. Questions whose answer can't be judged are left out;
    those that were refused are covered by no confidence."""
    judged = [r for r in results if r.is_judged]
    answered = [
        (given.confidence, bool(r.good))
        for r in judged
        if (given := _given(r)).answered and given.confidence is not None
    ]
    curve: list[Risk] = []
    wrong = 0
    ordered = sorted(answered, key=lambda pair: -pair[0])
    for number, (confidence, good) in enumerate(ordered, start=1):
        wrong += not good
        if number == len(ordered) or ordered[number][0] < confidence:  # equally sure ones come together
            curve.append(Risk(number / len(judged), wrong / number, confidence))
    return curve


def risk_steps(results: Sequence[Result]) -> list[Risk]:
    """Of the curve of risk over coverage the points next to a tenth of the questions, two tenths and so on."""
    curve = risk_coverage(results)
    steps = (next((point for point in curve if point.coverage >= tenth / 10), None) for tenth in range(1, 11))
    return list(dict.fromkeys(point for point in [*steps, *curve[-1:]] if point is not None))


def ranks(results: Sequence[Result]) -> dict[str, int]:
    """How many questions have their first good hit at which rank; `none` for those without one among ten."""
    first = [result.found.rank for result in results if result.found is not None]
    return {str(rank): first.count(rank) for rank in range(1, DEPTH + 1)} | {"none": first.count(None)}


def outcomes(results: Sequence[Result]) -> dict[str, int]:
    """How many answers were right, wrong and so on."""
    judged = [r for r in results if r.given is not None and r.good is not None]
    yes = [r for r in judged if r.answerable]
    no = [r for r in judged if r.answerable is False]
    answered = [r for r in yes if _given(r).answered]
    return {
        "right": sum(bool(r.good) for r in answered),
        "wrong": sum(not r.good for r in answered),
        "refused, though the documents say": len(yes) - len(answered),
        "refused rightly": sum(bool(r.good) for r in no),
        "answered, though the documents do not say": sum(not r.good for r in no),
    }


def _given(result: Result) -> Given:
    assert result.given is not None
    return result.given


def _retrieval(results: Sequence[Result]) -> list[Figure]:
    found: list[Found] = [result.found for result in results if result.found is not None]
    if not found:
        return []
    ranks = [entry.rank for entry in found]
    all_of = len(found)

    def share(name: str, value: float, says: str) -> Figure:
        return Figure("retrieval", name, value, all_of, "share", 1, says)

    return [
        *(
            share(
                f"hit@{k}",
                sum(bool(rank and rank <= k) for rank in ranks) / all_of,
                f"a named place among {k}",
            )
            for k in (1, 5, DEPTH)
        ),
        share("MRR@10", sum(1 / rank for rank in ranks if rank) / all_of, "1 / rank of the first"),
        share(
            "nDCG@10", ndcg([f.good for f in found], [f.missed for f in found]), "all named places, high up"
        ),
    ]


def _answers(results: Sequence[Result]) -> list[Figure]:
    known = [r.given for r in results if r.given is not None and r.given.right is not None]
    placed = [given for given in known if given.cited_right is not None]
    counts: tuple[tuple[str, Sequence[Given], Callable[[Given], float | bool | None], str], ...] = (
        ("right", known, lambda g: g.right, "half of an accepted answer's words"),
        ("right and cited", placed, lambda g: g.right and bool(g.cited_right), "... and a named place cited"),
        ("contained", known, lambda g: g.contained, "an accepted answer, word for word"),
        ("exact", known, lambda g: g.exact, "an accepted answer, nothing else"),
        ("token F1", known, lambda g: g.f1, "words shared with an accepted one"),
    )
    return [
        Figure(
            "answers", name, sum(float(count(g) or 0) for g in over) / len(over), len(over), "share", 1, says
        )
        for name, over, count, says in counts
        if over
    ]


def _refusals(results: Sequence[Result]) -> list[Figure]:
    asked = [r for r in results if r.given is not None and r.answerable is not None]
    refused = [r for r in asked if not _given(r).answered]
    no = [r for r in asked if r.answerable is False]
    rightly = sum(r.answerable is False for r in refused)
    measured = []
    if no:
        if refused:
            says = "refusals that were right"
            measured.append(
                Figure("refusals", "precision", rightly / len(refused), len(refused), "share", 1, says)
            )
        says = "what has no answer and was refused"
        measured.append(Figure("refusals", "recall", rightly / len(no), len(no), "share", 1, says))
    curve = risk_coverage(results)
    if curve:
        answered = sum(_given(r).answered for r in results if r.is_judged)
        half = next(point for point in curve if 2 * point.coverage >= curve[-1].coverage)
        measured += [
            Figure("refusals", "risk", curve[-1].risk, answered, "share", -1, "wrong among what was answered"),
            Figure(
                "refusals", "risk, surer half", half.risk, round(answered * half.coverage / curve[-1].coverage),
                "share", -1, f"with a confidence from {half.confidence:.2f}",
            ),
        ]  # fmt: skip
    return measured


def _citations(results: Sequence[Result]) -> list[Figure]:
    given = [r.given for r in results if r.given is not None and r.given.answered]
    measured = []
    counts: tuple[tuple[str, Callable[[Given], int | None], str], ...] = (
        ("precision", lambda g: g.cited_right, "citations in a named place"),
        ("hold the answer", lambda g: g.cited_holding, "quotes with an accepted answer"),
    )
    for name, count, says in counts:
        pairs = [(count(g), g.citations) for g in given]
        of = sum(citations for counted, citations in pairs if counted is not None)
        if of:
            value = sum(counted for counted, _ in pairs if counted is not None) / of
            measured.append(Figure("citations", name, value, of, "share", 1, says))
    sentences = sum(g.sentences for g in given)
    if sentences:
        value = sum(g.supported for g in given) / sentences
        measured.append(
            Figure("citations", "recall", value, sentences, "share", 1, "sentences that are borne out")
        )
    return measured


def _cost(results: Sequence[Result]) -> list[Figure]:
    measured = []
    found = [r.found.milliseconds for r in results if r.found is not None]
    given = [r.given for r in results if r.given is not None]
    read = [g.prompt_tokens for g in given if g.prompt_tokens]
    first = [g.first_ms / 1000 for g in given if g.first_ms is not None]
    if read:
        made = [g.completion_tokens for g in given if g.prompt_tokens]
        measured += [
            Figure(
                "cost", "tokens read", median(read), len(read), "count", -1, f"median; {sum(read):,} in all"
            ),
            Figure(
                "cost", "tokens written", median(made), len(made), "count", 0, f"median; {sum(made):,} in all"
            ),
        ]
    if first:
        measured.append(
            Figure("cost", "first word", median(first), len(first), "seconds", -1, _slowest(first))
        )
    if given:
        whole = [g.total_ms / 1000 for g in given]
        measured.append(
            Figure("cost", "whole answer", median(whole), len(whole), "seconds", -1, _slowest(whole))
        )
    if found:
        seconds = [milliseconds / 1000 for milliseconds in found]
        measured.append(
            Figure("cost", "search", median(seconds), len(found), "seconds", -1, _slowest(seconds))
        )
    return measured


def _slowest(seconds: Sequence[float]) -> str:
    slow = sorted(seconds)[int(0.95 * (len(seconds) - 1))]
    return f"median; 95 % within {slow:.1f} s" if slow >= 1 else f"median; 95 % within {1000 * slow:.0f} ms"
