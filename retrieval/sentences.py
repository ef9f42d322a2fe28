"""Where sentences begin and end, by rules that keep offsets exact.

Used to cut long blocks into chunks and to choose what of a passage goes into a prompt or a quote.
"""

import re
from itertools import pairwise

from retrieval.stop_words import STOP_WORDS

# A full stop after one of these ends no sentence.
_ABBREVIATIONS = frozenset(
    "mr mrs ms dr prof st jr sr vs etc inc ltd co corp dept fig no nos vol ed eds est approx jan feb mar apr jun jul "
    "aug sep sept oct nov dec mon tue wed thu fri sat sun e.g i.e cf al pp p ph.d u.s u.k a.m p.m bzw z.b d.h usw "
    "ca c".split()
)
# An end mark with closing quotes or brackets, then white space. The first part and the possessive quantifiers keep a
# row of a million full stops from being tried from each of them.
_END = re.compile(r"(?<![.!?…])[.!?…]++[\"'”’)\]]*+(?=\s)")
# How far back an abbreviation or list number is looked for.
_LOOK_BACK = 20
# A line that begins like this is a unit of its own: list items, headings, table rows, quoted lines, and
# "Name: value" (header lines, speaker turns).
_LINE_START = re.compile(
    r"\n(?=[ \t]*(?:[-*+•|#>]|\d{1,3}[.)]\s|\n|[A-Z][\w.]{0,30}(?:[ \t][\w.]{1,30}){0,3}:[ \t]))"
)
# ... and a heading or table row (cells between bars) ends with its line.
_LINE_UNIT = re.compile(r"^(?:[ \t]*[|#].*|[^|\n]* \| .*)$", re.MULTILINE)


def sentence_spans(text: str, start: int = 0, end: int | None = None) -> list[tuple[int, int]]:
    """The sentences of `text[start:end]` as `[start:end)` offsets into `text`: in order, not overlapping, not
    empty, without white space at their edges; together they hold every character that is not white space."""
    end = len(text) if end is None else end
    cuts = {start, end}
    for match in _END.finditer(text, start, end):
        if not _ends_nothing(text, match):
            cuts.add(match.end())
    cuts.update(match.start() for match in _LINE_START.finditer(text, start, end))
    cuts.update(cut for match in _LINE_UNIT.finditer(text, start, end) for cut in match.span())
    edges = sorted(cuts)
    spans = (strip_span(text, a, b) for a, b in pairwise(edges))
    return [(a, b) for a, b in spans if a < b]


def strip_span(text: str, start: int, end: int) -> tuple[int, int]:
    """`[start:end)` without the white space at its edges; empty (`start == end`) when there is nothing else."""
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return start, end


def _ends_nothing(text: str, match: re.Match[str]) -> bool:
    """Whether a full stop belongs to an abbreviation, initials or a list number, or a lower-case word follows."""
    following = text[match.end() : match.end() + 40].lstrip()
    if following[:1].islower():
        return True
    if match.group()[0] != ".":
        return False
    before = text[max(0, match.start() - _LOOK_BACK) : match.start()]
    words = before.split()
    word = words[-1].lstrip("(\"'“‘[") if words else ""
    return (
        word.lower() in _ABBREVIATIONS
        or _is_initials(word, following)
        or (word.isdigit() and _opens_line(before, match.start(), word))
    )


def _is_initials(word: str, following: str) -> bool:
    """Whether the full stop belongs to somebody's initials: to "E.H.S" before "Bailey", not to "D.C" before "The"."""
    letters = word.split(".")
    known = len(letters) > 1 and following.partition(" ")[0].lower() in STOP_WORDS
    return all(len(letter) == 1 and letter.isupper() for letter in letters) and not known


def _opens_line(before: str, at: int, word: str) -> bool:
    """Whether `word`, which ends `before`, is the first of its line. `at` is where it ends in the text."""
    _, newline, line = before.rpartition("\n")
    return (newline != "" or at <= _LOOK_BACK) and line.strip() == word
