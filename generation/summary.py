"""What was said on a matter, passage by passage: a sentence of each, in the order of the hits.

Asked for a summary of several passages at once, a small model writes one sentence about the first of them; asked about
each alone, it says what stands there or that it has nothing to do with the question.
"""

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import Any

from generation.abstain import refuses
from generation.evidence import claims, support
from generation.prompt import SYSTEM, user_prompt
from generation.stop import Stop
from generation.tidy import tidy
from generation.types import LanguageModel, Passage, Token, Turn
from retrieval.sentences import sentence_spans

# Passages that are read, and the tokens of each.
PASSAGES, PASSAGE_BUDGET = 3, 160
# Tokens that a sentence may have.
_MAX_TOKENS = 64
# A sentence that says fewer words than the question has not ("The chair said yes"), or of which so much has been said
# already, is left out.
_LEAST, _SAID = 3, 0.8


@dataclass(frozen=True, slots=True)
class Written:
    """A draft, the tokens read for it and made, and how sure the model was of what it adds to the question: the least
    probability (0 to 1) of a word; 1 where that is not looked at."""

    text: str
    read: int
    made: int
    sure: float = 1.0


# What is written, piece by piece, and in the end the draft.
Drafting = Generator[Token, None, Written]


def sentence_of_each(
    model: LanguageModel[Any],
    question: str,
    passages: Sequence[Passage],
    history: Sequence[Turn],
    may_begin: Callable[[float], bool],
    stop: Stop | None,
) -> Drafting:
    """A draft in which a mark names the passage of each sentence. `may_begin` is asked for each passage."""
    draft: list[str] = []
    read = made = 0
    for passage in passages:
        prompt = model.prompt(SYSTEM, user_prompt(question, [passage], history))
        text, tokens = "", 0
        for piece in model.complete(prompt, _MAX_TOKENS, may_begin, stop):
            if not text and draft:
                yield Token(" ")
            text, tokens = text + piece.text, piece.tokens
            yield Token(piece.text)
            if len(sentence_spans(text)) > 1:
                break
        read, made = read + len(prompt), made + tokens
        said = tidy(text, 1, cut=False)
        whole = tokens < _MAX_TOKENS and not refuses(said)
        new = claims(said).words - claims(question).words
        if whole and len(new) >= _LEAST and support(said, " ".join(draft)).coverage < _SAID:
            draft.append(f"{said} [{passage.n}]")
    return Written(" ".join(draft), read, made)
