"""The figures of a statement with what they are figures of: what tells a decision from the one that replaces it.

"450 units" and "300 units" contradict one another, "450 units" and "18 months" don't; and of "not 27 October" or
"from £412,000 to £437,500" a part is the past.
"""

import re
from dataclasses import dataclass

from retrieval.stop_words import STOP_WORDS

_MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec".split()
_MONTH = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|"
    r"nov(?:ember)?|dec(?:ember)?)\b\.?"
)
_NUMBER = r"\d+(?:[.,:]\d+)*"
_SMALL = {
    word: str(n)
    for n, word in enumerate("two three four five six seven eight nine ten eleven twelve".split(), 2)
}
# Marks of emphasis would stand between the words; the star of a list item stays.
EMPHASIS = re.compile(r"\*\*|[_`]|(?<=\S)\*|\*(?=\S)")
_FACT = re.compile(
    rf"(?<![\d/])\d{{4}}-(?P<iso>\d\d-\d\d)(?![\d-])|"
    rf"(?<!\w)(?P<day>\d{{1,2}})(?:(?:st|nd|rd|th) of|st|nd|rd|th|\.)? (?P<month>{_MONTH})(?:,? \d{{4}}\b)?|"
    rf"\b(?P<month2>{_MONTH}) (?P<day2>\d{{1,2}})(?:st|nd|rd|th)?(?![\w:])(?:,? \d{{4}}\b)?|"
    rf"(?P<sign>[€£$¥]) ?(?P<sum>{_NUMBER})|(?P<sum2>{_NUMBER}) (?P<name>euros?|pounds?|dollars?|eur|gbp|usd)\b|"
    rf"(?P<share>{_NUMBER}) ?(?:%|percent|per cent)|"
    rf"(?<![\w.-])(?P<count>{_NUMBER}|{'|'.join(_SMALL)}) (?P<unit>[^\W\d_]{{2,}})"
)
_CURRENCY = {"eur": "€", "gbp": "£", "pou": "£", "usd": "$", "dol": "$"}
# What comes straight before a figure that no longer holds; behind "replaces" all of them.
_PAST = re.compile(
    r"(?:\b(?:instead of|rather than|used to be|no longer|not|version \w+ (?:of \w+ )?was|originally|old \w+,?|"
    r"(?:was|were)(?: first| originally)? (?:planned|set) (?:for|at))(?: [^\W\d]+){0,2}|\b(?:was|were)|"
    r"\b(?:replac|supersed)\w+\b[^.]*|\(version \w+|\bin version \w+ \() ?[€£$¥]?$"
)
_FROM = re.compile(r"\bfrom [€£$¥]?$")
_TO = re.compile(r"\s+to\b")
# The day on which something was decided is no part of what was.
_DECIDED_ON = re.compile(
    r"\b(?:decided|approved|agreed|revised|signed|accepted|dated|updated)\b[^.;:\d]{0,60}$"
)
_THEN_DECIDED = re.compile(r"[^.;:\d]{0,60}\b(?:decided|approved|agreed|revised|accepted)\b")
_CLAUSE = re.compile(
    r"[,;:()](?!\d)|\n\s*\n|\n(?=\s*(?:[-*|•#]|\d+[.)])\s)|(?<=[.!?])\s|\b(?:but|instead|whereas)\b"
)
_WORD = re.compile(r"[^\W\d_]{2,}")
# How far back, in characters, the words are looked for that say what a figure is of.
_REACH = 200
# Of every decision, whatever it is about.
_USUAL = frozenset(
    "decision decide decided approve approved agree agreed status proposal propose proposed accept accepted hold date "
    "version replace replaces new old note see page subject come comes go goes effective get gets take takes stay "
    "stays more only now still again also just already".split()
)


@dataclass(frozen=True, slots=True)
class Fact:
    """A figure: what kind it is of (`date`, a currency, `%`, or the word it counts), its value, and the stems of the
    clause that it stands in, or of the one before where that has no word of its own. `past` when the text itself says
    that it no longer holds."""

    kind: str
    value: str
    about: frozenset[str]
    past: bool


def facts(text: str) -> list[Fact]:
    """The figures of a text, in order, each once. Days have no year, and the day of a decision is left out."""
    found = []
    text = EMPHASIS.sub("", text).casefold()
    for line in _lines(text):
        for match in _FACT.finditer(line):
            before = line[max(0, match.start() - _REACH) : match.start()]
            kind, value = _value(match)
            if kind in STOP_WORDS:
                continue
            if kind == "date" and (
                _DECIDED_ON.search(before) or (len(before) <= 3 and _THEN_DECIDED.match(line, match.end()))
            ):
                continue
            gone = _FROM.search(before) and _TO.match(line, match.end())
            *earlier, last = _CLAUSE.split(before)
            about = subjects(last + " " + _CLAUSE.split(line[match.end() :])[0])
            while not about and earlier:
                about = subjects(earlier.pop())
            found.append(Fact(kind, value, about, bool(gone or _PAST.search(before))))
    return list(dict.fromkeys(found))


def subjects(text: str) -> frozenset[str]:
    """The stems of the words that say what a text is about."""
    words = (word for word in _WORD.findall(text.casefold()) if word not in STOP_WORDS and word not in _USUAL)
    return frozenset(_stem(word) for word in words if word[:3] not in _MONTHS or len(word) > 9)


def _lines(text: str) -> list[str]:
    """Sentences, list items and rows, each on one line."""
    parts = re.split(r"\n\s*\n|\n(?=\s*(?:[-*|•#+]|\d+[.)])\s)|(?<=[.!?])\s+(?=\D)", text)
    return [" ".join(part.split()) for part in parts]


def _value(match: re.Match[str]) -> tuple[str, str]:
    named = {name: value for name, value in match.groupdict().items() if value is not None}
    if iso := named.get("iso"):
        return "date", iso
    if month := named.get("month") or named.get("month2"):
        day = int(named.get("day") or named["day2"])
        return "date", f"{_MONTHS.index(month[:3]) + 1:02}-{day:02}"
    if "sign" in named:
        return named["sign"], _plain(named["sum"])
    if "name" in named:
        return _CURRENCY[named["name"][:3]], _plain(named["sum2"])
    if "share" in named:
        return "%", _plain(named["share"])
    return named["unit"] if named["unit"] in STOP_WORDS else _stem(named["unit"]), _SMALL.get(
        named["count"]
    ) or _plain(named["count"])


def _plain(number: str) -> str:
    return re.sub(r"[.,](?=\d{3}\b)", "", number)


def _stem(word: str) -> str:
    for suffix in ("ing", "ed", "es", "s", "e"):
        if word.endswith(suffix) and len(word) - len(suffix) >= 3:
            return word[: -len(suffix)]
    return word
