"""Makes a follow-up question findable on its own, without a language model."""

import re
from collections.abc import Sequence

from generation.types import Turn
from retrieval.words import content_words

# Words that point back to what was said before.
_POINTERS = re.compile(
    r"\b(it|its|they|them|their|he|him|his|she|her|this|that|these|those|there|then|one|ones|same|else|instead)\b",
    re.IGNORECASE,
)
_OPENERS = re.compile(
    r"^\s*(and|but|so|or|also|what about|how about|why|when|where|who|how much|how many)\b", re.IGNORECASE
)
# A question with fewer content words than this leaves its subject to the one before.
_FEW_WORDS = 3


def standalone(question: str, history: Sequence[Turn]) -> str:
    """The text to search for: `question` itself, or, when it leans on the turn before (a pronoun, an opening
    "and …", hardly a content word), that turn's question and the answer's first sentence in front of it."""
    if not history or not leans(question):
        return question
    last = history[-1]
    return f"{last.question} {last.answer.partition('. ')[0]} {question}"


def leans(question: str) -> bool:
    """Whether a question needs the turn before it to be understood."""
    few = len(content_words(question)) < _FEW_WORDS
    return (
        bool(_POINTERS.search(question))
        or (few and bool(_OPENERS.search(question)))
        or question.lower().startswith(("and ", "but ", "what about", "how about"))
    )
