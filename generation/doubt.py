"""Whether a draft that is borne out is to be trusted all the same.

A sentence made of a source's own words can be of another matter than the question's. Two things tell some of these: the
model wavered where it wrote what it adds to the question, or the quote stands in another document than the one that
answers best and is not near the question.
"""

import re
from collections.abc import Sequence

from generation.evidence import forms
from generation.types import Citation, Piece
from generation.verify import Similarity
from retrieval.stop_words import STOP_WORDS
from retrieval.threads import thread_keys
from retrieval.types import Hit

# Together they refuse 9 wrong answers of 72 to public questions, and 3 right ones of 452 (benchmarks/RESULTS.md).
MIN_PROBABILITY = 0.15
_NEAR = 0.5
# "doesn't" is no word of its own, and of "Dana's" Dana is.
_WORD = re.compile(r"(?<!['’])\b(?!\w+n['’]t\b)[^\W_](?:[\w.,-]*\w)?")


def least_probability(pieces: Sequence[Piece], draft: str, said: str) -> float:
    """The least probability (0 to 1) that the model gave to a word of the draft, no stop word, which what was said does
    not have: the question and what came before it; 1 when there is none. `draft` is what was kept of the pieces' text,
    in one run."""
    text, ends = "", []
    for piece in pieces:
        text += piece.text
        ends.append(len(text))
    begin = max(text.find(draft[1:]) - 1, 0)  # the first letter may have been made a capital
    known = forms(said)
    new = [
        word.span()
        for word in _WORD.finditer(text, begin, min(begin + len(draft), len(text)))
        if word.group().lower() not in STOP_WORDS and forms(word.group()) - known
    ]
    starts = [0, *ends]
    return min(
        (
            piece.probability
            for piece, start, end in zip(pieces, starts, ends, strict=False)
            if any(start < b and a < end for a, b in new)
        ),
        default=1.0,
    )


def is_astray(
    citations: Sequence[Citation], hits: Sequence[Hit], question: str, similarity: Similarity
) -> bool:
    """Whether all that is cited is of other documents and threads than the best hit, and not near the question."""
    if any(_together(citation, hits[0]) for citation in citations):
        return False
    said = ["\n".join(dict.fromkeys((c.info.title, *c.heading, c.quote))) for c in citations]
    return max(similarity(question, said), default=0.0) < _NEAR


def _together(citation: Citation, hit: Hit) -> bool:
    """Whether both are of one document or thread."""
    same = citation.ref.partition(":")[0] == hit.ref.partition(":")[0]
    if citation.info.message_id and citation.info.message_id == hit.info.message_id:
        return True  # a message and what is attached to it
    mail = citation.info.is_message and hit.info.is_message
    return same or (mail and not thread_keys(citation.info).isdisjoint(thread_keys(hit.info)))
