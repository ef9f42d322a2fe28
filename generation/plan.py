"""Questions that need more than one look: what is asked about one thing stands with another.

"Who approved the change that delayed Atlas?" finds the change; who approved it may stand where only the change's name
does. So the names that the first passages bring are looked for too, each with the question. No language model takes
part: a small one plans badly, and a search costs 30 ms where a sentence of a plan costs 2 s.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import dropwhile

from generation.context import Ranked, relative
from generation.evidence import DAYS, MONTHS, forms
from retrieval.stop_words import STOP_WORDS
from retrieval.types import Hit
from retrieval.words import content_words

# Names are taken from this many hits, so many from each, and each is looked for with so many hits.
FROM_HITS, _NAMES, LOOK_HITS = 2, 4, 5
# What goes on to the context: the first look's best hits, and the best new ones of the others.
_KEPT, _NEW = 4, 4
# What the last of the new hits is worth beside the first, which is worth as much as the question's best hit.
_LAST_NEW = 0.5
# Words of the question that none of the best hits has, before it can be thought to need another.
_MISSING_WORDS, _BEST_HITS = 2, 3

# Put together of several: a clause about one of the things asked about, two things set against each other, or what
# belongs to what belongs to something.
_CLAUSE = re.compile(r"(?<=\w )(?:which|that|who|whose|whom|where|when|what)\b", re.IGNORECASE)
_OPENING = re.compile(
    r"^\W*(?:(?:and|but|so|then|with|to|for|from|since|until|of|at|in|on|by|about) )+\w+", re.IGNORECASE
)
_SEVERAL = re.compile(r"\b(?:or|both|between|than|and)\b", re.IGNORECASE)
_BELONGS = re.compile(r"\bof\b|['’]s\b", re.IGNORECASE)

_CAPITALISED = r"[^\W\d_a-z][\w.'’&-]*"
_NAME = re.compile(rf"{_CAPITALISED}(?:(?: (?:of|the|and|de|von|van|for|in|la|&))? {_CAPITALISED})*")

_COMMON = STOP_WORDS | set(MONTHS) | set(DAYS)


@dataclass(frozen=True, slots=True)
class Plan:
    """The names that were looked for, the hits of all looks with the first's best ahead, and what each hit is worth
    (0 to 1)."""

    names: tuple[str, ...]
    hits: tuple[Hit, ...]
    worth: tuple[float, ...]


def is_composite(question: str, hits: Sequence[Hit]) -> bool:
    """Whether the question is put together of several, by its wording."""
    within = _OPENING.sub("", question)
    several = [match for match in _SEVERAL.finditer(within) if not _is_name(match, hits[:_BEST_HITS])]
    return bool(_CLAUSE.search(within) or several or len(_BELONGS.findall(within)) > 1)


def needs_plan(question: str, hits: Sequence[Hit]) -> bool:
    """Whether the question is put together of several, and no single one of the best hits has nearly all of its words.
    True for four of five questions that were made to need two passages or more, and for one of seven that were not
    (benchmarks/RESULTS.md)."""
    if not is_composite(question, hits):
        return False
    asked = forms(question)
    lacking = [len(asked - forms(_all(hit))) for hit in hits[:_BEST_HITS]]
    return min(lacking, default=0) >= _MISSING_WORDS


def _is_name(match: re.Match[str], hits: Sequence[Hit]) -> bool:
    """Whether the word joins two others that stand so in the title of a hit, as in "Sense and Sensibility"."""
    before, after = match.string[: match.start()].split(), match.string[match.end() :].split()
    if not before or not after:
        return False
    name = f"{before[-1]} {match.group()} {after[0]}".casefold().strip(" ?,.")
    return any(name in hit.info.title.casefold() for hit in hits)


def names_to_follow(question: str, ranked: Ranked) -> list[str]:
    """The names in the best hits that the question does not have, those in the sentences that promise most first."""
    asked = set(content_words(question))
    seen: set[str] = set()
    found: list[str] = []
    for hit in range(min(FROM_HITS, len(ranked.hits))):
        mine = [at for at, candidate in enumerate(ranked.candidates) if candidate.hit == hit]
        mine.sort(key=lambda at: -float(ranked.scores[at]))
        named = dict.fromkeys(name for at in mine for name in names(ranked.candidates[at].unit.text))
        new = [name for name in named if not asked.issuperset(content_words(name)) and name not in seen]
        seen.update(new)
        found += new[:_NAMES]
    return found


def names(text: str) -> list[str]:
    """What `text` writes as names, in order. A single word that opens a sentence or a line is none, unless it is more
    than a word ("C-17", "UNESCO"); articles, months and days are everywhere and lead nowhere."""
    found = []
    for match in _NAME.finditer(text):
        words = re.sub(r"['’]s$", "", match.group().strip(" .'’")).split()
        opening = text[: match.start()].rstrip(" \"'“‘([*")[-1:] in ("", *".!?:;|#\n")
        rest = list(dropwhile(lambda word: word.lower() in _COMMON, words))
        name = " ".join(rest)
        plain = opening and rest == words and name.isalpha() and not name.isupper()
        if len(name) > 2 and not plain:
            found.append(name)
    return found


def together(names: Sequence[str], first: Sequence[Hit], looks: Sequence[Sequence[Hit]]) -> Plan:
    """The best hits of the first look and the best new ones of the others, as one list."""
    kept = first[:_KEPT]
    new: dict[str, Hit] = {}
    for hit in (hit for look in looks for hit in look):
        known = any(hit.ref == other.ref for other in kept)
        if not known and (hit.ref not in new or new[hit.ref].score < hit.score):
            new[hit.ref] = hit
    best = sorted(new.values(), key=lambda hit: (-hit.score, hit.ref))[:_NEW]
    worth = relative([hit.score for hit in first])[:_KEPT]
    worth += [1 - _LAST_NEW * at / len(best) for at in range(len(best))]
    hits = tuple(replace(hit, rank=rank) for rank, hit in enumerate([*kept, *best], start=1))
    return Plan(tuple(names), hits, tuple(worth))


def _all(hit: Hit) -> str:
    return "\n".join([hit.info.title, *hit.heading, hit.info.author or "", hit.info.date or "", hit.text])
