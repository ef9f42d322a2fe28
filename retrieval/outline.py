"""Passages that only say what else a document holds: an agenda, a list of topics, a table of contents.

They name the subjects of all questions and answer none, so a search ranks them behind what they point to.
"""

import re
from itertools import pairwise

_LABEL = re.compile(
    r"(?:#[^\n]*\n\s*)?[*_#\s]*(?:topics|agenda|contents|table of contents|on this page|"
    r"in this (?:page|document|article)|inhalt|inhaltsverzeichnis|tagesordnung)[*_]*(?::|[ \t]*\n)",
    re.IGNORECASE,
)
_ENTRY = re.compile(r"[^\W\d].*?[\s.…|]+(\d{1,4})$")
# Fewer lines than this are no table of contents.
_MIN_ENTRIES = 4


def is_outline(text: str) -> bool:
    """Whether a passage begins as an agenda or list of contents, or is one: lines that end in page numbers which
    never fall."""
    if _LABEL.match(text):
        return True
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if len(lines) < _MIN_ENTRIES:
        return False
    # Most lines end in no figure, and to see that is quicker.
    pages = [int(entry[1]) for line in lines if line[-1].isdigit() and (entry := _ENTRY.match(line[:300]))]
    rising = all(a <= b for a, b in pairwise(pages))
    return len(pages) >= max(_MIN_ENTRIES, 0.7 * len(lines)) and rising and pages[-1] > pages[0]
