"""A draft as it is shown: no preamble, no more sentences than wanted, none that breaks off, numbers as written."""

import re

from generation.asked import states
from generation.evidence import forms
from generation.units import LABEL_WORDS
from retrieval.sentences import sentence_spans

_PREAMBLE = re.compile(
    r"^(?:according to|based on) the (?:\w+ )?(?:sources?|documents?|text|context|data)\b[^,.]{0,20}, (?=\w)",
    re.IGNORECASE,
)
_SPACED = re.compile(r"(?<![\d,.])\d{1,3}(?:, \d{3})+(?![\d,.]*\d)")
_PAUSE = re.compile(r"[,;:](?=\s)")
_BRACKETS = re.compile(r" \((?:[^()]|\([^()]*\))*\)")
_HEADING = re.compile(r"^(?:#+ [^\n]*\n+)+")
# A short answer has no more words.
MOST_WORDS = 55


def tidy(draft: str, sentences: int | None, *, cut: bool) -> str:
    """The draft without "According to the sources, ..." and with at most so many sentences (None: all). `cut` says that
    the model was stopped within a sentence, which then goes, unless it is the only one."""
    text = _PREAMBLE.sub("", draft.strip())
    text = text[:1].upper() + text[1:] if text != draft.strip() else text
    spans = sentence_spans(text)
    if cut and len(spans) > 1:
        spans = spans[:-1]
    spans = spans[:sentences]
    return text[: spans[-1][1]] if spans else text


def shortened(text: str, question: str) -> str:
    """A draft that is too long for a short answer: its first sentence, and that cut at a comma; whole where less of
    what is asked for would be left than is cut off."""
    if len(text.split()) <= MOST_WORDS:
        return text
    text = text[: sentence_spans(text)[0][1]]
    part = within(text, MOST_WORDS)
    kept = forms(part) & forms(question)
    lost = (forms(text) - forms(part)) & forms(question)
    return part if part and states(part, question) and len(lost) <= len(kept) else text


def within(text: str, words: int) -> str:
    """A sentence in so many words at most: whole, without what stands in brackets, or up to a comma where that is half
    of it, or nothing."""
    if len(text.split()) <= words:
        return text
    bare = _BRACKETS.sub(" …", text)
    if len(bare.split()) <= words:
        return bare
    ends = [match.start() for match in _PAUSE.finditer(text) if len(text[: match.start()].split()) < words]
    return f"{text[: ends[-1]]} …" if ends and 2 * ends[-1] >= len(text) else ""


def as_written(draft: str, sources: str) -> str:
    """The draft with its large numbers as the sources write them: a small model puts "16, 801" for "16,801"."""

    def join(match: re.Match[str]) -> str:
        number = match.group().replace(" ", "")
        return number if number in sources and match.group() not in sources else match.group()

    return _SPACED.sub(join, draft)


def quoted(sentence: str) -> str:
    """A sentence of a source as an answer: without the headings and labels above it, on one line."""
    *above, own = (_HEADING.sub("", sentence) or sentence).split("\n\n")
    labels = all(len(line.split()) < LABEL_WORDS and line[-1:] not in ".!?" for line in above)
    return " ".join((own if labels else "\n".join([*above, own])).split())
