"""The source's own words in the answer, where a small model may have read half of them or the wrong half.

"Written by A and first sung by B" makes a small model name either of them, of a list it names the first, and of "yes,
unless" it says yes. So where the quoted sentence says more of what is asked for than the draft, it stands beside the
draft, word for word: of 80 public questions 70 were answered right then, for 60 (benchmarks/RESULTS.md). A sentence
that begins with "She" says who that is only together with the title of its page.
"""

import re
from collections.abc import Sequence
from dataclasses import replace

from generation.asked import adds
from generation.evidence import support
from generation.tidy import MOST_WORDS, within
from generation.types import Citation, Sentence
from generation.verify import PRONOUN, Checked, marked, with_sentences
from retrieval.text import one_line

# So much of a sentence must stand in the quote that takes its place.
_SAME = 0.6
_MARK = re.compile(r"\[[\d,; ?]+\]")


def with_source(checked: Checked, question: str) -> Checked:
    """The checked answer and, where a quote says more than its sentence does, that quote between marks, once and within
    the length of a short answer: beside the sentence, cut at a comma where it is too long, or else in its place."""
    checked = _named(checked)
    quotes = {citation.n: citation for citation in checked.citations}
    for at, sentence in enumerate(checked.sentences):
        for n in sentence.cites:
            said = _plain(quotes[n])
            if said is None or not adds(sentence.text, said, question):
                continue
            subject = _subject(said, quotes[n], checked.text)
            part = within(said, MOST_WORDS - _words(checked.sentences) - len(subject.split()))
            told = part == said or _tells(part, sentence.text, question)
            if part and told and adds(sentence.text, part, question):
                added = Sentence(f"{subject}“{part}”.", (n,), supported=True)
                text = f"{checked.text} {marked(added)}"
                return replace(checked, text=text, sentences=(*checked.sentences, added))
            before, after = checked.sentences[:at], checked.sentences[at + 1 :]
            subject = _subject(said, quotes[n], " ".join(s.text for s in before))
            alone = (*before, Sentence(f"{subject}“{said}”.", (n,), supported=True), *after)
            if _words(alone) <= MOST_WORDS and support(sentence.text, said).coverage >= _SAME:
                return with_sentences(checked, alone)
    return checked


def _tells(part: str, answer: str, question: str) -> bool:
    """Whether a part of a quote has something of what the answer adds; where it only affirms, most of its words."""
    found = support(answer, part, question)
    return found.coverage >= _SAME if found.added is None else found.added > 0


def _words(sentences: Sequence[Sentence]) -> int:
    return sum(len(sentence.text.split()) for sentence in sentences)


def _named(checked: Checked) -> Checked:
    """The answer with the title of its source in front, when it begins with a pronoun."""
    first, *others = checked.sentences or (Sentence("", (), supported=False),)
    citation = next((c for c in checked.citations if c.n in first.cites), None)
    subject = _subject(first.text, citation, "") if citation else ""
    if not subject:
        return checked
    first = replace(first, text=subject + first.text)
    return replace(checked, text=subject + checked.text, sentences=(first, *others))


def _subject(sentence: str, citation: Citation, said: str) -> str:
    """Whom or what a sentence is about that begins with a pronoun, as its page's title has it; nothing where that has
    been said. The subject of a message says neither."""
    title = one_line(citation.info.title)
    known = citation.info.is_message or _MARK.search(title) or title in said
    return f"{title}: " if PRONOUN.match(sentence) and not known else ""


def _plain(citation: Citation) -> str | None:
    """The quote without its last full stop, if it is running text: no row of a table, list item or heading, and without
    anything that would pass for one of the answer's marks."""
    lines = [line.strip() for line in citation.quote.splitlines()]
    if any(not line or line[0] in "|#*-•>" or "|" in line or _MARK.search(line) for line in lines):
        return None
    text = " ".join(citation.quote.split())
    return text.removesuffix(".").rstrip() if text[-1] in ".!?" else None
