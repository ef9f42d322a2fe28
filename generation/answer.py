"""From a question and its hits to a checked answer, as a stream of events."""

import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from generation.abstain import MIN_CONFIDENCE, confidence, refuses
from generation.asked import is_day_rate, restates, states, wants_sum, wants_summary
from generation.context import Ranked, build_context, passages_alone, rank, relative
from generation.doubt import MIN_PROBABILITY, is_astray, least_probability
from generation.earlier import with_replaced
from generation.followup import recent
from generation.plan import FROM_HITS, Plan, is_composite, names_to_follow, needs_plan, together
from generation.prompt import SYSTEM, SYSTEM_LONG, user_prompt
from generation.sourced import with_source
from generation.stop import Stop
from generation.summary import PASSAGE_BUDGET, PASSAGES, Drafting, Written, sentence_of_each
from generation.tidy import as_written, quoted, shortened, tidy
from generation.types import Answer, Event, LanguageModel, Passage, Retrieved, Token, Turn
from generation.verify import Checked, check, with_sentences
from retrieval.sentences import sentence_spans
from retrieval.types import Hit

# Tokens an answer may have: two sentences, and with `long` about five.
_MAX_TOKENS, _MAX_TOKENS_LONG = 96, 320
# Sentences of a short answer; a small model goes on, and repeats itself.
_MAX_SENTENCES = 2
# From this confidence on a draft that is not borne out gives way to a sentence of the sources: of 11 such drafts on
# public questions 8 were mended, and none on questions without an answer (benchmarks/RESULTS.md).
_QUOTED = 0.8
# Tokens of a conversation that the model is given: with the sources, the instructions and a long answer they leave room
# in its window for a question of some 600.
_HISTORY_BUDGET = 300
NOT_FOUND_TEXT = "The documents do not say."
# Tokens of context for a second look (benchmarks/RESULTS.md).
_SECOND_BUDGET = 120
# And for a question that several passages answer together, each with a sentence at least.
PLAN_BUDGET = 350


