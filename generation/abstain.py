"""When not to answer: how probable it is that the passages hold the answer at all.

Three numbers say different things. How near the best passage is to the question in meaning and in words tells questions
about something else; how probable it is that the model begins with a refusal tells passages that are near and do not
answer. None is good alone: a prompt that lets the model decide refuses a third of what it could answer.
"""

import math
import re

from generation.prompt import NOT_FOUND

# Logistic regression of "the documents hold the answer" on 190 public questions and, counted twice, the 40 over the
# sample documents (benchmarks/RESULTS.md).
_COSINE, _WORDS, _REFUSAL, _CONSTANT = 13.9, 5.33, -0.43, -9.07
# Added to a probability before its logarithm is taken, which falls without end towards 0.
_FLOOR = 0.003
# Refuses 83 % of the public questions without an answer and 3 % of those answered right.
MIN_CONFIDENCE = 0.43

_SOURCES = r"(?:sources?|text|context|documents?)\b"
_SAID = r"(?:specified|mentioned|stated|given|provided|found|said|named)\b"
_SAY = r"(?:say|state|mention|specify|name|give|provide|contain)\b"
# A small model also refuses in whole sentences: "The rent is not specified in the given sources."
_REFUSES = re.compile(
    rf"(?-i:\b{NOT_FOUND}\b)|^not found\b"
    rf"|\bnot (?:\w+ )?{_SAID}[^.]*\b{_SOURCES}|\b{_SOURCES} (?:do|does) not (?:\w+ )?{_SAY}",
    re.IGNORECASE,
)


def refuses(draft: str) -> bool:
    """Whether the model says that the sources do not answer."""
    return bool(_REFUSES.search(draft))


def confidence(cosine: float, words: float, refusal: float) -> float:
    """How probable (0 to 1) it is that the passages hold the answer, from the nearest hit's cosine to the question, the
    first hit's evidence from words, and the probability of a refusal."""
    return 1 / (
        1 + math.exp(-(_COSINE * cosine + _WORDS * words + _REFUSAL * math.log(refusal + _FLOOR) + _CONSTANT))
    )
