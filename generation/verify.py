"""Ties every sentence of a draft to the span that bears it out, or says that nothing does.

The model's own [n] marks are a hint only. A sentence keeps a mark when the passage with that number bears it
out; otherwise the other passages are tried, and if none does the sentence is unsupported and cites nothing.
The quote is the smallest run of sentences of the hit that bears the sentence out, given what is known of its
document (title, heading, author, date).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from generation.evidence import support
from generation.types import Citation, Passage, Sentence
from retrieval.sentences import sentence_spans

# Share of a sentence's content words and figures that must stand in what it cites.
MIN_COVERAGE = 0.5
# Sentences a quote may have: what does not follow from three neighbouring ones is not one fact.
_MAX_QUOTE_SENTENCES = 3
_MARK = re.compile(r"\s*\[\s*(\d{1,3}(?:\s*[,;]\s*\d{1,3})*)\s*\]")


@dataclass(frozen=True, slots=True)
class Quote:
    """A span of a document, and the shares (0 to 1) of a sentence's and of the question's words that it has."""

    start: int
    end: int
    coverage: float
    about: float

    @property
    def rank(self) -> tuple[float, float]:
        """Orders quotes: larger is better."""
        return (self.coverage, self.about)


@dataclass(frozen=True, slots=True)
class Checked:
    """A checked draft: its text with marks renumbered in order of appearance, its sentences and citations."""

    text: str
    sentences: tuple[Sentence, ...]
    citations: tuple[Citation, ...]


def check(draft: str, passages: Sequence[Passage], question: str = "") -> Checked:
    """The draft with every sentence tied to a quote from `passages`, or marked as unsupported. Of several quotes that
    bear a sentence out equally, the one with more of the words of `question` is taken."""
    citations: list[Citation] = []
    sentences: list[Sentence] = []
    pieces: list[str] = []
    for separator, raw in _sentences(draft):
        text, marks = strip_marks(raw)
        if not re.search(r"\w", text):
            continue
        found = _find(text, marks, passages, question)
        cites: tuple[int, ...] = ()
        if found is not None:
            passage, quote = found
            cites = (_cite(citations, passage, quote),)
        sentences.append(Sentence(text, cites, supported=found is not None))
        marked = text
        if cites:
            stop = re.search(r"[.!?]*$", text)
            at = stop.start() if stop else len(text)
            marked = f"{text[:at]} [{cites[0]}]{text[at:]}"
        pieces.append((separator if pieces else "") + marked)
    return Checked("".join(pieces), tuple(sentences), tuple(citations))


def strip_marks(sentence: str) -> tuple[str, list[int]]:
    """A sentence without its [n] marks, and the numbers that they named."""
    numbers = [int(n) for match in _MARK.finditer(sentence) for n in re.findall(r"\d+", match.group(1))]
    return _MARK.sub("", sentence).strip(), numbers


def best_quote(sentence: str, passage: Passage, question: str = "") -> Quote | None:
    """The smallest run of the hit's sentences that bears out `sentence`, best covered first (its own words, then those
    of `question`); None when none of up to three does."""
    hit = passage.hit
    spans = sentence_spans(hit.text)
    known = _about(passage)
    best: Quote | None = None
    for length in range(1, _MAX_QUOTE_SENTENCES + 1):
        for first in range(len(spans) - length + 1):
            start, end = spans[first][0], spans[first + length - 1][1]
            found = support(sentence, f"{known}\n{hit.text[start:end]}")
            own = support(sentence, hit.text[start:end])
            if found.missing or found.coverage < MIN_COVERAGE or own.coverage == 0:
                continue
            about = support(question, f"{known}\n{hit.text[start:end]}").coverage
            quote = Quote(hit.start + start, hit.start + end, own.coverage, about)
            if best is None or quote.rank > best.rank:
                best = quote
        if best is not None:
            return best
    return None


def _find(
    text: str, marks: Sequence[int], passages: Sequence[Passage], question: str
) -> tuple[Passage, Quote] | None:
    """The passage and quote for a sentence: the marked passages first, then the others in order."""
    named = [p for p in passages if p.n in marks]
    for group in (named, [p for p in passages if p.n not in marks]):
        quotes = [
            (passage, quote)
            for passage in group
            if (quote := best_quote(text, passage, question)) is not None
        ]
        if quotes:
            return max(quotes, key=lambda item: item[1].rank)
    return None


def _about(passage: Passage) -> str:
    """What a reader sees of the source beside the quote."""
    info = passage.hit.info
    return "\n".join([info.title, *passage.hit.heading, info.author or "", info.date or ""])


def _cite(citations: list[Citation], passage: Passage, quote: Quote) -> int:
    """The number of the citation for that quote, added when it is new."""
    hit = passage.hit
    for citation in citations:
        same_document = citation.ref.partition(":")[0] == hit.ref.partition(":")[0]
        if same_document and citation.start <= quote.start and quote.end <= citation.end:
            return citation.n
    document_ref = hit.ref.partition(":")[0]
    citations.append(
        Citation(
            n=len(citations) + 1,
            ref=f"{document_ref}:{quote.start}-{quote.end}",
            info=hit.info,
            start=quote.start,
            end=quote.end,
            quote=hit.text[quote.start - hit.start : quote.end - hit.start],
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