class Answerer:
    """Answers questions with one loaded model; `load` is called when the first answer needs it, `stop` ends an answer
    with Stopped."""

    def __init__(
        self,
        load: Callable[[], LanguageModel[Any]],
        encode: Callable[[Sequence[str]], NDArray[np.float32]],
        stop: Stop | None = None,
    ) -> None:
        self._load = load
        self._encode = encode
        self._stop = stop

    def answer(
        self,
        question: str,
        hits: Sequence[Hit],
        *,
        long: bool = False,
        history: Sequence[Turn] = (),
        look: Callable[[str], Sequence[Hit]] | None = None,
        started: float | None = None,
        timings: dict[str, float] | None = None,
    ) -> Generator[Event, None, None]:
        """Yields `Token`s of the draft, then one `Answer`; before them a `Retrieved` when more than one look was
        needed. `look` searches for the question with a name added. `started` (`time.perf_counter`) is the moment
        that timings count from; `timings` are those measured before. Closing the iterator stops the model."""
        started = time.perf_counter() if started is None else started
        timings = dict(timings or {})

        def since() -> float:
            return (time.perf_counter() - started) * 1000

        cosine = max((hit.dense for hit in hits if hit.dense is not None), default=0.0)
        words = hits[0].evidence.get("words", 0.0) if hits else 0.0
        near = f"best cosine {cosine:.2f}, words {words:.2f}"
        most_sure = confidence(cosine, words, refusal=0.0)
        if most_sure < MIN_CONFIDENCE:
            timings["total"] = since()
            why = f"no passage is near the question ({near})"
            yield _not_found(question, hits, model="", why=why, sure=most_sure, timings=timings)
            return
        model = self._load()
        # Most of the score of a passage in a transcript is that of its document.
        spread = wants_summary(question, spoken=bool(hits) and "document" in hits[0].evidence)
        history = recent(history, model.count, _HISTORY_BUDGET)
        plan = None
        if look and not spread and needs_plan(question, hits):
            plan = self._plan(question, hits, look, model)
        narrow = not is_composite(question, hits)
        if plan:
            hits = plan.hits
            timings["looks"] = since()
            yield Retrieved(plan.hits, question, plan.names)
            ranked = rank(question, hits, self._encode, model.count, plan.worth)
            passages = build_context(ranked, PLAN_BUDGET, each=True)
        else:
            ranked = rank(question, hits, self._encode, model.count, narrow=narrow)
            passages = build_context(ranked)
        looked_for = plan.names if plan else ()
        refusals: list[float] = []

        def may_begin(probability: float) -> bool:
            refusals.append(probability)
            return confidence(cosine, words, probability) >= MIN_CONFIDENCE

        if spread:
            passages = passages_alone(ranked, PASSAGE_BUDGET, PASSAGES)
            drafting = sentence_of_each(model, question, passages, history, may_begin, self._stop)
        else:
            drafting = self._first_look(model, question, passages, history, may_begin, long)
        written = yield from _timed(drafting, timings, since)
        text = as_written(written.text, "\n".join(passage.text for passage in passages))
        checked = check(text, passages, question, self._similarity, _said(history))
        if spread:
            checked = with_sentences(checked, [s for s in checked.sentences if s.supported])
        first = _Draft(text, checked, passages, written.read, written.made, written.sure)
        refused = not text.strip() or refuses(text)
        escalated = not (refused or long or spread or first.answers(question))
        refusal = min(refusals, default=0.0)
        sure = confidence(cosine, words, refusal)
        draft = self._second_look(first, model, question, ranked, history, sure) if escalated else first
        numbers = f"({near}, refusal {refusal:.2f}: confidence {sure:.2f}, needs {MIN_CONFIDENCE})"
        alone = not (plan or spread or history or long) and narrow
        why = "the model found no answer" if refused else self._why_not(draft, question, hits, alone=alone)
        timings["total"] = since()
        if why:
            none = _not_found(
                question, hits, model.name, f"{why} {numbers}", sure, timings, looked_for, draft, escalated
            )
            yield replace(none, tier=model.tier)
            return
        told = with_replaced(
            draft.checked if long or spread else with_source(draft.checked, question), ranked
        )
        yield Answer(
            question=question, status="answered", text=told.text, citations=told.citations,
            sentences=told.sentences, hits=tuple(hits), model=model.name, why=f"{draft.why} {numbers}",
            confidence=sure, prompt_tokens=draft.prompt_tokens, completion_tokens=draft.tokens, escalated=escalated,
            looked_for=looked_for, timings_ms=timings, tier=model.tier,
        )  # fmt: skip

    def _plan(
        self,
        question: str,
        hits: Sequence[Hit],
        look: Callable[[str], Sequence[Hit]],
        model: LanguageModel[Any],
    ) -> Plan | None:
        """Looks for the names that the best hits bring; None when they bring none."""
        # Only the hits that names are taken from are encoded here: all that is read is encoded after the looks.
        worth = relative([hit.score for hit in hits])[:FROM_HITS]
        names = names_to_follow(question, rank(question, hits[:FROM_HITS], self._encode, model.count, worth))
        return together(names, hits, [look(name) for name in names]) if names else None

    def _first_look(
        self,
        model: LanguageModel[Any],
        question: str,
        passages: Sequence[Passage],
        history: Sequence[Turn],
        may_begin: Callable[[float], bool],
        long: bool,
    ) -> Drafting:
        """Reads all passages together."""
        tokens = model.prompt(SYSTEM_LONG if long else SYSTEM, user_prompt(question, passages, history))
        text, pieces = "", []
        most = _MAX_TOKENS_LONG if long else _MAX_TOKENS
        for piece in model.complete(tokens, most, may_begin, self._stop):
            text += piece.text
            pieces.append(piece)
            yield Token(piece.text)
            if not long and len(sentence_spans(text)) > _MAX_SENTENCES:
                break
        made = pieces[-1].tokens if pieces else 0
        text = tidy(text, None if long else _MAX_SENTENCES, cut=made >= most)
        if long:
            return Written(text, len(tokens), made)
        sure = least_probability(pieces, text, f"{question}\n{_said(history)}")
        return Written(shortened(text, question), len(tokens), made, sure)

    def _second_look(
        self,
        first: "_Draft",
        model: LanguageModel[Any],
        question: str,
        ranked: Ranked,
        history: Sequence[Turn],
        sure: float,
    ) -> "_Draft":
        """For a draft that is not borne out or does not say what was asked: the few nearest sentences are read alone,
        which a small model does better. When that does not help, and the draft only says the question back or is not
        borne out where the answer is all but certain to be there, the sentence stands for it that is nearest to it
        and states the kind of thing asked for. Else the first draft."""
        passages = build_context(ranked, _SECOND_BUDGET)
        tokens = model.prompt(SYSTEM, user_prompt(question, passages, history))
        pieces = list(model.complete(tokens, _MAX_TOKENS, stop=self._stop))
        text, made = "".join(piece.text for piece in pieces), pieces[-1].tokens if pieces else 0
        drafts = []
        if not refuses(text):
            said = tidy(text, _MAX_SENTENCES, cut=made >= _MAX_TOKENS)
            drafts.append((said, least_probability(pieces, said, f"{question}\n{_said(history)}")))
        if restates(first.text, question) if first.supported else sure >= _QUOTED:
            nearest = ranked.nearest(self._encode([first.text])[0])
            drafts += [(quoted(sentence), 1.0) for sentence in nearest if states(sentence, question)][:1]
        read, made = first.prompt_tokens + len(tokens), first.tokens + made
        why = "the first draft did not answer; a second look did"
        for said, certain in drafts:
            said = shortened(said, question)
            checked = check(said, first.passages, question, self._similarity, _said(history))
            draft = _Draft(said, checked, first.passages, read, made, certain, why)
            if certain >= MIN_PROBABILITY and draft.answers(question):
                return draft
        return replace(first, prompt_tokens=read, tokens=made)

    def _why_not(self, draft: "_Draft", question: str, hits: Sequence[Hit], *, alone: bool) -> str:
        """Why a draft is not to be given; nothing when it is. `alone`: one document is to answer the question."""
        quotes = " ".join(citation.quote for citation in draft.checked.citations)
        if not draft.supported:
            return "nothing in the draft is borne out in the passages"
        if wants_sum(question) and (not draft.answers(question) or is_day_rate(quotes, question)):
            return "no such sum of money was found in the passages"
        if draft.sure < MIN_PROBABILITY:
            return f"the model was not sure of its words ({draft.sure:.2f}, needs {MIN_PROBABILITY})"
        if alone and is_astray(draft.checked.citations, hits, question, self._similarity):
            return (
                "what the draft says is of another document than the best passage and not near the question"
            )
        return ""

    def _similarity(self, text: str, others: Sequence[str]) -> list[float]:
        vectors = self._encode([text, *others])
        return [float(cosine) for cosine in vectors[1:] @ vectors[0]]


