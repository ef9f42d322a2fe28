"""Ties every sentence of a draft to the span that bears it out, or says that nothing does.

The model's own [n] marks are a hint only. A sentence keeps a mark when the passage with that number bears it
out; otherwise the other passages are tried, and if none does the sentence is unsupported and cites nothing.
The quote is the smallest run of sentences of the hit that bears the sentence out, given what is known of its
document (title, heading, author, date).
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile

from generation.evidence import shared_words, support
from generation.orders import is_order, plain_spans
from generation.types import Citation, Passage, Sentence
from retrieval.sentences import sentence_spans
from retrieval.tables import cells
from retrieval.types import Hit

# Share of a sentence's content words and figures that must stand in what it cites. Of 108 right drafts on public
# questions 0.5 kept 97 and 0.4 keeps 99, 0.34 no more.
MIN_COVERAGE = 0.4
# And of what it adds to the question (benchmarks/RESULTS.md).
MIN_ADDED = 0.5
# And of what only affirms the question: of "the office move was cancelled" the page of the move has the rest.
MIN_AFFIRMED = 0.75
# Sentences a quote may have: what does not follow from three neighbouring ones is not one fact.
_MAX_QUOTE_SENTENCES = 3
_CURRENCY = re.compile(r"[$€£¥]|\b[Dd]ollars\b")
# The beginning of a sentence that says whom or what it is about only with its page's title.
PRONOUN = re.compile(r"(?:he|she|it|they|his|her|its|their)\b", re.IGNORECASE)
# What an answer denies must be denied in its quote, in these words or others.
_DENIES = re.compile(r"\b(?:not|no|never|none|nobody|nothing|neither|cannot)\b|n['’]t\b", re.IGNORECASE)
_DENIED = re.compile(
    rf"{_DENIES.pattern}|\b(?:nor|without|unless|un[a-z]{{3,}}|few|only|rather|instead|(?:lack|fail|refus|reject|deni|deny|"
    r"prohibit|forbid|ban|exclu|except|declin|oppos|prevent|cancel|withdr|remov|replac|rare|end|stop)\w*)\b",
    re.IGNORECASE,
)
_MARK = re.compile(r"\s*\[\s*(\d{1,3}(?:\s*[,;]\s*\d{1,3})*)\s*\]")


# How near each of some texts is to one text (0 to 1).
Similarity = Callable[[str, Sequence[str]], Sequence[float]]
# Quotes whose nearness to the question is asked for; those that cover the sentence best.
_RANKED_QUOTES = 24


@dataclass(frozen=True, slots=True)
class Quote:
    """A span of a passage's document, and the share (0 to 1) of a sentence's words and figures that it has."""

    passage: Passage
    start: int
    end: int
    coverage: float

    @property
    def text(self) -> str:
        """The quote itself."""
        at = self.passage.hit.start
        return self.passage.hit.text[self.start - at : self.end - at]


@dataclass(frozen=True, slots=True)
class Checked:
    """A checked draft: its text with marks renumbered in order of appearance, its sentences and citations."""

    text: str
    sentences: tuple[Sentence, ...]
    citations: tuple[Citation, ...]


def overlap(text: str, others: Sequence[str]) -> list[float]:
    """The share of the words of `text` that each of the others has."""
    return [support(text, other).coverage for other in others]


def check(
    draft: str,
    passages: Sequence[Passage],
    question: str = "",
    similarity: Similarity = overlap,
    before: str = "",
) -> Checked:
    """The draft with every sentence tied to a quote from `passages`, or marked as unsupported. Of several quotes that
    bear a sentence out, the one is taken that has most of its words and is nearest to the question with its answer.
    `before` is what was said before the question."""
    citations: list[Citation] = []
    sentences: list[Sentence] = []
    pieces: list[str] = []
    for separator, raw in _sentences(draft):
        text, marks = strip_marks(raw)
        if not re.search(r"\w", text):
            continue
        found = _find(text, marks, passages, question, similarity, before)
        cites = () if found is None else (_cite(citations, found),)
        sentences.append(Sentence(text, cites, supported=found is not None))
        pieces.append((separator if pieces else "") + marked(sentences[-1]))
    return Checked("".join(pieces), tuple(sentences), tuple(citations))


def with_sentences(checked: Checked, sentences: Sequence[Sentence]) -> Checked:
    """The checked draft with other sentences, which cite what it cites."""
    return replace(checked, text=" ".join(map(marked, sentences)), sentences=tuple(sentences))


def marked(sentence: Sentence) -> str:
    """The sentence with its mark before the full stop; without one when it cites nothing."""
    text = sentence.text.rstrip(".!?")
    return f"{text} [{sentence.cites[0]}]{sentence.text[len(text) :]}" if sentence.cites else sentence.text


def strip_marks(sentence: str) -> tuple[str, list[int]]:
    """A sentence without its [n] marks, and the numbers that they named."""
    numbers = [int(n) for match in _MARK.finditer(sentence) for n in re.findall(r"\d+", match.group(1))]
    return _MARK.sub("", sentence).strip(), numbers


def quotes(sentence: str, passage: Passage, question: str = "", before: str = "") -> list[Quote]:
    """The smallest runs of the hit's sentences, up to three, that bear out `sentence`; none when none does. Names that
    the question brought may stand elsewhere in the hit: what has to be in the quote, or in what is known of its
    document, is half of what the answer adds. What only affirms the question must be said in the quote, and what denies
    denied. What gives the model orders bears nothing out."""
    hit = passage.hit
    spans = plain_spans(hit.text)
    known = f"{_about(hit)}\n{shared_words(question, hit.text)}"
    denies = _DENIES.search(sentence) is not None
    for length in range(1, _MAX_QUOTE_SENTENCES + 1):
        found = []
        for first in range(len(spans) - length + 1):
            start, end = spans[first][0], spans[first + length - 1][1]
            text = hit.text[start:end]
            if is_order(text) or _rows(text) > 1:
                continue
            over = f"{known}\n{_currency(hit, start)}" if " | " in text else known
            whole = support(sentence, f"{over}\n{text}", question, before)
            if whole.missing or whole.coverage < MIN_COVERAGE or (denies and not _DENIED.search(text)):
                continue
            own = support(sentence, text).coverage
            if whole.added is None:
                subject = _about(hit) if PRONOUN.match(text) else ""
                borne_out = support(sentence, f"{subject}\n{text}").coverage >= MIN_AFFIRMED
            else:
                borne_out = whole.added >= MIN_ADDED
            if borne_out and own > 0:
                found.append(Quote(passage, hit.start + start, hit.start + end, own))
        if found:
            return found
    return []


def _find(
    text: str,
    marks: Sequence[int],
    passages: Sequence[Passage],
    question: str,
    similarity: Similarity,
    before: str,
) -> Quote | None:
    """The quote for a sentence: from the marked passages, else from the others."""
    named = [p for p in passages if p.n in marks]
    for group in (named, [p for p in passages if p.n not in marks]):
        found = [quote for passage in group for quote in quotes(text, passage, question, before)]
        if found:
            found = sorted(found, key=lambda quote: -quote.coverage)[:_RANKED_QUOTES]
            near = similarity(f"{question} {text}", [f"{_about(q.passage.hit)}\n{q.text}" for q in found])
            return max(zip(found, near, strict=True), key=lambda item: item[0].coverage + item[1])[0]
    return None


def _rows(text: str) -> int:
    """How many rows of tables a text has, rules aside. Two are two facts: of a decision and the status of the one below
    it no third can be made."""
    return sum(1 for line in text.splitlines() if len(cells(line)) > 1 and re.search(r"\w", line))


def _currency(hit: Hit, row: int) -> str:
    """The signs of currencies over a row of a table: in the rows above it and the lines between them, up to a
    sentence."""
    above = takewhile(
        lambda line: line[-1:] not in (".", "!", "?"), reversed(hit.text[:row].rstrip().splitlines())
    )
    return " ".join(sign for line in (hit.columns, *above) for sign in _CURRENCY.findall(line))


def _about(hit: Hit) -> str:
    """What a reader sees of the source beside the quote."""
    return "\n".join([hit.info.title, *hit.heading, hit.info.author or "", hit.info.date or ""])


def _cite(citations: list[Citation], quote: Quote) -> int:
    """The number of the citation for that quote, added when it is new."""
    hit = quote.passage.hit
    document_ref = hit.ref.partition(":")[0]
    for citation in citations:
        same_document = citation.ref.partition(":")[0] == document_ref
        if same_document and citation.start <= quote.start and quote.end <= citation.end:
            return citation.n
    citations.append(
        Citation(
            n=len(citations) + 1,
            ref=f"{document_ref}:{quote.start}-{quote.end}",
            info=hit.info,
            start=quote.start,
            end=quote.end,
            quote=quote.text,
            heading=hit.heading,
            page=hit.page,
        )
    )
    return len(citations)


def _sentences(draft: str) -> list[tuple[str, str]]:
    """The draft's sentences, each with the white space before it. A mark after a full stop belongs to the
    sentence before it."""
    text = re.sub(r"([.!?])((?:\s*\[[\d,; ]+\])+)", r"\2\1", draft.strip())
    spans = sentence_spans(text)
    pieces: list[tuple[str, str]] = []
    last = 0
    for start, end in spans:
        pieces.append((text[last:start] or " ", text[start:end]))
        last = end
    return pieces
