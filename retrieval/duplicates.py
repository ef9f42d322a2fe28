"""Near-identical passages: the same message to several people, a page in two exports, a reminder sent again.

Two passages are copies when they share nearly all runs of three words, that is by their resemblance (Broder 1997, "On
the resemblance and containment of documents"):

    runs in both / runs in either >= 0.8

and when nothing in them differs that tells one thing from the next: figures, dates, versions, small numbers in words,
negations, currencies (all of them, in their order), and names that only the one and only the other has. So a table
of version 1 is no copy of the one of version 2, and a template is none of its next month's. When in doubt both are
kept: a passage too many costs a line, a hidden one the answer.
"""

import re
from collections.abc import Sequence
from itertools import chain

import numpy as np
from numpy.typing import NDArray

# The lines that stand in front of a message's body, and of these what does not tell one message from another: the
# subject does, where the body is a template ("please find the figures attached").
HEADER_LINES = re.compile(r"\A(?:(?:Subject|From|To|Cc|Date|Attachments):[^\n]*(?:\n|\Z))+")
_SUBJECT = re.compile(r"^Subject:\s*((?:(?:re|fwd?|aw|wg)\s*:\s*)*)([^\n]*)", re.IGNORECASE | re.MULTILINE)
_WORD = re.compile(r"\w+(?:['’]\w+)*|[€£$¥%]")
_DIGIT = re.compile(r"\d")
_RUN = 3
# Among 7,960 messages 561 pairs resemble each other by 0.9 or more, all of them the same message (a line more in
# front, a word corrected, another name greeted), as are the 2 from there down to 0.8; of the 8 from 0.8 to 0.5 most are
# a version with corrections or an invitation to another meeting.
_LEAST_RESEMBLANCE = 0.8
# In a shorter text one changed word is enough to make it say something else, and at its end costs a single run.
_MIN_WORDS = 30
_TELLING = frozenset(
    "no not never none without cannot nicht kein keine nie ohne "
    "zero one two three four five six seven eight nine ten eleven twelve first second third fourth "
    "monday tuesday wednesday thursday friday saturday sunday "
    "january february march april may june july august september october november december "
    "montag dienstag mittwoch donnerstag freitag samstag sonntag januar februar märz mai juni juli oktober dezember "
    "spring summer autumn fall winter next last ii iii iv vi vii viii ix € £ $ ¥ %".split()
)
# A capital within a sentence, or an address or a file name ("api.pdf"), which has its dots inside.
_NAME = re.compile(r"\b\w+(?:[.@]\w+)+|(?:(?<=[^\s.!?:…#>*•-][ \t])|(?<=[^\W\d_]\n)|(?<=\())[^\W\d_]\w+")
_GREETING = re.compile(
    r"^[ \t·]*(?:dear|hi|hello|hey|good \w+|hallo|liebe[rs]?|guten \w+)\b[^\n,:!.]{0,60}", re.I | re.M
)


def copies(
    texts: Sequence[str], kinds_mail: Sequence[bool], near: NDArray[np.bool_] | None = None
) -> list[int]:
    """For each passage, best first, the index of the first one that it is a copy of; its own index when it is none.
    In a mail (`kinds_mail`) the lines about sender, receivers and date do not count, nor "Re:" in the subject. `near`
    says of each two whether they may be copies; without it all may."""
    may = np.ones((len(texts), len(texts)), np.bool_) if near is None else near
    alone = may.sum(axis=1) < 2
    bodies = [
        "" if single else without_envelope(text) if mail else text
        for text, mail, single in zip(texts, kinds_mail, alone, strict=True)
    ]
    words = [_WORD.findall(body.casefold()) for body in bodies]
    tells = {word for word in set(chain.from_iterable(words)) if _tells(word)}
    telling = [[word for word in its if word in tells] for its in words]
    known: dict[int, set[int]] = {}

    def runs(at: int) -> set[int]:
        # Few are asked for: of most passages, what tells them apart differs.
        if at not in known:
            its = words[at]
            known[at] = set(map(hash, zip(*(its[of:] for of in range(_RUN)), strict=False)))
        return known[at]

    first: list[int] = []
    for at, its in enumerate(words):
        found = at
        for other in np.flatnonzero(may[at, :at]).tolist():
            if first[other] != other or telling[other] != telling[at]:
                continue
            if its == words[other] or (
                min(len(its), len(words[other])) >= _MIN_WORDS
                and _resemble(runs(at), runs(other))
                # With something in front, what begins the text may be a name too: subjects often do.
                and not all(own_names(f"· {bodies[at]}", f"· {bodies[other]}"))
            ):
                found = other
                break
        first.append(found)
    return first


def without_envelope(text: str) -> str:
    """A message's text with no more of its header lines than the subject, and that without "Re:" and the like."""

    def subject(head: re.Match[str]) -> str:
        found = _SUBJECT.search(head[0])
        return f"{found[2]}\n\n" if found else ""

    return HEADER_LINES.sub(subject, text, count=1)


def _tells(word: str) -> bool:
    if word in _TELLING:
        return True
    # Most words are of letters only, and to see that is quick.
    return not word.isalpha() and (word.endswith(("n't", "n’t")) or _DIGIT.search(word) is not None)


def _resemble(one: set[int], other: set[int]) -> bool:
    # The smaller set bounds what can be shared, so that most pairs need no look inside.
    if min(len(one), len(other)) < _LEAST_RESEMBLANCE * max(len(one), len(other)):
        return False
    shared = len(one & other)
    return shared >= _LEAST_RESEMBLANCE * (len(one) + len(other) - shared)


def own_names(one: str, other: str) -> tuple[set[str], set[str]]:
    """The words of names that only the one and only the other of two texts has, in lower case; greetings aside."""
    here, there = (set(_WORD.findall(text.casefold())) for text in (one, other))
    return _names(one) - there, _names(other) - here


def _names(text: str) -> set[str]:
    found = (match[0] for match in _NAME.finditer(_GREETING.sub("", text)))
    capital = (name for name in found if name[0].isupper() or "." in name or "@" in name)
    return {word for name in capital for word in _WORD.findall(name.casefold())}