@dataclass(frozen=True, slots=True)
class _Draft:
    """What was written, checked against what the first look read; the tokens read for it and made, those of drafts
    before it included; and how sure the model was of it, as in `Written`."""

    text: str
    checked: Checked
    passages: Sequence[Passage]
    prompt_tokens: int
    tokens: int
    sure: float
    why: str = "the draft is borne out by its quotes"

    @property
    def supported(self) -> bool:
        """Whether at least one of its sentences is borne out."""
        return any(sentence.supported for sentence in self.checked.sentences)

    def answers(self, question: str) -> bool:
        """Whether a sentence that is borne out says something of the kind that the question asks for."""
        return any(s.supported and states(s.text, question) for s in self.checked.sentences)


def _said(history: Sequence[Turn]) -> str:
    """What was said before a question."""
    return "\n".join(f"{turn.question}\n{turn.answer}" for turn in history)


def _timed(drafting: Drafting, timings: dict[str, float], since: Callable[[], float]) -> Drafting:
    """The same, with the moment of the first token noted."""
    try:
        token = next(drafting)
    except StopIteration as end:
        written: Written = end.value
        return written
    timings["first_token"] = since()
    yield token
    return (yield from drafting)


def _not_found(
    question: str, hits: Sequence[Hit], model: str, why: str, sure: float, timings: dict[str, float],
    looked_for: tuple[str, ...] = (), draft: _Draft | None = None, escalated: bool = False,
) -> Answer:  # fmt: skip
    return Answer(
        question=question, status="not_found", text=NOT_FOUND_TEXT, citations=(), sentences=(), hits=tuple(hits),
        model=model, why=why, confidence=sure, prompt_tokens=draft.prompt_tokens if draft else 0,
        completion_tokens=draft.tokens if draft else 0, escalated=escalated, looked_for=looked_for,
        timings_ms=timings,
    )  # fmt: skip
