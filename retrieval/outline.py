"""Passages that only say what else a document holds: an agenda, a list of topics, a table of contents.

They name the subjects of all questions and answer none, so a search ranks them behind what they point to.
"""

import re
from itertools import pairwise

from retrieval.tables import MIN_COLUMNS, cells

_LABEL = re.compile(
    r"(?:#[^\n]*\n\s*)?[*_#\s]*(?:topics|agenda|tagesordnung|(?P<contents>contents|table of contents|on this page|"
    r"in this (?:page|document|article)|inhalt|inhaltsverzeichnis))[*_]*(?::|[ \t]*\n)",
    re.IGNORECASE,
)
_ENTRY = re.compile(r"[^\W\d].*?[\s.…|]+(\d{1,4})$")
# An entry of a table of contents has no more words, and fewer lines are none.
_MAX_WORDS = 12
_MIN_ENTRIES = 4


def is_outline(text: str) -> bool:
    """Whether a passage begins as an agenda or list of contents, or is one: lines that end in page numbers which
    never fall."""
    label = _LABEL.match(text)
    if label and not label["contents"]:
        return True
    lines = [line.strip() for line in text[label.end() if label else 0 :].splitlines() if line.strip()]
    if label:
        # Above each page of a report "Table of contents" leads back to it, and says nothing of what follows.
        entries = [
            line for line in lines if len(line.split()) <= _MAX_WORDS and len(cells(line)) < MIN_COLUMNS
        ]
        listed = bool(lines) and all(line[0] in "-*+•" for line in lines)
        return listed or len(entries) >= max(_MIN_ENTRIES, 0.7 * len(lines))
    if len(lines) < _MIN_ENTRIES:
        return False
    # Most lines end in no figure, and to see that is quicker.
    pages = [int(entry[1]) for line in lines if line[-1].isdigit() and (entry := _ENTRY.match(line[:300]))]
    rising = all(a <= b for a, b in pairwise(pages))
    return len(pages) >= max(_MIN_ENTRIES, 0.7 * len(lines)) and rising and pages[-1] > pages[0]
