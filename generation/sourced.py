"""The source's own sentence in the answer, where a small model may have read half of it or the wrong half.

"Written by A and first sung by B" makes a small model name either of them, of a list it names the first, and of "yes,
unless" it says yes. So where the quoted sentence says more of what is asked for than the draft, it stands beside the
draft, word for word: of 80 public questions 70 were answered right then, for 60 (benchmarks/RESULTS.md).
"""

import re
from dataclasses import replace

from generation.asked import adds
from generation.types import Citation, Sentence
from generation.verify import Checked

# An answer of more words is no short one.
_MAX_WORDS = 55
_MARK = re.compile(r"\[[\d,; ?]+\]")


def with_source(checked: Checked, question: str) -> Checked:
    """The checked answer and, where a quote says more than its sentence does, that quote between marks, once and
    within the length of a short answer."""
    quotes = {citation.n: citation for citation in checked.citations}
    for sentence in checked.sentences:
        for n in sentence.cites:
            said = _plain(quotes[n])
            if said is None or len(f"{checked.text} {said}".split()) > _MAX_WORDS:
                continue
            if adds(sentence.text, said, question):
                text = f"“{said}”"
                return replace(
                    checked,
                    text=f"{checked.text} {text} [{n}].",
                    sentences=(*checked.sentences, Sentence(text, (n,), supported=True)),
                )
    return checked


def _plain(citation: Citation) -> str | None:
    """The quote without its last full stop, if it is running text: no row of a table, list item or heading, and without
    anything that would pass for one of the answer's marks."""
    lines = [line.strip() for line in citation.quote.splitlines()]
    if any(not line or line[0] in "|#*-•>" or "|" in line or _MARK.search(line) for line in lines):
        return None
    text = " ".join(citation.quote.split())
    return text.removesuffix(".") if text[-1] in ".!?" else None
