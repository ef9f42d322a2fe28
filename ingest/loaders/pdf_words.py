"""Puts together the lines of a paragraph, and the words that were broken at their ends."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence

from ingest.loaders.pdf_lines import HYPHEN, Line

_WORD = re.compile(r"[^\W\d_]+(?:[-‐][^\W\d_]+)*")
_BROKEN = re.compile(rf"([^\W\d_]+)[-‐{HYPHEN}]$")


class Words:
    """The words of a document: whether "invest-/ment" is one word, and "long-/term" two, others of its lines show."""

    def __init__(self, pages: Iterable[Sequence[Line]]) -> None:
        self._counts = Counter(
            word.lower() for page in pages for line in page for word in _WORD.findall(line.text)
        )

    def joined(self, lines: Sequence[str]) -> str:
        """The lines as flowing text."""
        text = ""
        for line in lines:
            broken = _BROKEN.search(text)
            following = re.match(r"[^\W\d_]+", line)
            if broken and following:
                text = (
                    text[:-1] + ("-" if self._keeps_hyphen(broken.group(1), following.group()) else "") + line
                )
            elif text.endswith(HYPHEN):
                text = text[:-1] + "-" + line
            else:
                text += (" " if text else "") + line
        return plain(text)

    def _keeps_hyphen(self, left: str, right: str) -> bool:
        whole, parted = self._counts[(left + right).lower()], self._counts[f"{left}-{right}".lower()]
        if whole != parted:
            return parted > whole
        # Not seen elsewhere: a name ("Coca-Cola"), or two words that both stand alone.
        return right[0].isupper() or (self._counts[right.lower()] > 0 and self._counts[left.lower()] > 1)


def plain(text: str) -> str:
    """`text` with ordinary hyphens and spaces."""
    return text.replace(HYPHEN, "-").replace("\u00a0", " ")
